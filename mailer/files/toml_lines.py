"""On which line each table, key and list element of a TOML text stands.

tomllib tells values but no lines. This scans a text that tomllib has accepted, so it need not
judge: it follows strings, comments and brackets, and counts line ends. It never raises; on a text
that is no TOML its answer means nothing. TOML 1.0, sections Keys, String, Array, Table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

PIECE = re.compile(
    r'(?P<string>"""(?:\\.|[^\\])*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*')"
    r"|(?P<comment>\#[^\n]*)"
    r"|(?P<newline>\n)"
    r"|(?P<space>[ \t\r]+)"
    r"|(?P<mark>[\[\]{},=.])"
    r"|(?P<bare>[^\s\"'#\[\]{},=.]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)


@dataclass(slots=True, kw_only=True)
class Spot:
    """Where a key stands, and where the elements of its list begin (if it holds one)."""

    line: int
    items: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Table:
    """One table: its dotted name (empty for the root), its line, and its keys' first parts."""

    path: tuple[str, ...]
    line: int
    keys: dict[str, Spot] = field(default_factory=dict)


class _Expect(Enum):
    STATEMENT = auto()
    HEADER = auto()
    KEY = auto()
    VALUE = auto()


def tables(text: str) -> tuple[Table, ...]:
    """The tables of ``text`` in order, the root first; lines count from 1."""
    scan = _Scan()
    for piece in PIECE.finditer(text + "\n"):  # so that the last statement ends, too
        scan.take(piece.lastgroup or "other", piece.group())
    return tuple(scan.tables)


class _Scan:
    """Follows the pieces of one text."""

    def __init__(self) -> None:
        self.tables = [Table(path=(), line=1)]
        self._line = 1
        self._expect = _Expect.STATEMENT
        self._path: list[str] = []
        self._depth = 0
        self._spot = Spot(line=1)
        self._element_next = False

    def take(self, kind: str, piece: str) -> None:
        match self._expect:
            case _ if kind in ("space", "comment"):
                pass
            case _Expect.STATEMENT:
                self._statement(kind, piece)
            case _Expect.HEADER:
                self._header(kind, piece)
            case _Expect.KEY:
                self._key(kind, piece)
            case _Expect.VALUE:
                self._value(kind, piece)
        self._line += piece.count("\n")

    def _statement(self, kind: str, piece: str) -> None:
        if kind == "newline":
            return
        self._path = []
        if piece == "[":
            self._expect = _Expect.HEADER
        else:
            self._expect = _Expect.KEY
            self._key(kind, piece)

    def _header(self, kind: str, piece: str) -> None:
        if kind == "newline":
            self.tables.append(Table(path=tuple(self._path), line=self._line))
            self._expect = _Expect.STATEMENT
        elif kind in ("bare", "string"):
            self._path.append(_unquoted(piece))

    def _key(self, kind: str, piece: str) -> None:
        if kind in ("bare", "string"):
            self._path.append(_unquoted(piece))
        elif piece == "=":
            first = self._path[0] if self._path else ""
            self._spot = self.tables[-1].keys.setdefault(first, Spot(line=self._line))
            self._expect = _Expect.VALUE
            self._depth = 0
            self._element_next = False

    def _value(self, kind: str, piece: str) -> None:
        if kind == "newline":
            if self._depth == 0:
                self._expect = _Expect.STATEMENT
            return
        if kind == "mark" and piece in "]}":
            self._depth -= 1
            self._element_next = False
            return
        if self._element_next and piece != ",":
            self._spot.items.append(self._line)
            self._element_next = False
        if kind == "mark" and piece in "[{":
            self._depth += 1
            self._element_next = self._depth == 1 and piece == "["
        elif piece == ",":
            self._element_next = self._depth == 1


def _unquoted(piece: str) -> str:
    return piece[1:-1] if piece[:1] in ("'", '"') else piece
