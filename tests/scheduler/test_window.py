"""Quiet hours, across midnight and clock changes."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model import NaiveInstant
from scheduler.recurrence import to_utc, to_wall
from scheduler.window import Window, allowed_at
from tests.examples import examples

ZURICH = "Europe/Zurich"
OFFICE = Window(opens=time(8), closes=time(18), days=frozenset(range(5)))
NIGHT = Window(opens=time(22), closes=time(6))


def zurich(*parts: int) -> datetime:
    return to_utc(datetime(*parts), ZURICH)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("window", "asked", "allowed"),
    [
        (OFFICE, (2026, 11, 25, 13), (2026, 11, 25, 13)),
        (OFFICE, (2026, 11, 25, 7, 59), (2026, 11, 25, 8)),
        (OFFICE, (2026, 11, 25, 18), (2026, 11, 26, 8)),
        (OFFICE, (2026, 11, 27, 18), (2026, 11, 30, 8)),  # Friday evening to Monday
        (NIGHT, (2026, 11, 25, 23), (2026, 11, 25, 23)),
        (NIGHT, (2026, 11, 25, 5, 59), (2026, 11, 25, 5, 59)),
        (NIGHT, (2026, 11, 25, 6), (2026, 11, 25, 22)),
        (OFFICE, (2026, 3, 27, 20), (2026, 3, 30, 8)),  # over the night clocks go forward
    ],
)
def test_the_first_allowed_instant(
    window: Window, asked: tuple[int, ...], allowed: tuple[int, ...]
) -> None:
    assert allowed_at(zurich(*asked), window, ZURICH) == zurich(*allowed)


def test_a_window_over_midnight_belongs_to_the_day_it_opens() -> None:
    friday_night = Window(opens=time(22), closes=time(6), days=frozenset({4}))
    saturday_morning = zurich(2026, 11, 28, 5)
    assert allowed_at(saturday_morning, friday_night, ZURICH) == saturday_morning
    assert allowed_at(zurich(2026, 11, 27, 5), friday_night, ZURICH) == zurich(2026, 11, 27, 22)


def test_a_window_in_the_missing_hour_opens_after_the_gap() -> None:
    window = Window(opens=time(2, 30), closes=time(4))
    assert allowed_at(zurich(2026, 3, 29, 1), window, ZURICH) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


def test_a_window_that_the_gap_swallows_waits_for_the_next_day() -> None:
    window = Window(opens=time(2, 30), closes=time(3, 15))
    assert allowed_at(zurich(2026, 3, 29, 1), window, ZURICH) == zurich(2026, 3, 30, 2, 30)


def test_a_window_in_the_doubled_hour_is_open_once() -> None:
    window = Window(opens=time(2, 15), closes=time(2, 45))
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 for the second time
    assert allowed_at(second - timedelta(hours=1), window, ZURICH) == second - timedelta(hours=1)
    assert allowed_at(second, window, ZURICH) == zurich(2026, 10, 26, 2, 15)


def test_windows_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        Window(opens=time(8), closes=time(18), days=frozenset())
    with pytest.raises(ValueError, match="at least one day"):
        Window(opens=time(8), closes=time(18), days=frozenset({7}))
    with pytest.raises(ValueError, match="no zone of their own"):
        Window(opens=time(8, tzinfo=UTC), closes=time(18))
    with pytest.raises(NaiveInstant):
        allowed_at(datetime(2026, 1, 1), OFFICE, ZURICH)


times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
windows = st.builds(
    Window,
    opens=times,
    closes=times,
    days=st.frozensets(st.integers(0, 6), min_size=1),
)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
zones = st.sampled_from([ZURICH, "America/New_York", "UTC", "Australia/Lord_Howe"])


def is_open(instant: datetime, window: Window, zone: str) -> bool:
    """The same question the slow way: any opening of the last days that has not closed."""
    today = to_wall(instant, zone).date()
    for back in range(-1, 4):
        day: date = today - timedelta(days=back)
        if day.weekday() in window.days:
            last = day + timedelta(days=int(window.closes <= window.opens))
            opens = to_utc(datetime.combine(day, window.opens), zone)
            if opens <= instant < to_utc(datetime.combine(last, window.closes), zone):
                return True
    return False


@settings(max_examples=examples(150), deadline=None)
@given(instant=instants, window=windows, zone=zones)
def test_what_is_allowed_is_open_never_early_and_stays_allowed(
    instant: datetime, window: Window, zone: str
) -> None:
    allowed = allowed_at(instant, window, zone)
    assert allowed >= instant
    assert is_open(allowed, window, zone)
    assert allowed_at(allowed, window, zone) == allowed
    if is_open(instant, window, zone):
        assert allowed == instant
    else:
        assert not is_open(allowed - timedelta(microseconds=1), window, zone)
        assert not is_open(instant + (allowed - instant) / 2, window, zone)


@settings(max_examples=examples(50), deadline=None)
@given(instant=instants, at=times, zone=zones)
def test_the_same_time_twice_is_always_open(instant: datetime, at: time, zone: str) -> None:
    assert allowed_at(instant, Window(opens=at, closes=at), zone) == instant
