"""A programme as TOML: ``[[webinar]]`` tables become entries, each key with its line.

Types are TOML's own (a date-time is no text, a number no quotes). Nothing is judged here but what
the file as a whole must be; the check of fields is `programme_check`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence

from mailer.errors import Fault
from mailer.files.draft import Cell, Entry, Reading, describe, place, printable
from mailer.files.fields import hint_for
from mailer.files.text import decode
from mailer.files.toml_lines import Spot, Table, tables

WEBINAR = "webinar"
AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")


def read_toml(content: bytes) -> Reading:
    """The entries of a TOML programme. Never raises."""
    text = decode(content)
    if isinstance(text, Fault):
        return Reading(faults=(text,))
    try:
        data: Mapping[str, object] = tomllib.loads(text)
    except RecursionError:
        return Reading(faults=(Fault(where="file", found="very deep nesting", expected="TOML"),))
    except ValueError as cause:  # TOMLDecodeError, and int() on thousands of digits
        return Reading(faults=(_syntax(str(cause), text),))
    found = tables(text.replace("\r\n", "\n"))
    faults = tuple(_unknown(key, found) for key in data if key != WEBINAR)
    listed = data.get(WEBINAR, [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        fault = Fault(
            where=place(_spot_of(WEBINAR, found).line, WEBINAR),
            found=describe(listed) if not isinstance(listed, list) else "a list of other values",
            expected="tables that begin with [[webinar]]",
            hint="two brackets on each side",
        )
        return Reading(faults=(*faults, fault))
    spots = _webinars(found)
    lines = spots if len(spots) == len(listed) else [Table(path=(), line=0)] * len(listed)
    return Reading(entries=tuple(map(_entry, listed, lines)), faults=faults)


def _entry(values: Mapping[str, object], table: Table) -> Entry:
    return Entry(
        line=table.line,
        cells={key: _cell(value, table.keys.get(key), table) for key, value in values.items()},
    )


def _cell(value: object, spot: Spot | None, table: Table) -> Cell:
    if spot is None:
        return Cell(value=value, line=table.line)
    return Cell(value=value, line=spot.line, items=tuple(spot.items))


def _webinars(found: Sequence[Table]) -> list[Table]:
    """One table per webinar, in the file's order, with the keys of its subtables."""
    listed: list[Table] = []
    for line in found[0].keys.get(WEBINAR, Spot(line=0)).items:
        listed.append(Table(path=(WEBINAR,), line=line))
    for table in found:
        match table.path:
            case ("webinar",):
                listed.append(table)
            case ("webinar", key, *_) if listed:
                spot = listed[-1].keys.setdefault(key, Spot(line=table.line))
                if len(table.path) == 2:
                    spot.items.append(table.line)
            case _:
                pass
    return listed


def _spot_of(key: str, found: Sequence[Table]) -> Spot:
    if key in found[0].keys:
        return found[0].keys[key]
    lines = [table.line for table in found if table.path[:1] == (key,)]
    return Spot(line=lines[0] if lines else 0)


def _unknown(key: str, found: Sequence[Table]) -> Fault:
    return Fault(
        where=place(_spot_of(key, found).line),
        found=f"the key {describe(key)}",
        expected="only [[webinar]] tables",
        hint=hint_for(key, [WEBINAR]),
    )


def _syntax(cause: str, text: str) -> Fault:
    at = AT_LINE.search(cause)
    lines = text.replace("\r\n", "\n").split("\n")
    number = int(at[1]) if at else len(lines)
    said = (cause[: at.start()] if at else cause.replace("(at end of document)", "")).strip()
    return Fault(
        where=f"line {number}, column {at[2]}" if at else f"line {number}",
        found=printable(said[:1].lower() + said[1:120]),
        expected="TOML",
        hint=f"the line is {describe(lines[number - 1].strip())}" if at else "at the file's end",
    )
