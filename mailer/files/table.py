"""Rows of a CSV file with the line on which each begins, however many lines a quoted cell spans.

Comma, semicolon or tab, whichever the header row is made of. Streams: one row is held at a time.
Never judges what a cell says. RFC 4180, and what spreadsheets write instead of it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from mailer.errors import Fault
from mailer.files.draft import printable

SEPARATORS = ",;\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record; ``line`` is where it begins, counted from 1."""

    line: int
    cells: tuple[str, ...]


def rows(lines: Iterable[str]) -> Iterator[Row | Fault]:
    """Each row that is not blank, or the fault in its place. ``lines`` keep their line ends."""
    rest = iter(lines)
    skipped, first = 0, ""
    for first in rest:
        if first.strip():
            break
        skipped += 1
    else:
        return
    reader = csv.reader(chain([first], rest), delimiter=_separator(first), strict=True)
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as cause:
            yield Fault(
                where=f"line {line}", found=printable(str(cause)), expected="CSV", hint=_hint(cause)
            )
            continue
        if any(cell.strip() for cell in cells):
            yield Row(line=line, cells=tuple(cells))


def _separator(header: str) -> str:
    """The separator that occurs most in the header row; a comma if none does."""
    return max(SEPARATORS, key=header.count)


def _hint(cause: csv.Error) -> str:
    quoted = ("expected after", "unexpected end of data", "larger than")
    if any(words in str(cause) for words in quoted):
        return 'a quote opens and closes a cell; inside it is written twice, ""'
    return ""
