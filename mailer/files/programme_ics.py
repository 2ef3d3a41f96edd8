"""A programme as iCalendar: each VEVENT becomes an entry, with the line of each property.

What cannot become one webinar (a rule that repeats, a cancelled event) is refused in words. An
event keeps its id by its UID, so that importing it again changes the same webinar. RFC 5545 §3.6.1
(VEVENT), §3.3.5 (DATE-TIME), §3.8.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta

from icalendar.prop import vDuration
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from mailer.config.model import Series
from mailer.errors import Fault
from mailer.files.draft import Cell, Entry, Reading, Unreadable, describe, place
from mailer.files.fields import ID, PAGE_NAMES
from mailer.files.ics_lines import CANCEL_HINT, Event, Property, read_events
from mailer.files.starts import FIRST_YEAR, LAST_YEAR
from mailer.files.text import decode_folded
from scheduler.recurrence import to_utc, zone_names

MOMENT = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII | re.IGNORECASE)
EXPECTED_MOMENT = "a date and a time such as 20261125T130000"
REPEATING = frozenset({"RRULE", "RDATE", "RECURRENCE-ID"})
ID_PROPERTY = "X-WEBINAR-ID"
NAMES = {
    "id": "UID",
    "title": "SUMMARY",
    "starts": "DTSTART",
    "duration": "DTEND or DURATION",
    "abstract": "DESCRIPTION",
    "registration_url": "URL",
}


def read_ics(content: bytes, series: Series) -> Reading:
    """The entries of an iCalendar file. Never raises."""
    text = decode_folded(content)
    if isinstance(text, Fault):
        return Reading(faults=(text,))
    events, wrong = read_events(text)
    readers = [_EventReader(event, series) for event in events]
    entries = tuple(reader.entry() for reader in readers)
    faults = [fault for reader in readers for fault in reader.faults]
    return Reading(entries=entries, faults=(*wrong, *faults))


class _EventReader:
    """Turns one VEVENT into an entry."""

    def __init__(self, event: Event, series: Series) -> None:
        self.faults: list[Fault] = []
        self._event = event
        self._zone = series.timezone

    def entry(self) -> Entry:
        self._refuse()
        found: dict[str, Cell | None] = {
            "id": self._id(),
            "title": self._text("SUMMARY"),
            "starts": self._starts(),
            "duration": self._duration(),
            "language": self._language(),
            "abstract": self._text("DESCRIPTION"),
            "registration_url": self._text("URL"),
        }
        cells = {key: cell for key, cell in found.items() if cell is not None}
        return Entry(line=self._event.line, cells=cells, names=NAMES)

    def _refuse(self) -> None:
        for name, made in self._event.properties.items():
            if name in REPEATING:
                found, expected = describe(f"{name}:{made.raw}"), "webinars that happen once"
                self._fault(made, found, expected, "write one VEVENT, with a UID, for each date")
            elif name == "STATUS" and made.raw.upper() == "CANCELLED":
                self._fault(made, "STATUS:CANCELLED", "webinars that take place", CANCEL_HINT)

    def _fault(self, made: Property, found: str, expected: str, hint: str) -> None:
        where = place(made.line, made.name)
        self.faults.append(Fault(where=where, found=found, expected=expected, hint=hint))

    def _text(self, name: str) -> Cell | None:
        made = self._event.properties.get(name)
        if made is None:
            return None
        return Cell(value=made.raw if name == "URL" else made.value, line=made.line)

    def _id(self) -> Cell | None:
        """X-WEBINAR-ID, or what the UID says: the same event keeps its id under a new title."""
        if own := self._text(ID_PROPERTY):
            return own
        made = self._event.properties.get("UID")
        if made is None or not made.value.strip():
            return None
        return Cell(value=id_of_uid(made.value), line=made.line)

    def _language(self) -> Cell | None:
        made = self._event.properties.get("SUMMARY")
        language = made.parameters.get("LANGUAGE") if made else None
        return Cell(value=language, line=made.line) if made and language else None

    def _starts(self) -> Cell | None:
        made = self._event.properties.get("DTSTART")
        return Cell(value=_moment(made, self._zone), line=made.line) if made else None

    def _duration(self) -> Cell | None:
        start, given = self._starts(), self._event.properties.get("DURATION")
        if start is None or not isinstance(start.value, datetime):
            return None  # a whole day, or a start that cannot be read, has no length to speak of
        if given is not None:
            return Cell(value=_length(given), line=given.line)
        made = self._event.properties.get("DTEND")
        if made is None:
            return None
        end = _moment(made, self._zone)
        if isinstance(end, datetime):
            length = _instant(end, self._zone) - _instant(start.value, self._zone)
            return Cell(value=length, line=made.line)
        expected = "a date with a time, as DTSTART has one"
        wrong = end if isinstance(end, Unreadable) else _unreadable(made, expected)
        return Cell(value=wrong, line=made.line)


def id_of_uid(uid: str) -> str:
    """The id that a UID stands for: the part before its ``@`` if that can be one, else a hash."""
    local = uid.strip().partition("@")[0]
    if ID.fullmatch(local) and local not in PAGE_NAMES:
        return local
    return "ics-" + hashlib.sha256(uid.strip().encode()).hexdigest()[:12]


def _moment(made: Property, series_zone: str) -> datetime | date | Unreadable:
    """A date; a wall time of the series (naive); or an instant (aware)."""
    matched = MOMENT.fullmatch(made.raw)
    try:
        digits, clock, utc = matched.groups() if matched else ("", None, None)
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        if clock is None:
            return day
        at = time(int(clock[:2]), int(clock[2:4]), int(clock[4:]), tzinfo=UTC if utc else None)
    except ValueError:  # nothing like it, the 31st of November, 25 o'clock
        return _unreadable(made, EXPECTED_MOMENT)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return _unreadable(made, f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    moment = datetime.combine(day, at)
    return moment if utc else _in_zone(moment, made.parameters.get("TZID"), series_zone)


def _in_zone(wall: datetime, tzid: object, series_zone: str) -> datetime | Unreadable:
    zone = _zone(tzid, series_zone)
    if zone is None:
        expected = "a zone name such as TZID=Europe/Zurich"
        return Unreadable(found=f"the zone {describe(str(tzid))}", expected=expected)
    return wall if zone == series_zone else to_utc(wall, zone)


def _zone(tzid: object, series_zone: str) -> str | None:
    """The IANA name of a TZID: plain, as Windows calls it, or behind a vendor's path."""
    if tzid is None:
        return series_zone
    name = str(tzid).strip()
    ends = name.split("/")
    for candidate in (name, WINDOWS_TO_OLSON.get(name, ""), *("/".join(ends[-n:]) for n in (3, 2))):
        if candidate in zone_names():
            return candidate
    return None


def _instant(moment: datetime, series_zone: str) -> datetime:
    return moment if moment.tzinfo else to_utc(moment, series_zone)


def _length(made: Property) -> timedelta | Unreadable:
    try:
        length: timedelta = vDuration.from_ical(made.raw.upper())  # type: ignore[no-untyped-call]
    except (ValueError, OverflowError):
        return _unreadable(made, "a duration such as PT1H")
    return length


def _unreadable(made: Property, expected: str) -> Unreadable:
    return Unreadable(found=describe(made.raw), expected=expected)
