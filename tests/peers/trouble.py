"""What a sink can be told to do wrong, and when.

Values only: the sink asks at each phase which trouble, if any, is due. Counting is here too, so
that "the third RCPT" means the third of the whole run, over all connections.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """A step of the conversation at which a reply is due (BODY: while content comes in)."""

    CONNECT = "connect"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"
    RSET = "rset"
    QUIT = "quit"


class Drop(StrEnum):
    """How the connection ends. Before the reply, after it, or by RST instead of the reply."""

    BEFORE = "before"
    AFTER = "after"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing to do wrong at one phase.

    `reply` replaces the reply (lines divided by newline); as bytes it is sent as it is. Without
    one the usual reply stands. `matching` is a pattern searched in the command's argument, at
    DOT in each recipient. `nth` counts the events that match, from 1; `every` takes each so many
    of them, `share` that part of them by chance; `times` bounds how often.
    """

    phase: Phase
    reply: str | bytes | None = None
    drop: Drop | None = None
    delay_seconds: float = 0.0
    byte_by_byte: bool = False
    matching: str = ""
    nth: int | None = None
    every: int | None = None
    share: float | None = None
    times: int | None = None


class Troubles:
    """Which trouble is due; holds the counts."""

    def __init__(self) -> None:
        self._orders: list[Trouble] = []
        self._matched: list[int] = []
        self._done: list[int] = []

    def add(self, trouble: Trouble) -> None:
        """Keep one more; earlier ones go first."""
        self._orders.append(trouble)
        self._matched.append(0)
        self._done.append(0)

    def clear(self) -> None:
        """Behave again."""
        self._orders.clear()
        self._matched.clear()
        self._done.clear()

    def due(self, phase: Phase, argument: str) -> Trouble | None:
        """The first trouble that this event calls for; every one that matches counts it."""
        found: Trouble | None = None
        for place, trouble in enumerate(self._orders):
            if trouble.phase is not phase or not re.search(trouble.matching, argument):
                continue
            self._matched[place] += 1
            if found is None and self._is_due(place, trouble):
                self._done[place] += 1
                found = trouble
        return found

    def _is_due(self, place: int, trouble: Trouble) -> bool:
        if trouble.nth is not None and trouble.nth != self._matched[place]:
            return False
        if trouble.every is not None and self._matched[place] % trouble.every:
            return False
        if trouble.share is not None and random.random() >= trouble.share:
            return False
        return trouble.times is None or self._done[place] < trouble.times
