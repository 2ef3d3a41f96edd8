"""Reads SMTP replies from bytes, however they are cut into pieces (RFC 5321 §4.2).

Bounded, and strict about order: a reply counts only if a command waits for it, so that none is
ever taken for the answer to a later one. Knows nothing of connections.
"""

from __future__ import annotations

import re
from collections import deque
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
        self._buffer = bytearray()
        self._code: int | None = None
        self._lines: list[bytes] = []
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
        self._buffer += data
        start = 0
        while (end := self._buffer.find(b"\n", start)) >= 0:
            self._line(bytes(self._buffer[start:end]).removesuffix(b"\r"))
            start = end + 1
        del self._buffer[:start]
        if self._octets + len(self._buffer) > REPLY_OCTETS:
            raise NotSmtp("the server's reply is too long")

    def _line(self, line: bytes) -> None:
        match = _LINE.fullmatch(line)
        if match is None or self._code not in (None, int(match[1])):
            raise NotSmtp(f"the server does not speak SMTP: {line[:80]!r}")
        self._code = int(match[1])
        self._lines.append(match[3] or b"")
        self._octets += len(line)
        if self._octets > REPLY_OCTETS:
            raise NotSmtp("the server's reply is too long")
        if match[2] != b"-":
            self._end()

    def _end(self) -> None:
        assert self._code is not None
        text = b" ".join(self._lines).decode("utf-8", "replace")
        if not self._expected:
            raise NotSmtp(f"a reply to nothing: {self._code} {text[:80]}")
        self._expected -= 1
        self._ready.append(Reply(code=self._code, text=text))
        self._code, self._lines, self._octets = None, [], 0
