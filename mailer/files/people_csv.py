"""A list of people as CSV: addresses, and how each person wants to be written to.

Checks by syntax alone and never asks the network. An empty cell is None, the series' default.
`stream_people` holds one row at a time, so that a list of a million needs no more memory than one
of ten; `read_people` takes a whole file or nothing.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from mailer.errors import Fault, PeopleError
from mailer.files import fields
from mailer.files.draft import describe, place
from mailer.files.export import unguarded
from mailer.files.fields import Unfit
from mailer.files.table import Row, rows
from mailer.files.text import not_utf8
from mailer.message.address import Address, parse_address

COLUMNS = ("address", "name", "language", "timezone")
OTHER_NAMES = {"email": "address", "e-mail": "address", "mail": "address", "zone": "timezone"}
MOST_FAULTS = 1_000  # told of one file; the rest is counted
ADDRESS_EXPECTED = "a mail address such as name@example.org"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person of a list. None is the series' default; ``line`` is 0 for no file."""

    address: Address
    name: str | None = None
    language: str | None = None
    timezone: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A whole list: each address once. ``notes`` say which rows were merged."""

    rows: tuple[PersonRow, ...]
    notes: tuple[str, ...] = ()


def read_people(content: bytes, *, name: str) -> People:
    """The people of a file, in its order, rows of the same address merged.

    Raises `PeopleError` with the faults, each with its line; then nobody is taken.
    """
    merged: dict[str, PersonRow] = {}
    notes: list[str] = []
    faults: list[Fault] = []
    more = 0
    for found in stream_people(io.BytesIO(content)):
        if isinstance(found, PersonRow):
            _merge(found, merged, notes)
        elif len(faults) < MOST_FAULTS:
            faults.append(found)
        else:
            more += 1
    if more:
        faults.append(Fault(where="file", found=f"{more} more such rows", expected="none"))
    if not faults and not merged:
        expected = "an address in each row"
        faults.append(Fault(where="file", found="no address", expected=expected))
    if faults:
        raise PeopleError(name, tuple(faults))
    return People(rows=tuple(merged.values()), notes=tuple(notes))


def stream_people(lines: Iterable[bytes]) -> Iterator[PersonRow | Fault]:
    """Each person, or what is wrong in their place, as the rows come; nothing is merged.

    ``lines`` end where an open binary file ends them: at LF. Never raises.
    """
    found = rows(_decoded(lines))
    first = next(found, None)
    if first is None:
        return
    if isinstance(first, Fault):
        yield first
        return
    if _is_utf16(first):
        yield not_utf8(1, "UTF-16")
        return
    columns, faults = _header(first)
    yield from faults
    if faults:
        return
    if first.cells[0].strip().lower() not in COLUMNS:  # no header: addresses alone
        yield _person(first, columns)
    for row in found:
        yield row if isinstance(row, Fault) else _person(row, columns)


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """Text lines; bytes that are no UTF-8 become surrogates, which `_person` reports."""
    for number, line in enumerate(lines):
        bare = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
        # A carriage return alone ends a line, too, as the csv module wants it.
        yield from io.StringIO(bare.decode("utf-8", "surrogateescape"), newline="")


def _is_utf16(row: Row) -> bool:
    start = "".join(row.cells)[:2].encode("utf-8", "surrogateescape")
    return start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _header(row: Row) -> tuple[Sequence[str], tuple[Fault, ...]]:
    """The columns that the first row names; the address alone if it is an address itself."""
    cells = [cell.strip().lower() for cell in row.cells]
    if len(cells) == 1 and "@" in cells[0]:
        return COLUMNS[:1], ()
    if any("@" in cell for cell in cells):
        fault = Fault(
            where=place(row.line),
            found="an address in the first row",
            expected=f"a header row: {','.join(COLUMNS)}",
            hint="the header may be left out only if each row is an address and nothing else",
        )
        return (), (fault,)
    return cells, tuple(_header_faults(cells, row.line))


def _header_faults(cells: Sequence[str], line: int) -> Iterator[Fault]:
    for number, cell in enumerate(cells, start=1):
        where = place(line, f"column {number}")
        if cell and cell not in COLUMNS:
            near = f"did you mean {OTHER_NAMES[cell]}?" if cell in OTHER_NAMES else ""
            hint = near or fields.hint_for(cell, COLUMNS)
            expected = f"one of {', '.join(COLUMNS)}"
            yield Fault(where=where, found=describe(cell), expected=expected, hint=hint)
        elif cell and cell in cells[: number - 1]:
            yield Fault(where=where, found=f"{describe(cell)} again", expected="each column once")
    if "address" not in cells:
        yield Fault(where=place(line), found="no column address", expected="one of that name")


def _person(row: Row, columns: Sequence[str]) -> PersonRow | Fault:
    """The person of a row, or the first thing wrong with it."""
    if len(row.cells) > len(columns):
        found, expected = f"{len(row.cells)} cells", f"{len(columns)}, as in the header row"
        return Fault(where=place(row.line), found=found, expected=expected)
    if bad := next((c for cell in row.cells for c in cell if "\udc80" <= c <= "\udcff"), ""):
        return not_utf8(row.line, f"the byte 0x{ord(bad) - 0xDC00:02X}")
    cells = {
        column: unguarded(cell.strip())
        for column, cell in zip(columns, row.cells, strict=False)
        if column
    }
    column = "address"
    try:
        address = _address(cells.get(column, ""))
        column = "name"
        name = _optional(cells, column, fields.line_of_text)
        column = "language"
        language = _optional(cells, column, fields.language_tag)
        column = "timezone"
        timezone = _optional(cells, column, fields.zone_name)
    except Unfit as unfit:
        found, where = describe(cells.get(column)), place(row.line, column)
        return Fault(where=where, found=found, expected=unfit.expected, hint=unfit.hint)
    return PersonRow(
        address=address, name=name, language=language, timezone=timezone, line=row.line
    )


def _address(text: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise Unfit(ADDRESS_EXPECTED)
    return address


def _optional(cells: Mapping[str, str], column: str, check: Callable[[object], T]) -> T | None:
    text = cells.get(column, "")
    return check(text) if text else None


def _merge(found: PersonRow, merged: dict[str, PersonRow], notes: list[str]) -> None:
    """Keep the first row of an address; a later one fills in only what was left empty."""
    key = found.address.key
    first = merged.get(key)
    if first is None:
        merged[key] = found
        return
    merged[key] = replace(
        first,
        name=first.name or found.name,
        language=first.language or found.language,
        timezone=first.timezone or found.timezone,
    )
    notes.append(f"line {found.line}: same address as line {first.line}, merged")
