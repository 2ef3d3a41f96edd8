"""Says a zone's rule for clock changes as calendars write it, or that it has no such rule.

Watches the zone's offsets over the years in question and the next ones: either they never change,
or they change twice a year on the same weekday of a month at the same wall time. Anything else
(a lunar calendar, a law that changed) is not guessed at: the caller then writes UTC instants.
RFC 5545 §3.6.5.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

YEARS_AHEAD = 12  # long enough for every weekday to fall on every day of a month
_STEP = timedelta(days=7)  # no known change of clocks lasts shorter
_LAST = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """When one of a zone's offsets begins each year.

    ``first`` is the wall time before the change, in the first year. ``ordinal`` is which
    ``weekday`` (0 is Monday) of ``first.month`` it is, -1 the last, 0 if it never changes.
    """

    name: str
    daylight: bool
    offset_from: timedelta
    offset_to: timedelta
    first: datetime
    weekday: int = 0
    ordinal: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    name: str
    offset_from: timedelta
    offset_to: timedelta
    wall: datetime


@lru_cache(maxsize=256)
def zone_rule(zone: str, first_year: int, last_year: int) -> tuple[Onset, ...]:
    """The zone's one or two onsets, true from ``first_year`` to twelve years after ``last_year``.

    Empty if the zone is unknown or has no such rule in these years.
    """
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ()
    # The year before as well, so that the first January has an onset behind it.
    years = range(first_year - 1, last_year + YEARS_AHEAD + 1)
    by_year = [tuple(_changes(info, year)) for year in years]
    if not any(by_year):
        return (_unchanging(info, first_year),)
    if any(len(changes) != 2 for changes in by_year):
        return ()
    spring = _onset([changes[0] for changes in by_year])
    autumn = _onset([changes[1] for changes in by_year])
    return (spring, autumn) if spring and autumn else ()


def _changes(info: ZoneInfo, year: int) -> Iterator[_Change]:
    """Each change of offset in a year (UTC), in order."""
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while at < end:
        following = min(at + _STEP, end)
        before, after = _offset(info, at), _offset(info, following)
        if before != after:
            instant = _bisected(info, at, following)
            name = instant.astimezone(info).tzname() or ""
            wall = (instant + before).replace(tzinfo=None)
            yield _Change(name=name, offset_from=before, offset_to=after, wall=wall)
        at = following


def _offset(info: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(info).utcoffset() or timedelta()


def _bisected(info: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with the offset of ``after``."""
    new = _offset(info, after)
    while (span := (after - before) // timedelta(seconds=1)) > 1:
        middle = before + timedelta(seconds=span // 2)
        before, after = (before, middle) if _offset(info, middle) == new else (middle, after)
    return after


def _unchanging(info: ZoneInfo, year: int) -> Onset:
    instant = datetime(year, 1, 1, tzinfo=UTC)
    offset = _offset(info, instant)
    name = instant.astimezone(info).tzname() or ""
    first = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clock
    return Onset(name=name, daylight=False, offset_from=offset, offset_to=offset, first=first)


def _onset(changes: list[_Change]) -> Onset | None:
    """What the changes of all years have in common; None if they differ in more than the day."""
    first = changes[0]
    alike = {
        (c.name, c.offset_from, c.offset_to, c.wall.month, c.wall.weekday(), c.wall.time())
        for c in changes
    }
    ordinals = set.intersection(*(_ordinals(change.wall) for change in changes))
    if len(alike) != 1 or not ordinals:
        return None
    return Onset(
        name=first.name,
        daylight=first.offset_to > first.offset_from,
        offset_from=first.offset_from,
        offset_to=first.offset_to,
        first=first.wall,
        weekday=first.wall.weekday(),
        ordinal=min(ordinals),
    )


def _ordinals(day: datetime) -> set[int]:
    """Which weekday of its month a day is: counted from the beginning, and -1 if it is the last."""
    counted = {(day.day - 1) // 7 + 1}
    return counted | {_LAST} if day.day + 7 > monthrange(day.year, day.month)[1] else counted
