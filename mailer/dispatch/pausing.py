"""When nothing may be sent: the mail server is out of order, or an organiser has pressed stop."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.log import get_logger
from mailer.transport.outcome import Fate, Outcome

WAITS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

_log = get_logger(__name__)


@dataclass(slots=True)
class Pausing:
    """``halted`` is the shared stop switch; an outage ends by itself after a growing wait, and the
    first mail that the server answers ends it for good. Times are the loop's monotonic seconds."""

    halted: bool = False
    outages: int = 0
    until: float = 0.0

    def note(self, outcome: Outcome, monotonic: float) -> None:
        """Learn from what became of a mail."""
        if outcome.fate is Fate.OUTAGE:
            if monotonic >= self.until:  # else: was under way when it began
                self._begin(outcome, monotonic)
        elif outcome.code is not None and self.outages:
            _log.info("the mail server takes mail again", action="outbox.resumed")
            self.outages = 0

    def _begin(self, outcome: Outcome, monotonic: float) -> None:
        wait = WAITS[min(self.outages, len(WAITS) - 1)]
        self.outages += 1
        self.until = monotonic + wait
        log = _log.error if outcome.alarm else _log.warning
        log(
            "the mail server is not available, all sending waits",
            action="outbox.paused",
            phase=outcome.phase,
            code=outcome.code,
            cause=outcome.text,
            seconds=wait,
        )

    def holds(self, monotonic: float) -> bool:
        """Whether nothing may start now."""
        return self.halted or monotonic < self.until

    def probing(self) -> bool:
        """Whether only one mail at a time should try."""
        return self.outages > 0
