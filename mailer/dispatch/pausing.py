"""When nothing may be sent: the mail server is out of order, or an organiser has pressed stop.

A mail server that wants nothing from us, or does not let us in, says nothing of any recipient:
everything waits, and what will not end by waiting is an alarm. An outage is told once when it
begins and once when it ends, however many tries are made in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import trouble
from mailer.store.engine import Connection, Store
from mailer.store.trouble import Trouble
from mailer.transport.outcome import Fate, Outcome

WAITS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
WORTH_TELLING = 3  # tries in a row; what is over before is no trouble

Alarm = Callable[[Connection, Trouble], Awaitable[None]]

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outage:
    began: float
    outcome: Outcome

    def seen(self, zero: datetime) -> Trouble:
        """What others see of it; ``zero`` is when monotonic seconds began."""
        return Trouble(
            since=zero + timedelta(seconds=self.began),
            phase=self.outcome.phase,
            code=self.outcome.code,
            cause=self.outcome.text,
            alarm=self.outcome.alarm,
        )


@dataclass(slots=True)
class Pausing:
    """``halted`` is the shared stop switch, ``held`` the one for mail to many; an outage ends by
    itself after a growing wait, and the first mail that the server answers ends it for good. Times
    are monotonic seconds."""

    halted: bool = False
    held: bool = False
    outages: int = 0
    until: float = 0.0
    _outage: _Outage | None = None
    _told: _Outage | None = None
    _tells: bool = True  # what another life of this node left behind is not known

    def note(self, outcome: Outcome, monotonic: float) -> None:
        """Learn from what became of a mail."""
        if outcome.fate is Fate.OUTAGE:
            self._remember(outcome, monotonic)
            if monotonic >= self.until:  # else: was under way when it began
                self._begin(outcome, monotonic)
        elif self.outages and outcome.code is not None:
            _log.info("the mail server takes mail again", action="outbox.resumed")
            self.outages = 0
            self._outage = None

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

    def _remember(self, outcome: Outcome, monotonic: float) -> None:
        """What it is, by the first word of it; an alarm is the last word."""
        known = self._outage
        if known is None:
            self._outage = _Outage(began=monotonic, outcome=outcome)
        elif outcome.alarm and not known.outcome.alarm:
            self._outage = replace(known, outcome=outcome)

    def holds(self, monotonic: float) -> bool:
        """Whether nothing may start now."""
        return self.halted or monotonic < self.until

    def probing(self) -> bool:
        """Whether only one mail at a time should try."""
        return self.outages > 0

    async def publish(
        self, store: Store, *, node: str, now: datetime, monotonic: float, alarm: Alarm
    ) -> None:
        """Let every process on the database see how it stands, when that has changed; ``alarm``
        writes to a person, in the same transaction. About once a second."""
        outage = self._worth_telling()
        if outage == self._told and not self._tells:
            return
        seen = None if outage is None else outage.seen(now - timedelta(seconds=monotonic))

        async def unit(connection: Connection) -> None:
            await trouble.put(connection, node, seen)
            if seen is not None and seen.alarm:
                await alarm(connection, seen)

        try:
            await store.write(unit)
        except StoreUnavailable:
            self._tells = True  # again: nobody knows what it has taken
            return
        self._told, self._tells = outage, False

    def _worth_telling(self) -> _Outage | None:
        """What keeps mail from leaving, if somebody should know it."""
        outage = self._outage
        if outage is None or not (outage.outcome.alarm or self.outages >= WORTH_TELLING):
            return None
        return outage
