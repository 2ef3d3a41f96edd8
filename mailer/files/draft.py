"""A webinar as a file describes it: `Entry` before it was judged, `WebinarDraft` after.

Decides nothing. Every format (TOML, CSV, iCalendar) becomes entries, and one check turns entries
into drafts, so that the same mistake gets the same answer whatever the format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from mailer.errors import Fault
from mailer.message.facts import Link, Speaker

KEYS = (
    "id",
    "title",
    "starts",
    "duration",
    "language",
    "abstract",
    "speakers",
    "hosts",
    "links",
    "registration_url",
    "join_url",
    "capacity",
    "draft",
)
OPTIONAL = frozenset(KEYS) - {"title", "starts"}
FOUND_LENGTH = 60  # characters of what was found that a fault repeats
LARGEST_SHOWN = 10**15  # beyond this a number is not repeated: it can have a million digits


@dataclass(frozen=True, slots=True, kw_only=True)
class WebinarDraft:
    """One webinar, checked. ``wall_start`` is naive, in the series' zone.

    ``given`` names the optional fields that the file really had: an import leaves the others as
    they are stored. ``line`` is where the webinar begins in its file, 0 if it came from no file.
    """

    id: str
    title: str
    wall_start: datetime
    duration: timedelta
    language: str
    abstract: str = ""
    speakers: tuple[Speaker, ...] = ()
    hosts: tuple[Speaker, ...] = ()
    links: tuple[Link, ...] = ()
    registration_url: str = ""
    join_url: str = ""
    capacity: int = 0
    draft: bool = False
    line: int = 0
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value as its format gave it. ``items`` are the lines of a list's elements, if known."""

    value: object
    line: int
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Stands in a cell for a value that its format could not even read, and says why."""

    found: str
    expected: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One webinar as its file gave it: nothing checked, no key refused yet.

    ``names`` is what the format calls a key, where that differs.
    """

    line: int
    cells: Mapping[str, Cell]
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a format's reader understood, and what it could not."""

    entries: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()


def place(line: int, path: str = "") -> str:
    """Where a fault is, for people: ``line 7, speakers[1].url``."""
    parts = [f"line {line}"] if line else []
    return ", ".join([*parts, path] if path else parts) or "file"


def printable(text: str) -> str:
    """The text with every control character spelled out: it may be shown on a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def describe(value: object) -> str:  # noqa: PLR0911 - one line per type
    """What was found, in a few printable characters; never raises, whatever the value."""
    match value:
        case None | "":
            return "nothing"
        case str():
            short = value if len(value) <= FOUND_LENGTH else value[: FOUND_LENGTH - 1] + "…"
            return repr(short)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if abs(value) < LARGEST_SHOWN else "a very large number"
        case datetime() | date():
            return value.isoformat()
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return f"{type(value).__name__} {str(value)[:FOUND_LENGTH]}"
