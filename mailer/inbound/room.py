"""Whether there is room for another mail: on the disk of the database, and in memory.

A sender who is told so before the content keeps the mail and comes again (RFC 5321 §4.2.2, §6.1:
no mail is lost for a predictable shortage of resources). Looks at the disk of a SQLite file alone;
a database server looks after its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

NO_ROOM = "452 4.3.1 Not enough room for mail just now, please try again later"
MAILS_ON_DISK = 2  # so many of the largest size must still fit
MAILS_IN_MEMORY = 2  # so many of the largest size may come in at once,
LEAST_OCTETS_IN_MEMORY = 67_108_864  # or as many as this holds
FREE_OCTETS = 65_536  # of each mail: no small mail is refused because others send large ones
LOOKED_SECONDS = 1.0  # what was seen of the disk counts for so long


class Room:
    """What mails on their way in have to share, over all listeners."""

    def __init__(
        self, folder: Path | None, clock: Callable[[], float], *, largest_octets: int
    ) -> None:
        self._folder = folder
        self._clock = clock  # monotonic
        self._on_disk = MAILS_ON_DISK * largest_octets
        self._in_memory = max(MAILS_IN_MEMORY * largest_octets, LEAST_OCTETS_IN_MEMORY)
        self._taken = 0
        self.one_large = asyncio.Lock()  # a mail that is read takes several times its size
        self._looked_at = float("-inf")
        self._fits = True

    def has(self, octets: int) -> bool:
        """Whether a mail of that size could come in now; 0 if its size is not known yet."""
        return self._has_memory(octets - FREE_OCTETS) and self._has_disk()

    def share(self) -> Share:
        """What one mail takes of the memory, nothing yet."""
        return Share(self)

    def take(self, octets: int) -> bool:
        """Have so much more in memory, if there is room for it; negative to give it back."""
        if not self._has_memory(octets):
            return False
        self._taken += octets
        return True

    def _has_memory(self, octets: int) -> bool:
        return octets <= 0 or self._taken + octets <= self._in_memory

    def _has_disk(self) -> bool:
        if self._folder is None:
            return True
        now = self._clock()
        if now - self._looked_at >= LOOKED_SECONDS:
            self._looked_at = now
            self._fits = _free_octets(self._folder) >= self._on_disk
        return self._fits


class Share:
    """The part of a room that one mail has."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._octets = -FREE_OCTETS

    def take(self, octets: int) -> str | None:
        """Take in a piece more; how to refuse it if there is no room."""
        more = max(self._octets + octets, 0) - max(self._octets, 0)
        if not self._room.take(more):
            return NO_ROOM
        self._octets += octets
        return None

    def give_back(self) -> None:
        """The mail is not in memory any more."""
        self._room.take(-max(self._octets, 0))
        self._octets = -FREE_OCTETS  # so that giving back twice is harmless


def _free_octets(folder: Path) -> int:
    seen = os.statvfs(folder)
    return seen.f_bavail * seen.f_frsize
