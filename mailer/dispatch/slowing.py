"""Sends more slowly when the mail server asks for less, and faster again by and by.

Decides which replies ask for less: 421 once the server has greeted us, 4yz at MAIL, and what RFC
3463 §3.4 and §3.8 count as the server's own state or its policy (4.3.x, 4.7.x). A recipient's full
mailbox does not, nor does greylisting, which wants the same mail later and not fewer mails.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mailer.log import get_logger
from mailer.transport.outcome import Fate, Outcome, Phase
from scheduler.pace import Slowdown, allowed_rate, slowed

MEASURED_SECONDS = 1.0

_OF_THE_SERVER = re.compile(r"4\.[37]\.\d{1,3}\b")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_GREYLISTED = re.compile(r"gr[ae]y-? ?list", re.IGNORECASE)

_log = get_logger(__name__)


class Slowing:
    """Counts what the server takes, and how much less it is to get. ``seconds`` never go back."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._slowdown: Slowdown | None = None
        self._taken = 0  # since the last measuring, as the next
        self._others = 0
        self._measured_at = seconds()
        self._lately = (0.0, 0.0)  # a second, taken and tried, before the last measuring

    def note(self, outcome: Outcome) -> None:
        """Learn from what became of a mail."""
        if outcome.fate is Fate.SENT:
            self._taken += 1
            return
        self._others += 1
        if asks_for_less(outcome):
            self._slow_down(outcome)

    def rate(self) -> float | None:
        """How many mails a second may leave; None: as many as there are."""
        now = self._seconds()
        self._measure(now)
        if self._slowdown is None:
            return None
        rate = allowed_rate(self._slowdown, now)
        if rate is None:
            self._slowdown = None
            _log.info("sending at full speed again", action="pace.recovered")
        return rate

    def _slow_down(self, outcome: Outcome) -> None:
        now = self._seconds()
        taken, tried = self._rates(now)
        begins = self._slowdown is None
        self._slowdown = slowed(self._slowdown, taken=taken, tried=tried, now=now)
        if begins:
            _log.warning(
                "the mail server asks for less, sending slows down",
                action="pace.slowed",
                rate=round(self._slowdown.rate, 1),
                phase=outcome.phase,
                code=outcome.code,
                cause=outcome.text,
            )

    def _rates(self, now: float) -> tuple[float, float]:
        """A second, taken and tried: over the time since the last measuring, or if that is less
        than a second, over what is missing of it before."""
        passed = max(0.0, now - self._measured_at)
        taken, tried = float(self._taken), float(self._taken + self._others)
        if passed >= MEASURED_SECONDS:
            return taken / passed, tried / passed
        before = MEASURED_SECONDS - passed
        return taken + before * self._lately[0], tried + before * self._lately[1]

    def _measure(self, now: float) -> None:
        if now - self._measured_at >= MEASURED_SECONDS:
            self._lately = self._rates(now)
            self._measured_at, self._taken, self._others = now, 0, 0


def asks_for_less(outcome: Outcome) -> bool:
    """Whether a reply says that the server as a whole wants fewer mails."""
    code, phase, text = outcome.code, outcome.phase, outcome.text
    if code is None or not 400 <= code < 500 or phase is Phase.CONNECT:
        return False
    if code == 421 or _GREYLISTED.search(text):
        return code == 421
    match phase:
        case Phase.MAIL:
            return True
        case Phase.DOT if not _ENHANCED.match(text):
            return 450 <= code < 460
        case Phase.RCPT | Phase.DATA | Phase.DOT:
            return _OF_THE_SERVER.match(text) is not None
        case Phase.EHLO | Phase.STARTTLS | Phase.AUTH:
            return False
