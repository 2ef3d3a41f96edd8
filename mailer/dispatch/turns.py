"""When each mail to a limited domain may leave: evenly spaced, so many a second and no more.

Kept in memory, for the domains whose turns lie ahead; after a restart all begins anew, and the
ledger makes due at once what waited for its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scheduler.pace import Turns, next_turn

EVERY_OTHER = "*"
KEPT_AT_LEAST = 1_000

_FRESH = Turns()


class DomainTurns:
    """Hands out turns. ``limits`` are mails a second by domain; 0 is no limit."""

    def __init__(self, limits: Mapping[str, float], seconds: Callable[[], float]) -> None:
        self._intervals = {name: 1 / rate for name, rate in limits.items() if rate}
        self._free = frozenset(name for name, rate in limits.items() if not rate)
        self._others = self._intervals.pop(EVERY_OTHER, None)
        self._seconds = seconds
        self._nodes = 1
        self._turns: dict[str, Turns] = {}
        self._tidy_at = KEPT_AT_LEAST

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self._intervals) or self._others is not None

    def share(self, nodes: int) -> None:
        """So many nodes send: each takes its part of every limit."""
        self._nodes = nodes

    def wait(self, recipient: str, *, urgent: bool, again: bool) -> float:
        """In how many seconds a mail may leave, 0: now; ``again`` if this is the turn it got."""
        domain = recipient.rpartition("@")[2].lower()
        interval = self._interval(domain)
        if interval is None:
            return 0.0
        now = self._seconds()
        self._turns[domain], seconds = next_turn(
            self._turns.get(domain, _FRESH),
            interval * self._nodes,
            now,
            urgent=urgent,
            again=again,
        )
        if len(self._turns) > self._tidy_at:
            self._tidy(now)
        return seconds

    def _interval(self, domain: str) -> float | None:
        interval = self._intervals.get(domain)
        if interval is None and domain not in self._free:
            return self._others
        return interval

    def _tidy(self, now: float) -> None:
        """Forget domains whose turns are over: they are as good as new."""
        self._turns = {
            domain: turns
            for domain, turns in self._turns.items()
            if turns.left > now or turns.booked > now
        }
        self._tidy_at = max(KEPT_AT_LEAST, 2 * len(self._turns))
