"""Quiet hours: when inside a daily window mail may leave.

Decides only the first allowed instant; it knows neither what waits nor what time it is. A window is
wall clock in a zone and may cross midnight; it belongs to the day on which it opens. Clock changes
follow the one rule of `scheduler.recurrence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from scheduler.model import require_aware
from scheduler.recurrence import to_utc, to_wall

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From ``opens`` until just before ``closes``; the same time twice means the whole day.

    ``days`` are those on which it opens, Monday is 0.
    """

    opens: time
    closes: time
    days: frozenset[int] = EVERY_DAY

    def __post_init__(self) -> None:
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("a window is wall clock: its times have no zone of their own")
        if not self.days or not self.days <= EVERY_DAY:
            raise ValueError("a window opens on at least one day, Monday (0) to Sunday (6)")


def allowed_at(instant: datetime, window: Window, zone: str) -> datetime:
    """The first instant, in UTC and not before ``instant``, that lies inside the window.

    Raises `NaiveInstant` and `UnknownZone`.
    """
    require_aware("instant", instant)
    # From two days back: yesterday's window may still be open, and some zones skipped a whole day.
    day = to_wall(instant, zone).date() - timedelta(days=2)
    while True:
        if day.weekday() in window.days:
            opens_at, closes_at = _on_day(day, window, zone)
            # A window beside the missing hour may close before it opens: not on that day.
            if opens_at < closes_at and instant < closes_at:
                return max(opens_at, instant.astimezone(UTC))
        day += timedelta(days=1)


def _on_day(day: date, window: Window, zone: str) -> tuple[datetime, datetime]:
    closing_day = day if window.opens < window.closes else day + timedelta(days=1)
    return (
        to_utc(datetime.combine(day, window.opens), zone),
        to_utc(datetime.combine(closing_day, window.closes), zone),
    )
