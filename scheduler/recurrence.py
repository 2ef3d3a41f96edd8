"""From wall clock to instants and back, and the slots that a recurrence rule makes.

One rule for clock changes, everywhere: of an hour that is doubled the first is meant; a time inside
an hour that is missing moves forward by the gap. So every wall time happens exactly once.
Zones come from the pinned tzdata package and never from the machine, so that two nodes agree.
Never asks what time it is. RFC 5545 §3.3.10 (RRULE): by day, week, month or year; an UNTIL without
a time includes that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from itertools import islice
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]  # ships no types
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # ships no types

from scheduler.model import require_aware

LOOK_AHEAD = timedelta(days=30 * 366)  # no slot further away than this is looked for
LONGEST_RULE = 500  # characters

_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_WORDS = {
    "FREQ": re.compile("DAILY|WEEKLY|MONTHLY|YEARLY"),
    "UNTIL": re.compile("[0-9]{8}(?:T[0-9]{6}Z?)?"),
    "WKST": re.compile(_WEEKDAY),
    "BYDAY": re.compile(f"(?:[+-]?[1-9][0-9]?)?{_WEEKDAY}"),
}


class UnknownZone(ValueError):
    """The pinned tzdata has no time zone of this name."""


class BadRule(ValueError):
    """A recurrence rule that does not hold; the text says why."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The whole numbers that a part takes, perhaps counted from the end too (-1 is the last)."""

    lowest: int
    highest: int
    from_end: bool = False

    def holds(self, text: str) -> bool:
        if not re.fullmatch("[+-]?[0-9]{1,5}", text):
            return False
        number = abs(int(text)) if self.from_end else int(text)
        return self.lowest <= number <= self.highest


_RANGES = {
    "INTERVAL": _Span(1, 999),
    "COUNT": _Span(1, 10_000),
    "BYMINUTE": _Span(0, 59),
    "BYHOUR": _Span(0, 23),
    "BYMONTHDAY": _Span(1, 31, from_end=True),
    "BYYEARDAY": _Span(1, 366, from_end=True),
    "BYWEEKNO": _Span(1, 53, from_end=True),
    "BYMONTH": _Span(1, 12),
    "BYSETPOS": _Span(1, 366, from_end=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One time of a recurring series: what the wall clock should say, and when that is."""

    wall_start: datetime
    starts_at: datetime


def tzdata_version() -> str:
    """The release of the time zone database in use, as IANA names it (``2026a``)."""
    return str(tzdata.IANA_VERSION)


def is_older(version: str, than: str) -> bool:
    """Whether one release of the time zone database came before another."""
    first, second = ((one[:4], len(one), one) for one in (version, than))
    return first < second


@cache
def zone_names() -> frozenset[str]:
    """Every zone name that is understood, exactly as spelled there."""
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())


@cache
def load_zone(name: str) -> ZoneInfo:
    """The zone from the pinned database. Raises `UnknownZone`."""
    if name not in zone_names():
        raise UnknownZone(f"unknown time zone: {name[:64]!r}")
    path = files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def to_utc(wall: datetime, zone: str) -> datetime:
    """The instant at which clocks in ``zone`` show ``wall`` (see the rule at the top).

    Raises `UnknownZone`, and ValueError if ``wall`` carries a zone of its own.
    """
    _require_naive(wall)
    # fold=0 is the earlier of two equal times and, in a gap, the offset from before it: PEP 495.
    return wall.replace(tzinfo=load_zone(zone), fold=0).astimezone(UTC)


def to_wall(instant: datetime, zone: str) -> datetime:
    """What clocks in ``zone`` show at ``instant``, as a naive datetime."""
    require_aware("instant", instant)
    return instant.astimezone(load_zone(zone)).replace(tzinfo=None, fold=0)


def shift_days(wall: datetime, days: int, at: time | None) -> datetime:
    """The wall time ``days`` later (or earlier), at ``at`` or the same time of day."""
    _require_naive(wall)
    shifted = wall + timedelta(days=days)
    return shifted if at is None else datetime.combine(shifted.date(), at)


def slots(
    rrule: str, start: datetime, zone: str, *, after: datetime, count: int
) -> tuple[Slot, ...]:
    """The next ``count`` slots that start strictly after ``after``, in order; fewer if it ends.

    The rule runs on the wall clock of ``zone`` from ``start`` on, so 13:00 stays 13:00 all year.
    Raises `BadRule` and `UnknownZone`.
    """
    _require_naive(start)
    parts = _read(rrule)
    wall_after = to_wall(after, zone)
    latest = max(start, wall_after) + LOOK_AHEAD
    if "UNTIL" in parts:
        latest = min(latest, _until(parts["UNTIL"], zone))
    # Two days of margin: no clock change moves a slot across them.
    walls = _walls(parts, start, since=wall_after - timedelta(days=2), until=latest)
    found = (Slot(wall_start=wall, starts_at=to_utc(wall, zone)) for wall in walls)
    ahead = islice((slot for slot in found if slot.starts_at > after), max(count, 0))
    return tuple(sorted(ahead, key=lambda slot: slot.starts_at))


def check_rrule(text: str) -> str | None:
    """Why this recurrence rule does not hold, in one short sentence; None if it does."""
    try:
        parts = _read(text)
        if "UNTIL" in parts:
            _until(parts["UNTIL"], "UTC")
    except BadRule as reason:
        return str(reason)
    # From a leap year on, and for long enough that every date meets every weekday.
    start = datetime(2000, 1, 1)  # noqa: DTZ001  # wall clock
    days = {name: value for name, value in parts.items() if name != "INTERVAL"}
    walls = _walls(days, start, since=start, until=start + LOOK_AHEAD)
    return None if next(walls, None) is not None else "no day ever fits this rule"


def _require_naive(wall: datetime) -> None:
    if wall.tzinfo is not None:
        raise ValueError(f"wall clock has no zone of its own: {wall.isoformat()}")


def _walls(
    parts: dict[str, str], start: datetime, *, since: datetime, until: datetime
) -> Iterator[datetime]:
    """The rule's wall times between the two, both included."""
    if until < start:
        return iter(())
    rest = [f"{name}={value}" for name, value in parts.items() if name not in ("UNTIL", "COUNT")]
    # dateutil takes a naive UNTIL only, and none beside a COUNT.
    rule: Iterable[datetime] = rrulestr(
        ";".join([*rest, f"UNTIL={until:%Y%m%dT%H%M%S}"]), dtstart=start
    )
    counted = islice(rule, int(parts["COUNT"]) if "COUNT" in parts else None)
    return (wall for wall in counted if wall >= since)


def _until(text: str, zone: str) -> datetime:
    """An UNTIL as wall clock: UTC is converted, a plain day counts to its end."""
    try:
        if "T" not in text:
            wall = datetime.strptime(text + "T235959", "%Y%m%dT%H%M%S")  # noqa: DTZ007
        else:
            wall = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise BadRule(f"UNTIL is no date: {text}") from None
    if not 1900 <= wall.year <= 9000:
        raise BadRule("UNTIL lies outside the years 1900 to 9000")
    return to_wall(wall.replace(tzinfo=UTC), zone) if text.endswith("Z") else wall


def _read(text: str) -> dict[str, str]:
    """The parts of a rule, each checked. Raises `BadRule`."""
    if len(text) > LONGEST_RULE:
        raise BadRule(f"a rule has at most {LONGEST_RULE} characters")
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise BadRule(f"a rule is made of NAME=VALUE;NAME=VALUE, not {part!r}")
        if name in parts:
            raise BadRule(f"{name} is given twice")
        if reason := _fault(name, value):
            raise BadRule(reason)
        parts[name] = value
    _check_together(parts)
    return parts


def _fault(name: str, value: str) -> str | None:
    """What is wrong with one part, looked at alone."""
    if name in _WORDS:
        words = value.split(",") if name == "BYDAY" else [value]
        wrong = [word for word in words if not _WORDS[name].fullmatch(word)]
        return f"{name} cannot be {wrong[0][:20]!r}" if wrong else None
    if name not in _RANGES:
        return f"{name[:20]!r} is not a part of a rule here"
    span = _RANGES[name]
    numbers = value.split(",") if name.startswith("BY") else [value]
    wrong = [number for number in numbers if not span.holds(number)]
    return f"{name} goes from {span.lowest} to {span.highest}: {wrong[0][:20]!r}" if wrong else None


def _check_together(parts: dict[str, str]) -> None:
    """What RFC 5545 §3.3.10 forbids between parts."""
    frequency = parts.get("FREQ")
    if frequency is None:
        raise BadRule("FREQ is missing")
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadRule("COUNT and UNTIL exclude each other")
    numbered = any(character.isdigit() for character in parts.get("BYDAY", ""))
    if numbered and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        raise BadRule("BYDAY takes numbers only by month or by year")
    if "BYWEEKNO" in parts and frequency != "YEARLY":
        raise BadRule("BYWEEKNO goes with FREQ=YEARLY only")
    if "BYYEARDAY" in parts and frequency != "YEARLY":
        raise BadRule("BYYEARDAY goes with FREQ=YEARLY only")
    if "BYMONTHDAY" in parts and frequency == "WEEKLY":
        raise BadRule("BYMONTHDAY does not go with FREQ=WEEKLY")
    choosing = {"BYDAY", *_RANGES} - {"BYSETPOS", "INTERVAL", "COUNT"}
    if "BYSETPOS" in parts and choosing.isdisjoint(parts):
        raise BadRule("BYSETPOS needs another BY part to choose from")
