"""When a webinar starts, by the clock of its series: the one rule for every format.

Decides what a time with an offset, a time without one and a day alone mean. Never guesses a time of
day: a day alone is taken only where the series has exactly one slot on it.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from mailer.config.model import Series
from mailer.files.fields import Unfit
from scheduler.recurrence import slots, to_utc, to_wall

FIRST_YEAR, LAST_YEAR = 1970, 2999
MOMENT = "a date and a time such as 2026-11-25T13:00:00"


def wall_start(value: object, series: Series) -> datetime:
    """When a webinar starts by the series' clock. Raises `Unfit`.

    An instant with an offset is converted; a day alone means the slot that the series has on it.
    """
    match value:
        case datetime():
            if not FIRST_YEAR <= value.year <= LAST_YEAR:
                raise Unfit(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
            if value.microsecond:
                raise Unfit("whole seconds")
            return value if value.tzinfo is None else to_wall(value, series.timezone)
        case date():
            return _slot_of(value, series)
        case str():
            raise Unfit(MOMENT, "without quotes" if _looks_like_moment(value) else "")
        case _:
            raise Unfit(MOMENT)


def _slot_of(day: date, series: Series) -> datetime:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Unfit(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    if series.slots is None:
        raise Unfit(MOMENT, "the series has no slots that would say the time")
    midnight = to_utc(datetime.combine(day, time()), series.timezone) - timedelta(seconds=1)
    ahead = slots(series.slots.rrule, series.slots.start, series.timezone, after=midnight, count=2)
    walls = [slot.wall_start for slot in ahead if slot.wall_start.date() == day]
    if len(walls) != 1:
        number = "more than one slot" if walls else "no slot"
        raise Unfit(MOMENT, f"the series has {number} on that day")
    return walls[0]


def _looks_like_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return True
