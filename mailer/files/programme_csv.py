"""A programme as CSV: a header row, then one webinar a row; texts become the values of a draft.

A cell that does not read as its column's type stays the text it is, and the check of fields names
it. What an empty cell means is decided here: see `DEFAULTED`. docs/programme.md shows the columns.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from mailer.errors import Fault
from mailer.files.draft import KEYS, Cell, Entry, Reading, describe, place
from mailer.files.fields import hint_for
from mailer.files.table import Row, rows
from mailer.files.text import decode

# Empty cells of these columns are as good as no cell; of the others they empty what is stored.
DEFAULTED = frozenset({"id", "title", "starts", "duration", "language", "draft"})
MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?) ?(Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE
)
COUNT = re.compile(r"\d{1,9}")
YES = frozenset({"true", "yes", "1", "x"})
NO = frozenset({"false", "no", "0"})
MOST_ANGLED = 3  # a speaker has two: page and address
OPENING = {"(": ")", "<": ">"}


def read_csv(content: bytes) -> Reading:
    """The entries of a CSV programme. Never raises."""
    text = decode(content)
    if isinstance(text, Fault):
        return Reading(faults=(text,))
    found = list(rows(io.StringIO(text, newline="")))
    if not found:
        return Reading()
    header, *records = found
    if isinstance(header, Fault):
        return Reading(faults=(header,))
    columns = [cell.strip().lower() for cell in header.cells]
    if wrong := _header_faults(columns, header.line):
        return Reading(faults=wrong)
    entries, faults = [], [record for record in records if isinstance(record, Fault)]
    for record in records:
        if isinstance(record, Row):
            if len(record.cells) > len(columns):
                faults.append(_too_long(record, len(columns)))
            else:
                named = zip(columns, record.cells, strict=False)  # a short row leaves cells out
                entries.append(entry_of({key: cell for key, cell in named if key}, record.line))
    return Reading(entries=tuple(entries), faults=tuple(faults))


def entry_of(texts: Mapping[str, str], line: int) -> Entry:
    """An entry from texts by column name, as a row, a form or a command line has them."""
    cells = {
        key: Cell(value=_value(key, text.strip()), line=line)
        for key, text in texts.items()
        if text.strip() or key not in DEFAULTED
    }
    return Entry(line=line, cells=cells)


def _header_faults(columns: Sequence[str], line: int) -> tuple[Fault, ...]:
    faults = []
    for number, column in enumerate(columns, start=1):
        where = place(line, f"column {number}")
        if column and column not in KEYS:
            expected = f"one of {', '.join(KEYS)}"
            hint = hint_for(column, KEYS)
            faults.append(Fault(where=where, found=describe(column), expected=expected, hint=hint))
        elif column and column in columns[: number - 1]:
            found = f"{describe(column)} again"
            faults.append(Fault(where=where, found=found, expected="each column once"))
    missing = [column for column in ("title", "starts") if column not in columns]
    if missing:
        found = f"no column {' and no column '.join(missing)}"
        expected = "a header row with at least title and starts"
        faults.append(Fault(where=place(line), found=found, expected=expected))
    return tuple(faults)


def _too_long(row: Row, width: int) -> Fault:
    return Fault(
        where=place(row.line),
        found=f"{len(row.cells)} cells",
        expected=f"{width}, as in the header row",
        hint="put quotes around a cell that has a separator in it",
    )


def _value(column: str, text: str) -> object:
    """The text as its column's type, or as it is."""
    match column:
        case "starts":
            return _moment(text)
        case "capacity":
            return int(text) if COUNT.fullmatch(text) else text or 0
        case "draft":
            lowered = text.lower()
            return True if lowered in YES else False if lowered in NO else text
        case "speakers" | "hosts":
            return [_speaker(part) for part in split_list(text)]
        case "links":
            return [_link(part) for part in split_list(text)]
        case _:
            return text


def _moment(text: str) -> datetime | date | str:
    matched = MOMENT.fullmatch(text)
    if matched is None:
        return text
    day, clock, offset = matched.groups()
    try:
        if clock is None:
            return date.fromisoformat(day)
        return datetime.fromisoformat(f"{day}T{clock}{(offset or '').upper()}")
    except ValueError:  # a 31 November, 25 o'clock
        return text


def split_list(text: str) -> list[str]:
    """The parts between semicolons or line ends that stand in no brackets, trimmed, none empty."""
    parts, start, closing = [], 0, ""
    last = {opening: text.rfind(OPENING[opening]) for opening in OPENING}
    for position, character in enumerate(text):
        if closing:
            closing = "" if character == closing else closing
        elif character in OPENING and position < last[character]:
            closing = OPENING[character]
        elif character in ";\r\n":
            parts.append(text[start:position])
            start = position + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _speaker(text: str) -> dict[str, str]:
    """``Name (Affiliation) <https://…> <name@example.org>``, all but the name optional."""
    name, values = _angled(text)
    speaker = {"address" if _is_address(value) else "url": value for value in values}
    if name.endswith(")") and "(" in name:
        name, _, affiliation = name[:-1].partition("(")
        speaker["affiliation"] = affiliation.strip()
    return {"name": name.strip(), **speaker}


def _link(text: str) -> dict[str, str]:
    """``Title <https://…>``."""
    title, values = _angled(text)
    return {"title": title, "url": values[0]} if values else {"title": title}


def _angled(text: str) -> tuple[str, list[str]]:
    """What stands before the angle brackets at the end, and what stands in them."""
    values: list[str] = []
    text = text.strip()
    while len(values) < MOST_ANGLED and text.endswith(">") and "<" in text:
        text, _, value = text[:-1].rpartition("<")
        values.insert(0, value.strip())
        text = text.strip()
    return text, values


def _is_address(text: str) -> bool:
    return "@" in text and "://" not in text
