"""The seam between those who have mails to send and what carries them.

A carrier pulls: as soon as one of its connections can take a mail, it asks its source for one. So
nothing waits in a queue of the transport, and what is stopped, paused or taken back stops there.
No call of a source waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from mailer.transport.outcome import Outcome, Outgoing


class Source(Protocol):
    """Where the mails come from and where their outcomes go."""

    def take(self) -> Outgoing | None:
        """The next finished mail, None if there is none at this moment."""
        ...

    def may_hand_over(self) -> bool:
        """Whether a mail that was taken may be handed over at this moment. If not, the carrier
        waits with it until it is woken: up to there nothing is in doubt."""
        ...

    def may_still(self, outgoing: Outgoing) -> bool:
        """Whether a mail that had to wait for that may go at all. If not, it comes back untaken,
        and its connection is given up: there the server waits for it."""
        ...

    def untake(self, outgoing: Outgoing) -> None:
        """The connection came to its end before the server said anything of this mail: it was not
        tried, and the next connection may have it."""
        ...

    def done(self, outgoing: Outgoing, outcome: Outcome) -> None:
        """What became of a mail that was taken."""
        ...

    def unreachable(self, outcome: Outcome) -> None:
        """No connection is open and none could be had; no mail was taken for it."""
        ...


class Carrier(Protocol):
    """Carries the mails of one source until its end. Each mail it takes comes back exactly once."""

    def wake(self, waiting: int) -> None:
        """There are so many mails to take, as far as the source knows, and what was taken may be
        handed over."""
        ...

    def rest(self) -> None:
        """Nothing will come for a while: what is idle may be closed."""
        ...

    async def end(self) -> None:
        """Take nothing more; returns when every mail that was taken has its outcome."""
        ...

    def cut(self) -> None:
        """End now: what is under way comes back as if the connections had broken."""
        ...


class Transport(Protocol):
    """A way out."""

    def carrier(self, source: Source, *, connections: int) -> Carrier:
        """Carry the mails of a source over at most so many connections at a time."""
        ...


async def send_in_order(transport: Transport, mails: Sequence[Outgoing]) -> tuple[Outcome, ...]:
    """Hand over some mails one after the other, and wait for all of them; outcomes as the mails."""
    sequence = _Sequence(mails)
    carrier = transport.carrier(sequence, connections=1)
    try:
        while len(sequence.outcomes) < len(mails):
            sequence.changed.clear()
            carrier.wake(1)
            await sequence.changed.wait()
        await carrier.end()
    finally:
        carrier.cut()
    return tuple(sequence.outcomes)


class _Sequence:
    """A source that gives a mail only when the one before it has its outcome."""

    def __init__(self, mails: Sequence[Outgoing]) -> None:
        self._waiting = deque(mails)
        self._under_way = False
        self.outcomes: list[Outcome] = []
        self.changed = asyncio.Event()

    def take(self) -> Outgoing | None:
        if self._under_way or not self._waiting:
            return None
        self._under_way = True
        return self._waiting.popleft()

    def may_hand_over(self) -> bool:
        return True

    def may_still(self, outgoing: Outgoing) -> bool:
        return True

    def untake(self, outgoing: Outgoing) -> None:
        self._under_way = False
        self._waiting.appendleft(outgoing)
        self.changed.set()

    def done(self, outgoing: Outgoing, outcome: Outcome) -> None:
        self._under_way = False
        self.outcomes.append(outcome)
        self.changed.set()

    def unreachable(self, outcome: Outcome) -> None:
        if self._waiting:
            self._waiting.popleft()
            self.outcomes.append(outcome)
        self.changed.set()
