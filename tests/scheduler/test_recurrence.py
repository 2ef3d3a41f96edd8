"""Wall clock and instants, above all on the days when clocks change (F26)."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler.model import NaiveInstant
from scheduler.recurrence import (
    BadRule,
    Slot,
    UnknownZone,
    check_rrule,
    is_older,
    load_zone,
    shift_days,
    slots,
    to_utc,
    to_wall,
    tzdata_version,
    zone_names,
)
from tests.examples import examples

ZURICH = "Europe/Zurich"
ZONES = (ZURICH, "UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
FORTNIGHTLY = "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE"

modest = settings(max_examples=examples(150), deadline=None)
walls = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))
instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        (datetime(2026, 3, 28, 13), datetime(2026, 3, 28, 12, tzinfo=UTC)),
        (datetime(2026, 3, 29, 13), datetime(2026, 3, 29, 11, tzinfo=UTC)),
        (datetime(2026, 10, 24, 13), datetime(2026, 10, 24, 11, tzinfo=UTC)),
        (datetime(2026, 10, 25, 13), datetime(2026, 10, 25, 12, tzinfo=UTC)),
        (datetime(2027, 3, 27, 13), datetime(2027, 3, 27, 12, tzinfo=UTC)),
        (datetime(2027, 3, 28, 13), datetime(2027, 3, 28, 11, tzinfo=UTC)),
    ],
)
def test_thirteen_in_zurich_is_eleven_or_twelve_utc(wall: datetime, instant: datetime) -> None:
    assert to_utc(wall, ZURICH) == instant
    assert to_wall(instant, ZURICH) == wall


def test_a_doubled_hour_means_the_first_occurrence() -> None:
    wall = datetime(2026, 10, 25, 2, 30)
    assert to_utc(wall, ZURICH) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert to_utc(wall.replace(fold=1), ZURICH) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert to_wall(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), ZURICH) == wall


def test_a_missing_hour_moves_forward_by_the_gap() -> None:
    at = to_utc(datetime(2026, 3, 29, 2, 30), ZURICH)
    assert at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert to_wall(at, ZURICH) == datetime(2026, 3, 29, 3, 30)


@modest
@given(instant=instants, zone=st.sampled_from(ZONES))
def test_wall_clock_and_back_is_the_same_instant_or_its_first_twin(
    instant: datetime, zone: str
) -> None:
    wall = to_wall(instant, zone)
    back = to_utc(wall, zone)
    assert to_wall(back, zone) == wall
    assert timedelta(0) <= instant - back <= timedelta(hours=1)


@modest
@given(wall=walls, zone=st.sampled_from(ZONES))
@example(wall=datetime(2011, 12, 30, 13), zone="Pacific/Apia")  # a day that never was
def test_every_wall_time_happens_and_never_early(wall: datetime, zone: str) -> None:
    shown = to_wall(to_utc(wall, zone), zone)
    assert timedelta(0) <= shown - wall <= timedelta(days=1)


def test_instants_without_zone_and_wall_times_with_one_are_refused() -> None:
    with pytest.raises(NaiveInstant, match="needs a zone"):
        to_wall(datetime(2026, 1, 1), ZURICH)
    with pytest.raises(ValueError, match="no zone of its own"):
        to_utc(datetime(2026, 1, 1, tzinfo=UTC), ZURICH)
    with pytest.raises(ValueError, match="no zone of its own"):
        shift_days(datetime(2026, 1, 1, tzinfo=UTC), 1, None)


@pytest.mark.parametrize("name", ["", "Mars/Base", "europe/zurich", "../zones", "/etc/localtime"])
def test_an_unknown_zone_is_named_in_a_value_error(name: str) -> None:
    with pytest.raises(UnknownZone) as raised:
        to_utc(datetime(2026, 1, 1), name)
    assert isinstance(raised.value, ValueError)
    assert str(raised.value) == f"unknown time zone: {name!r}"


@pytest.mark.slow
def test_every_named_zone_can_be_loaded() -> None:
    assert {load_zone(name).key for name in zone_names()} == zone_names()
    assert tzdata_version()[:2] == "20"


def test_days_are_shifted_on_the_wall_clock() -> None:
    wall = datetime(2026, 3, 30, 13)
    assert shift_days(wall, -1, None) == datetime(2026, 3, 29, 13)
    assert shift_days(wall, -14, time(9)) == datetime(2026, 3, 16, 9)
    assert shift_days(wall, 0, time(9)) == datetime(2026, 3, 30, 9)


def test_fortnightly_slots_stay_at_thirteen_across_clock_changes() -> None:
    found = slots(
        FORTNIGHTLY,
        datetime(2026, 1, 14, 13),
        ZURICH,
        after=datetime(2026, 3, 11, 12, tzinfo=UTC),
        count=3,
    )
    assert found == (
        Slot(wall_start=datetime(2026, 3, 25, 13), starts_at=datetime(2026, 3, 25, 12, tzinfo=UTC)),
        Slot(wall_start=datetime(2026, 4, 8, 13), starts_at=datetime(2026, 4, 8, 11, tzinfo=UTC)),
        Slot(wall_start=datetime(2026, 4, 22, 13), starts_at=datetime(2026, 4, 22, 11, tzinfo=UTC)),
    )


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25)])
def test_a_slot_in_the_missing_or_doubled_hour_happens_once(day: datetime) -> None:
    start = day - timedelta(days=1) + timedelta(hours=2, minutes=30)
    found = slots("FREQ=DAILY", start, ZURICH, after=to_utc(start, ZURICH), count=2)
    assert [slot.wall_start for slot in found] == [
        start + timedelta(days=1),
        start + timedelta(days=2),
    ]
    nights = {to_wall(slot.starts_at, ZURICH).date() for slot in found}
    assert nights == {day.date(), (day + timedelta(days=1)).date()}


def test_the_second_of_two_equal_hours_is_past_the_slot() -> None:
    start = datetime(2026, 10, 25, 2, 30)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert [s.wall_start for s in slots("FREQ=DAILY", start, ZURICH, after=second, count=1)] == [
        datetime(2026, 10, 26, 2, 30)
    ]


def test_a_slot_moved_out_of_the_missing_hour_is_still_ahead_just_before_it() -> None:
    start = datetime(2026, 3, 29, 2, 30)
    clocks_show_a_quarter_past_three = datetime(2026, 3, 29, 1, 15, tzinfo=UTC)
    found = slots("FREQ=WEEKLY", start, ZURICH, after=clocks_show_a_quarter_past_three, count=1)
    assert [slot.wall_start for slot in found] == [start]


def test_a_slot_is_ahead_until_the_instant_it_starts() -> None:
    start = datetime(2026, 1, 14, 13)
    starts_at = to_utc(start, ZURICH)
    a_moment = timedelta(microseconds=1)

    def first(after: datetime) -> datetime:
        return slots(FORTNIGHTLY, start, ZURICH, after=after, count=1)[0].wall_start

    assert first(starts_at - a_moment) == start
    assert first(starts_at) == datetime(2026, 1, 28, 13)


@pytest.mark.parametrize(
    ("until", "days"),
    [
        ("20260128", [14, 28]),  # a plain day is included
        ("20260128T130000", [14, 28]),
        ("20260128T120000Z", [14, 28]),  # 13:00 in Zurich
        ("20260128T115959Z", [14]),
        ("20251231", []),
    ],
)
def test_until_is_read_as_utc_as_wall_clock_or_as_a_whole_day(until: str, days: list[int]) -> None:
    found = slots(
        f"{FORTNIGHTLY};UNTIL={until}",
        datetime(2026, 1, 14, 13),
        ZURICH,
        after=datetime(2026, 1, 1, tzinfo=UTC),
        count=9,
    )
    assert [slot.wall_start for slot in found] == [datetime(2026, 1, day, 13) for day in days]


def test_count_counts_from_the_start_of_the_series() -> None:
    start = datetime(2026, 1, 14, 13)
    after = datetime(2026, 1, 14, 12, tzinfo=UTC)
    found = slots(f"{FORTNIGHTLY};COUNT=2", start, ZURICH, after=after, count=9)
    assert [slot.wall_start for slot in found] == [datetime(2026, 1, 28, 13)]
    assert slots(FORTNIGHTLY, start, ZURICH, after=after, count=0) == ()


@modest
@given(
    instant=st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
    rule=st.sampled_from(["FREQ=DAILY", FORTNIGHTLY, "FREQ=MONTHLY;BYDAY=-1SU"]),
)
def test_walking_slot_by_slot_is_the_same_as_asking_for_many(
    instant: datetime, hour: int, zone: str, rule: str
) -> None:
    start = datetime(2026, 1, 14, hour, 30)
    many = slots(rule, start, zone, after=instant, count=4)
    walked: list[Slot] = []
    after = instant
    for _ in range(4):
        walked += slots(rule, start, zone, after=after, count=1)
        after = walked[-1].starts_at
    assert tuple(walked) == many
    assert all(slot.starts_at > instant for slot in many)


@pytest.mark.parametrize(
    "rule",
    [
        FORTNIGHTLY,
        "RRULE:freq=weekly;byday=we",
        "FREQ=MONTHLY;BYDAY=2WE",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=WE;BYHOUR=9,17;WKST=SU",
        "FREQ=DAILY;COUNT=3",
        "FREQ=DAILY;UNTIL=20261231T235959Z",
    ],
)
def test_good_rules_hold(rule: str) -> None:
    assert check_rrule(rule) is None


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("", "a rule is made of NAME=VALUE;NAME=VALUE, not ''"),
        ("FREQ=WEEKLY;", "a rule is made of NAME=VALUE;NAME=VALUE, not ''"),
        ("every other Wednesday", "a rule is made of NAME=VALUE;NAME=VALUE, not"),
        ("INTERVAL=2", "FREQ is missing"),
        ("FREQ=HOURLY", "FREQ cannot be 'HOURLY'"),
        ("FREQ=WEEKLY;FREQ=WEEKLY", "FREQ is given twice"),
        ("FREQ=WEEKLY;INTERVAL=0", "INTERVAL goes from 1 to 999: '0'"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20261231", "COUNT and UNTIL exclude each other"),
        ("FREQ=WEEKLY;UNTIL=20261331", "UNTIL is no date: 20261331"),
        ("FREQ=WEEKLY;UNTIL=00010101T000000Z", "UNTIL lies outside the years 1900 to 9000"),
        ("FREQ=WEEKLY;UNTIL=soon", "UNTIL cannot be 'SOON'"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY cannot be 'XX'"),
        ("FREQ=WEEKLY;BYDAY=2WE", "BYDAY takes numbers only by month or by year"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY goes from 1 to 31: '32'"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "BYWEEKNO goes with FREQ=YEARLY only"),
        ("FREQ=MONTHLY;BYYEARDAY=3", "BYYEARDAY goes with FREQ=YEARLY only"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY does not go with FREQ=WEEKLY"),
        ("FREQ=WEEKLY;BYSETPOS=1", "BYSETPOS needs another BY part to choose from"),
        ("FREQ=YEARLY;BYEASTER=1", "'BYEASTER' is not a part of a rule here"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "no day ever fits this rule"),
        ("FREQ=DAILY;" + "BYHOUR=1" * 100, "a rule has at most 500 characters"),
    ],
)
def test_bad_rules_say_why(rule: str, why: str) -> None:
    reason = check_rrule(rule)
    assert reason is not None
    assert reason.startswith(why)
    if why != "no day ever fits this rule":
        with pytest.raises(BadRule) as raised:
            slots(
                rule, datetime(2026, 1, 1), ZURICH, after=datetime(2026, 1, 1, tzinfo=UTC), count=1
            )
        assert str(raised.value) == reason


parts = st.builds(
    "{}={}".format,
    st.sampled_from(["FREQ", "INTERVAL", "BYDAY", "BYMONTH", "BYHOUR", "BYSETPOS", "UNTIL", "X"]),
    st.sampled_from(["MONTHLY", "YEARLY", "1", "-1", "2WE", "MO,FR", "20301231", "13", "", "²"]),
)


@modest
@given(st.lists(parts, max_size=4).map(";".join) | st.text(max_size=40))
def test_any_text_is_judged_and_never_raises(text: str) -> None:
    if check_rrule(text) is None:
        after = datetime(2026, 1, 1, tzinfo=UTC)
        assert len(slots(text, datetime(2026, 1, 1, 13), ZURICH, after=after, count=1)) <= 1


def test_releases_of_the_zones_come_one_after_the_other() -> None:
    releases = ["2025b", "2025z", "2025za", "2026a", "9999a"]
    pairs = [(one, other) for place, one in enumerate(releases) for other in releases[place:]]
    assert [pair for pair in pairs if is_older(*pair)] == [
        (one, other) for one, other in pairs if one != other
    ]
    assert not any(is_older(other, one) for one, other in pairs)
