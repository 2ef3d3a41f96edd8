"""The same time every day or week, over clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.rhythm import Rhythm

MONDAYS = Rhythm(zone="Europe/Zurich", at=time(8), weekday=0)
DAILY = Rhythm(zone="Europe/Zurich", at=time(10))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("now", "latest"),
    [
        (utc(2026, 10, 19, 6), utc(2026, 10, 19, 6)),  # Monday, 8 o'clock in Zurich
        (utc(2026, 10, 19, 5, 59), utc(2026, 10, 12, 6)),
        (utc(2026, 10, 25, 12), utc(2026, 10, 19, 6)),
        (utc(2026, 10, 26, 6, 59), utc(2026, 10, 19, 6)),
        (utc(2026, 10, 26, 7), utc(2026, 10, 26, 7)),  # winter time since the day before
    ],
)
def test_a_week_ends_on_monday_morning_by_the_clock(now: datetime, latest: datetime) -> None:
    assert MONDAYS.latest(now) == latest


def test_the_next_one_is_at_the_same_time_of_day() -> None:
    assert MONDAYS.after(utc(2026, 10, 19, 6)) == utc(2026, 10, 26, 7)
    assert DAILY.after(utc(2026, 10, 24, 8)) == utc(2026, 10, 25, 9)


@given(
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)),  # noqa: DTZ001
    st.sampled_from([MONDAYS, DAILY, Rhythm(zone="Pacific/Auckland", at=time(2, 30), weekday=6)]),
)
def test_moments_follow_each_other_without_a_gap(wall: datetime, rhythm: Rhythm) -> None:
    now = wall.replace(tzinfo=UTC)
    latest = rhythm.latest(now)
    assert latest <= now < rhythm.after(latest)
    assert rhythm.latest(rhythm.after(latest)) == rhythm.after(latest)
    assert rhythm.after(latest) - latest <= timedelta(days=7, hours=1)
