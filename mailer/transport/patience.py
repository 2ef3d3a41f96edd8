"""How long a mail server is waited for (RFC 5321 §4.5.3.2), and a deadline that costs no timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds (RFC 5321 §4.5.3.2). ``idle`` is how long an unused
    connection is kept, ``goodbye`` how long the reply to QUIT is waited for."""

    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    piece: float = 180.0
    final_dot: float = 600.0
    idle: float = 20.0
    goodbye: float = 2.0


class Deadline:
    """Calls ``expired`` when its time has passed. It may be moved with every reply: one timer looks
    at it now and then, for a timer made and cancelled would cost as much as the rest of a reply."""

    def __init__(self, expired: Callable[[], None]) -> None:
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """It is so many seconds from now."""
        self._at = self._loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= self._at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(self._at, self._look)

    def cancel(self) -> None:
        """There is none any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() >= self._at:
            self._expired()
        else:
            self._timer = self._loop.call_at(self._at, self._look)
