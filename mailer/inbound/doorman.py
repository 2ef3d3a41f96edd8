"""Who may stay connected: a limit, and a rule for who goes when it is reached.

The one that has said nothing for longest makes room, so that thousands who connect and keep silent
never keep out one who has a mail (S17). Whoever's mail is being stored stays.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

CONNECTIONS = 400  # of one listener
PATIENCE_SECONDS = 1.0  # a client that was heard within this is not sent away for another
STORING_SECONDS = 5.0  # how long a mail that is being stored holds up the end
FULL = "421 4.7.0 Too many connections, please try again later"
CLOSING = "421 4.3.2 Closing, please try again later"


class Guest(Protocol):
    """A client's session."""

    def send_away(self, reply: str) -> None:
        """Say this and close."""
        ...


class Doorman:
    """Knows the guests of one listener, the one heard least recently first."""

    def __init__(
        self, clock: Callable[[], float], *, limit: int = CONNECTIONS, patience: float | None = None
    ) -> None:
        self._clock = clock  # monotonic
        self._limit = limit
        self._patience = PATIENCE_SECONDS if patience is None else patience
        self._heard: OrderedDict[Guest, float] = OrderedDict()
        self._storing: set[Guest] = set()
        self._stored = asyncio.Event()
        self._closing = False

    def admit(self, guest: Guest) -> str | None:
        """None if the guest may stay, else what to say at the door."""
        if self._closing:
            return CLOSING
        if len(self._heard) >= self._limit and not self._make_room():
            return FULL
        self._heard[guest] = self._clock()
        return None

    def _make_room(self) -> bool:
        longest = next((guest for guest in self._heard if guest not in self._storing), None)
        if longest is None or self._clock() - self._heard[longest] < self._patience:
            return False
        self.forget(longest)
        longest.send_away(FULL)
        return True

    def hear(self, guest: Guest) -> None:
        """The guest said something."""
        if guest in self._heard:
            self._heard[guest] = self._clock()
            self._heard.move_to_end(guest)

    def forget(self, guest: Guest) -> None:
        """The guest is gone."""
        self._heard.pop(guest, None)

    def begin_storing(self, guest: Guest) -> None:
        """The guest's mail is complete and being stored."""
        self._storing.add(guest)

    def end_storing(self, guest: Guest) -> None:
        """It is stored, or is not going to be."""
        self._storing.discard(guest)
        self._stored.set()

    async def close(self) -> None:
        """Send everybody away, those whose mail is being stored after that."""
        self._closing = True
        try:
            async with asyncio.timeout(STORING_SECONDS):
                while True:
                    for guest in [one for one in self._heard if one not in self._storing]:
                        self.forget(guest)
                        guest.send_away(CLOSING)
                    if not self._heard:
                        return
                    self._stored.clear()
                    await self._stored.wait()
        except TimeoutError:
            for guest in list(self._heard):
                self.forget(guest)
                guest.send_away(CLOSING)
