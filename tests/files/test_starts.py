"""What a start means: wall clock of the series, an instant, or a day with a slot."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mailer.config.model import Series, Slots
from mailer.files.fields import Unfit
from mailer.files.starts import wall_start
from scheduler.recurrence import to_utc


def test_a_local_time_is_the_series_clock(series: Series) -> None:
    assert wall_start(datetime(2026, 11, 25, 13), series) == datetime(2026, 11, 25, 13)


@pytest.mark.parametrize(
    ("instant", "wall"),
    [
        (datetime(2026, 10, 24, 11, tzinfo=UTC), datetime(2026, 10, 24, 13)),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 25, 13)),
        (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 3, 27, 13)),
        (datetime(2027, 3, 28, 11, tzinfo=UTC), datetime(2027, 3, 28, 13)),
        (
            datetime(2026, 11, 25, 7, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2026, 11, 25, 13),
        ),
    ],
)
def test_an_instant_is_told_by_the_series_clock_on_both_sides_of_a_change(
    series: Series, instant: datetime, wall: datetime
) -> None:
    assert wall_start(instant, series) == wall
    assert to_utc(wall, series.timezone) == instant


def test_a_day_alone_is_the_slot_of_that_day(series: Series) -> None:
    days = [date(2026, 10, 21), date(2026, 11, 4), date(2027, 3, 24), date(2027, 4, 7)]
    assert [wall_start(day, series) for day in days] == [
        datetime(2026, 10, 21, 13),
        datetime(2026, 11, 4, 13),
        datetime(2027, 3, 24, 13),
        datetime(2027, 4, 7, 13),
    ]


def reason(value: object, series: Series) -> str:
    with pytest.raises(Unfit) as caught:
        wall_start(value, series)
    return caught.value.hint or caught.value.expected


def test_a_day_without_its_one_slot_is_refused(series: Series, bare_series: Series) -> None:
    twice = Series(
        id="x",
        title="X",
        address="x@lists.example.org",
        timezone="Europe/Zurich",
        slots=Slots(rrule="FREQ=DAILY;BYHOUR=9,13", start=datetime(2026, 1, 14, 9)),
    )
    day = date(2026, 10, 22)
    assert [reason(day, each) for each in (series, bare_series, twice)] == [
        "the series has no slot on that day",
        "the series has no slots that would say the time",
        "the series has more than one slot on that day",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "a year from 1970 to 2999"),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "a year from 1970 to 2999"),
        (date(9999, 12, 31), "a year from 1970 to 2999"),
        (datetime(2026, 11, 25, 13, 0, 0, 1), "whole seconds"),
        ("25.11.2026", "a date and a time such as 2026-11-25T13:00:00"),
        (5, "a date and a time such as 2026-11-25T13:00:00"),
    ],
)
def test_a_start_out_of_reach_is_refused(series: Series, value: object, expected: str) -> None:
    assert reason(value, series) == expected
