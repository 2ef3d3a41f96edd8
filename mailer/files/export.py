"""Lists for spreadsheets: CSV in which no cell can become a formula.

A cell that begins with ``= + - @``, TAB, CR or LF gets a ``'`` in front, and every cell is quoted
(CSV injection). `unguarded` takes exactly that ``'`` away again, so that an export reads back as it
was. RFC 4180: CRLF ends a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from mailer.message.address import Address

# A value that already looks guarded is guarded once more: only so it reads back as it was.
GUARDED = re.compile(r"'*[=+\-@\t\r\n]")
REGISTRATIONS_HEADER = ("address", "name", "state", "at")
PEOPLE_HEADER = ("address", "name", "language", "timezone")


class Person(Protocol):
    """Who can be exported: a row of a list, or what the store has of a subscriber."""

    @property
    def address(self) -> Address: ...
    @property
    def name(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def timezone(self) -> str | None: ...


class Registered(Protocol):
    """Who said something of a webinar."""

    @property
    def address(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def at(self) -> datetime: ...


def registrations_to_csv(rows: Iterable[Registered]) -> str:
    """Who registered for a webinar, waits for a place, or does not come; instants in UTC."""
    cells = ((one.address, one.name, one.state, _instant(one.at)) for one in rows)
    return "".join(csv_lines(REGISTRATIONS_HEADER, cells))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def people_to_csv(rows: Iterable[Person]) -> str:
    """The people as CSV that `read_people` reads back; None becomes an empty cell."""
    return "".join(csv_lines(PEOPLE_HEADER, map(_cells, rows)))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Each row of any table as one safe CSV line with its line end, the header first."""
    yield _line(header)
    for row in rows:
        yield _line(row)


def guarded(text: str) -> str:
    """The text as a cell that a spreadsheet shows and never runs."""
    return f"'{text}" if GUARDED.match(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given; any other text as it is."""
    return text[1:] if text[:1] == "'" and GUARDED.match(text) else text


def _cells(person: Person) -> Sequence[str]:
    return (
        person.address.mailbox,
        person.name or "",
        person.language or "",
        person.timezone or "",
    )


def _line(cells: Iterable[str]) -> str:
    doubled = (guarded(cell).replace('"', '""') for cell in cells)
    return ",".join(f'"{cell}"' for cell in doubled) + "\r\n"
