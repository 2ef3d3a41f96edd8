"""Reads SMTP replies from bytes, however they are cut into pieces (RFC 5321 §4.2).

Bounded, and strict about order: a reply counts only if a command waits for it, so that none is
ever taken for the answer to a later one. Knows nothing of connections.
"""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import NamedTuple

REPLY_OCTETS = 65_536  # of one reply with all its lines
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class NotSmtp(Exception):
    """What came is not a reply that was asked for."""


class Reply(NamedTuple):
    """A code, and the text of all lines as one."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """2yz: done as asked."""
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Replies:
    """The replies read so far, oldest first; true if there is one."""

    def __init__(self) -> None:
        self._cut = b""  # the beginning of a line whose end has not come
        self._code: int | None = None  # of a reply of which there are lines already
        self._lines: list[str] = []
        self._octets = 0
        self._ready: deque[Reply] = deque()
        self._expected = 0

    def __bool__(self) -> bool:
        return bool(self._ready)

    def expect(self, count: int) -> None:
        """So many more commands are on their way."""
        self._expected += count

    def take(self) -> Reply:
        """The oldest reply; IndexError if there is none."""
        return self._ready.popleft()

    def feed(self, data: bytes) -> None:
        """Read on. Raises NotSmtp; the replies before that still stand."""
        *lines, self._cut = (self._cut + data).split(b"\n")
        for line in lines:
            self._line(line)
        if self._octets + len(self._cut) > REPLY_OCTETS:
            raise NotSmtp("the server's reply is too long")

    def _line(self, line: bytes) -> None:
        reply, more = _read(line)
        if self._code is None and not more:
            self._end(reply)
            return
        if self._code not in (None, reply.code):
            raise _nonsense(line)
        self._code = reply.code
        self._lines.append(reply.text)
        self._octets += len(line)
        if self._octets > REPLY_OCTETS:
            raise NotSmtp("the server's reply is too long")
        if not more:
            whole = Reply(code=reply.code, text=" ".join(self._lines))
            self._code, self._lines, self._octets = None, [], 0
            self._end(whole)

    def _end(self, reply: Reply) -> None:
        if not self._expected:
            raise NotSmtp(f"a reply to nothing: {reply.code} {reply.text[:80]}")
        self._expected -= 1
        self._ready.append(reply)


@lru_cache(maxsize=64)  # most servers answer most mails in the same words
def _read(line: bytes) -> tuple[Reply, bool]:
    """What a line says, and whether its reply has another line. Raises NotSmtp."""
    match = _LINE.fullmatch(line.removesuffix(b"\r"))
    if match is None:
        raise _nonsense(line)
    text = (match[3] or b"").decode("utf-8", "replace")
    return Reply(code=int(match[1]), text=text), match[2] == b"-"


def _nonsense(line: bytes) -> NotSmtp:
    return NotSmtp(f"the server does not speak SMTP: {line.rstrip()[:80]!r}")
