"""The lines of an iCalendar file: unfolded, numbered, and sorted into its events.

Follows BEGIN and END itself, because a fault must name its line; a single line is read with
icalendar. Judges structure alone, never what a property says. RFC 5545 §3.1 (folding, content
lines), §3.4 and §3.6 (components).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from icalendar.parser import Contentline, Parameters

from mailer.errors import Fault
from mailer.files.draft import describe, place, printable
from mailer.files.text import mended

FOLD = re.compile(r"\r\n|\n|\r")
ONCE = frozenset({"UID", "DTSTART", "DTEND", "DURATION", "SUMMARY", "DESCRIPTION", "URL", "STATUS"})
CANCEL_HINT = "leave it out here, and cancel it with: mailer webinar cancel ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One content line. ``value`` has its escapes undone, as text wants it; ``raw`` has not."""

    name: str
    parameters: Parameters
    value: str
    raw: str
    line: int


@dataclass(slots=True, kw_only=True)
class Event:
    """The properties directly in one VEVENT, the first of each name, and the line it begins on."""

    line: int
    properties: dict[str, Property] = field(default_factory=dict)


def read_events(text: str) -> tuple[tuple[Event, ...], tuple[Fault, ...]]:
    """The events of a calendar in order, and what is wrong with its structure. Never raises.

    ``text`` comes from `decode_folded`.
    """
    walk = _Walk()
    for line, folded in _unfolded(text):
        whole = mended(folded, line)
        if isinstance(whole, Fault):
            walk.faults.append(whole)
        else:
            walk.take(line, whole)
    walk.end()
    return tuple(walk.events), tuple(walk.faults)


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Each content line with the number of its first physical line."""
    begun = 0
    parts: list[str] = []
    for number, line in enumerate(FOLD.split(text), start=1):
        if line[:1] in (" ", "\t") and parts:
            parts.append(line[1:])
            continue
        if parts:
            yield begun, "".join(parts)
        begun, parts = number, [line] if line.strip() else []
    if parts:
        yield begun, "".join(parts)


class _Walk:
    """Follows BEGIN and END, and gathers the properties that stand directly in a VEVENT."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.faults: list[Fault] = []
        self._open: list[tuple[str, int]] = []
        self._seen_calendar = False

    def take(self, line: int, text: str) -> None:
        upper = text.strip().upper()
        if upper.startswith("BEGIN:"):
            self._begin(line, upper[6:])
        elif upper.startswith("END:"):
            self._end(line, upper[4:])
        elif not self._open:
            self._not_calendar(line, text)
        elif self._open[-1][0] in ("VEVENT", "VCALENDAR"):
            self._property(line, text)

    def end(self) -> None:
        """What must hold after the last line."""
        if not self._seen_calendar:
            self._not_calendar(1, "")
        elif self._open:
            name, line = self._open[-1]
            self._fault(
                line,
                f"{printable(f'BEGIN:{name[:60]}')} without its end",
                "its END before the file ends",
            )

    def _begin(self, line: int, name: str) -> None:
        self._seen_calendar |= name == "VCALENDAR"
        inside = [opened for opened, _ in self._open]
        if name == "VEVENT" and inside != ["VCALENDAR"]:
            self._fault(line, "BEGIN:VEVENT", "it directly inside of BEGIN:VCALENDAR")
        self._open.append((name, line))
        if name == "VEVENT":
            self.events.append(Event(line=line))

    def _end(self, line: int, name: str) -> None:
        if self._open and self._open[-1][0] == name:
            self._open.pop()
        else:
            expected = describe(f"END:{self._open[-1][0]}") if self._open else "BEGIN before END"
            self._fault(line, describe(f"END:{name}"), expected)

    def _property(self, line: int, text: str) -> None:
        try:
            content = Contentline(text)  # type: ignore[no-untyped-call]
            name, parameters, raw = content.raw_parts()
            value = content.parts()[2]
        except ValueError:
            self._fault(line, describe(text), "a line such as SUMMARY:Title")
            return
        made = Property(
            name=name.upper(), parameters=parameters, value=value, raw=raw.strip(), line=line
        )
        if self._open[-1][0] == "VCALENDAR":
            if made.name == "METHOD" and made.raw.upper() == "CANCEL":
                self._fault(line, "METHOD:CANCEL", "webinars that take place", CANCEL_HINT)
            return
        properties = self.events[-1].properties
        if made.name in ONCE and made.name in properties:
            self._fault(line, f"{made.name} again", f"{made.name} once in each VEVENT")
        properties.setdefault(made.name, made)

    def _not_calendar(self, line: int, text: str) -> None:
        if not self._seen_calendar:
            self._seen_calendar = True  # said once
            expected = "an iCalendar file, which begins with BEGIN:VCALENDAR"
            self._fault(line, describe(text), expected)

    def _fault(self, line: int, found: str, expected: str, hint: str = "") -> None:
        where = place(line)
        self.faults.append(Fault(where=where, found=found, expected=expected, hint=hint))
