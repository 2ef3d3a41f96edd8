"""What is owed, from when and until when: rules, clock changes, moves, late joiners, overdue."""

# ruff: noqa: DTZ001  # wall clock is naive by design

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model import (
    Audience,
    Due,
    Kind,
    NaiveInstant,
    Notice,
    Offset,
    Release,
    Status,
    Webinar,
)
from scheduler.plan import is_late, plan
from scheduler.recurrence import UnknownZone, to_utc, to_wall
from tests.examples import examples

ZURICH = "Europe/Zurich"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ANNOUNCED = Notice(id="announcement-1", kind=Kind.ANNOUNCEMENT, offset=Offset(days=-14, at=time(9)))
DAY_BEFORE = Notice(id="reminder-1", kind=Kind.REMINDER, offset=Offset(days=-1))
HOUR_BEFORE = Notice(
    id="reminder-2",
    kind=Kind.REMINDER,
    offset=Offset(seconds=-3600),
    audience=Audience.REGISTERED,
)
DAY_AFTER = Notice(id="follow-up-1", kind=Kind.FOLLOW_UP, offset=Offset(days=1, at=time(10)))
DEFAULT = (ANNOUNCED, DAY_BEFORE, HOUR_BEFORE, DAY_AFTER)

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
WALL = datetime(2026, 11, 25, 13)
START = datetime(2026, 11, 25, 12, tzinfo=UTC)


def webinar(
    wall: datetime = WALL,
    *,
    id: int = 1,
    status: Status = Status.SCHEDULED,
    sequence: int = 0,
    published_at: datetime | None = LONG_AGO,
    materials_at: datetime | None = None,
    zone: str = ZURICH,
) -> Webinar:
    starts_at = to_utc(wall, zone)
    return Webinar(
        id=id,
        series="copyright",
        status=status,
        wall_start=wall,
        zone=zone,
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        sequence=sequence,
        published_at=published_at,
        materials_at=materials_at,
    )


def planned(
    *webinars: Webinar,
    notices: Sequence[Notice] = DEFAULT,
    now: datetime = LONG_AGO,
    released: Sequence[Release] = (),
) -> tuple[Due, ...]:
    return plan(webinars, {"copyright": notices}, now, released)


def due_times(dues: Sequence[Due]) -> dict[str, datetime]:
    return {due.notice_id: due.due_at for due in dues}


def at(rule: Offset, wall: datetime, kind: Kind = Kind.REMINDER) -> datetime:
    """When a notice with this offset falls due, on the clock of Zurich."""
    notice = Notice(id="n", kind=kind, offset=rule)
    [due] = planned(webinar(wall, materials_at=LONG_AGO), notices=[notice])
    return to_wall(due.due_at, ZURICH)


def test_a_webinar_owes_all_its_notices_in_order() -> None:
    common = {"webinar_id": 1, "sequence": 0}
    expected = [
        (ANNOUNCED, datetime(2026, 11, 11, 8, tzinfo=UTC), START - DAY),
        (DAY_BEFORE, START - DAY, START),
        (HOUR_BEFORE, START - HOUR, START),
        (DAY_AFTER, datetime(2026, 11, 26, 9, tzinfo=UTC), START + HOUR + 30 * DAY),
    ]
    assert planned(webinar(materials_at=START + HOUR)) == tuple(
        Due(
            **common,
            notice_id=notice.id,
            kind=notice.kind,
            audience=notice.audience,
            due_at=due_at,
            released_at=due_at,
            expires_at=expires_at,
        )
        for notice, due_at, expires_at in expected
    )


def test_dues_are_sorted_by_time_then_webinar_then_notice() -> None:
    twin = replace(DAY_BEFORE, id="reminder-0")
    dues = planned(webinar(id=2), webinar(id=1), notices=(DAY_BEFORE, twin, HOUR_BEFORE))
    assert [due.key for due in dues] == [
        "1:reminder-0:0",
        "1:reminder-1:0",
        "2:reminder-0:0",
        "2:reminder-1:0",
        "1:reminder-2:0",
        "2:reminder-2:0",
    ]


@pytest.mark.parametrize(
    ("wall", "starts_at", "day_before", "hours_before"),
    [
        # F26: clocks go forward on 29 March 2026 and 28 March 2027, back on 25 October 2026.
        (datetime(2026, 3, 29, 13), 11, datetime(2026, 3, 28, 13), datetime(2026, 3, 28, 12)),
        (datetime(2026, 10, 25, 13), 12, datetime(2026, 10, 24, 13), datetime(2026, 10, 24, 14)),
        (datetime(2027, 3, 28, 13), 11, datetime(2027, 3, 27, 13), datetime(2027, 3, 27, 12)),
        (datetime(2026, 11, 25, 13), 12, datetime(2026, 11, 24, 13), datetime(2026, 11, 24, 13)),
    ],
)
def test_one_day_is_wall_clock_and_twenty_four_hours_are_absolute(
    wall: datetime, starts_at: int, day_before: datetime, hours_before: datetime
) -> None:
    assert webinar(wall).starts_at == datetime.combine(wall.date(), time(starts_at), UTC)
    assert at(Offset(days=-1), wall) == day_before
    assert at(Offset(seconds=-86_400), wall) == hours_before
    assert at(Offset(at=time(9)), wall) == datetime.combine(wall.date(), time(9))


@pytest.mark.parametrize("night", [datetime(2026, 3, 29), datetime(2026, 10, 25)])
def test_a_reminder_at_half_past_two_happens_once_in_the_night_clocks_change(
    night: datetime,
) -> None:
    notice = Notice(id="n", kind=Kind.REMINDER, offset=Offset(days=-1, at=time(2, 30)))
    item = webinar(night + timedelta(days=1, hours=13))
    [due] = planned(item, notices=[notice])
    hour = 3 if night.month == 3 else 2
    assert to_wall(due.due_at, ZURICH) == night + timedelta(hours=hour, minutes=30)


def test_offsets_after_count_from_the_end_of_the_webinar() -> None:
    assert at(Offset(days=1), WALL, Kind.FOLLOW_UP) == WALL + DAY + HOUR
    assert at(Offset(seconds=60), WALL, Kind.FOLLOW_UP) == WALL + HOUR + timedelta(minutes=1)
    assert at(Offset(), WALL, Kind.FOLLOW_UP) == WALL + HOUR


def test_an_announcement_expires_when_the_first_reminder_after_it_falls_due() -> None:
    early = Notice(id="early", kind=Kind.REMINDER, offset=Offset(days=-20))
    after = Notice(id="after", kind=Kind.REMINDER, offset=Offset(days=1))

    def expiry(*notices: Notice) -> datetime:
        dues = planned(webinar(), notices=(ANNOUNCED, *notices))
        return next(due.expires_at for due in dues if due.kind is Kind.ANNOUNCEMENT)

    assert expiry(HOUR_BEFORE, DAY_BEFORE, early) == START - DAY
    assert expiry(early) == START
    assert expiry(after) == START
    assert expiry() == START


def test_a_notice_due_before_publication_goes_out_at_publication() -> None:
    published = datetime(2026, 11, 20, 15, tzinfo=UTC)
    dues = planned(webinar(published_at=published), now=published)
    assert due_times(dues) == {
        "announcement-1": published,
        "reminder-1": START - DAY,
        "reminder-2": START - HOUR,
    }
    assert dues[0].released_at == published


def test_a_webinar_published_on_its_last_day_is_reminded_of_and_not_announced() -> None:
    published = START - 2 * HOUR
    dues = planned(webinar(published_at=published), now=published)
    assert due_times(dues) == {"reminder-1": published, "reminder-2": START - HOUR}


def test_a_webinar_published_after_its_start_owes_only_the_follow_up() -> None:
    published = START + 3 * DAY
    item = webinar(published_at=published, materials_at=START + 2 * DAY)
    assert due_times(planned(item, now=published)) == {"follow-up-1": published}


def test_what_fell_due_while_nobody_planned_is_owed_until_it_expires() -> None:
    [overdue, *_] = planned(webinar(), now=START - 2 * DAY)
    assert (overdue.notice_id, overdue.due_at) == (
        "announcement-1",
        datetime(2026, 11, 11, 8, tzinfo=UTC),
    )
    instant = timedelta(microseconds=1)
    assert "announcement-1" in due_times(planned(webinar(), now=START - DAY - instant))
    assert due_times(planned(webinar(), now=START - DAY)) == {
        "reminder-1": START - DAY,
        "reminder-2": START - HOUR,
    }
    assert due_times(planned(webinar(), now=START)) == {}


def test_a_follow_up_waits_for_materials_and_thirty_days_at_most() -> None:
    end = START + HOUR
    assert planned(webinar(), notices=[DAY_AFTER]) == ()
    [early] = planned(webinar(materials_at=START), notices=[DAY_AFTER])
    assert early.due_at == datetime(2026, 11, 26, 9, tzinfo=UTC)
    [late] = planned(webinar(materials_at=end + 9 * DAY), notices=[DAY_AFTER], now=end + 9 * DAY)
    assert (late.due_at, late.expires_at) == (end + 9 * DAY, end + 30 * DAY)
    assert planned(webinar(materials_at=end + 30 * DAY), notices=[DAY_AFTER]) == ()
    assert planned(webinar(materials_at=end), notices=[DAY_AFTER], now=end + 30 * DAY) == ()


@pytest.mark.parametrize(
    ("status", "owed"),
    [
        (Status.DRAFT, []),
        (Status.CANCELLED, []),
        (Status.OVER, ["follow-up-1"]),
        (Status.SCHEDULED, ["announcement-1", "reminder-1", "reminder-2", "follow-up-1"]),
    ],
)
def test_only_what_is_scheduled_is_announced(status: Status, owed: list[str]) -> None:
    item = webinar(status=status, materials_at=LONG_AGO)
    assert list(due_times(planned(item))) == owed


def test_nothing_is_owed_before_publication_nor_without_rules() -> None:
    assert planned(webinar(published_at=None, materials_at=LONG_AGO)) == ()
    assert plan([webinar()], {"another": DEFAULT}, LONG_AGO, ()) == ()
    answers = [
        Notice(id=kind, kind=kind, offset=Offset(days=-1))
        for kind in (Kind.UPDATE, Kind.CANCELLATION)
    ]
    assert planned(webinar(), notices=answers) == ()


def test_a_move_keeps_late_who_was_late() -> None:
    told_at = datetime(2026, 11, 11, 8, tzinfo=UTC)
    before = Release(webinar_id=1, notice_id="announcement-1", sequence=0, released_at=told_at)
    [moved, *_] = planned(webinar(WALL + 14 * DAY, sequence=1), released=[before])
    assert moved.key == "1:announcement-1:1"
    assert moved.due_at == told_at + 14 * DAY
    assert moved.released_at == told_at
    assert not is_late(told_at, moved.released_at)
    assert is_late(told_at + timedelta(microseconds=1), moved.released_at)


def test_the_first_release_counts_after_many_moves_and_others_do_not() -> None:
    def release(sequence: int, day: int, *, id: int = 1, notice: str = "reminder-1") -> Release:
        released_at = datetime(2026, 11, day, tzinfo=UTC)
        return Release(webinar_id=id, notice_id=notice, sequence=sequence, released_at=released_at)

    others = [release(0, 1, id=2), release(0, 2, notice="reminder-2"), release(9, 3)]
    moves = [release(1, 6), release(0, 5)]
    notices = [DAY_BEFORE]

    def cut_off(*released: Release) -> datetime:
        [due] = planned(webinar(sequence=2), notices=notices, released=[*others, *released])
        return due.released_at

    assert cut_off() == START - DAY
    assert cut_off(*moves) == datetime(2026, 11, 5, tzinfo=UTC)
    assert cut_off(*moves, release(2, 7)) == datetime(2026, 11, 7, tzinfo=UTC)


def test_what_was_let_go_is_still_returned_with_its_cut_off() -> None:
    released_at = datetime(2026, 11, 12, tzinfo=UTC)
    release = Release(webinar_id=1, notice_id="announcement-1", sequence=0, released_at=released_at)
    [due, *_] = planned(webinar(), now=START - 2 * DAY, released=[release])
    assert (due.notice_id, due.released_at) == ("announcement-1", released_at)


def test_an_edited_offset_keeps_the_key() -> None:
    edited = replace(DAY_BEFORE, offset=Offset(days=-3))
    keys = [planned(webinar(), notices=[notice])[0].key for notice in (DAY_BEFORE, edited)]
    assert keys == ["1:reminder-1:0", "1:reminder-1:0"]


def test_a_naive_now_and_an_unknown_zone_are_refused() -> None:
    with pytest.raises(NaiveInstant):
        planned(webinar(), now=datetime(2026, 1, 1))
    with pytest.raises(UnknownZone):
        planned(replace(webinar(), zone="Mars/Base"))


instants = st.datetimes(datetime(2026, 2, 1), datetime(2027, 5, 1), timezones=st.just(UTC))
offsets = st.one_of(
    st.builds(Offset, days=st.integers(-30, 5), at=st.none() | st.times()),
    st.builds(Offset, seconds=st.integers(-1_000_000, 100_000)),
)
notice_lists = st.lists(
    st.builds(
        Notice,
        id=st.sampled_from("abcdef"),
        kind=st.sampled_from(Kind),
        offset=offsets,
        audience=st.sampled_from(Audience),
    ),
    max_size=5,
    unique_by=lambda notice: notice.id,
)
webinar_lists = st.lists(
    st.builds(
        webinar,
        st.datetimes(datetime(2026, 3, 1), datetime(2027, 4, 1)),
        id=st.integers(1, 9),
        status=st.sampled_from(Status),
        sequence=st.integers(0, 3),
        published_at=st.none() | instants,
        materials_at=st.none() | instants,
        zone=st.sampled_from([ZURICH, "America/New_York", "Australia/Lord_Howe"]),
    ),
    max_size=4,
    unique_by=lambda item: item.id,
)
release_lists = st.lists(
    st.builds(
        Release,
        webinar_id=st.integers(1, 9),
        notice_id=st.sampled_from("abcdef"),
        sequence=st.integers(0, 3),
        released_at=instants,
    ),
    max_size=6,
)
modest = settings(max_examples=examples(150), deadline=None)


@modest
@given(webinar_lists, notice_lists, instants, release_lists)
def test_planning_again_after_letting_go_gives_the_same(
    webinars: list[Webinar], notices: list[Notice], now: datetime, released: list[Release]
) -> None:
    first = planned(*webinars, notices=notices, now=now, released=released)
    let_go = [
        Release(
            webinar_id=due.webinar_id,
            notice_id=due.notice_id,
            sequence=due.sequence,
            released_at=due.released_at,
        )
        for due in first
        if due.due_at <= now
    ]
    again = planned(*webinars, notices=notices, now=now, released=[*released, *let_go])
    assert again == first
    assert len({due.key for due in first}) == len(first)


@modest
@given(webinar_lists, notice_lists, instants, release_lists, st.randoms(use_true_random=False))
def test_the_order_of_what_comes_in_does_not_matter(
    webinars: list[Webinar],
    notices: list[Notice],
    now: datetime,
    released: list[Release],
    chance: random.Random,
) -> None:
    expected = planned(*webinars, notices=notices, now=now, released=released)
    for items in (webinars, notices, released):
        chance.shuffle(items)
    assert planned(*webinars, notices=notices, now=now, released=released) == expected


@modest
@given(webinar_lists, notice_lists, instants, release_lists)
def test_nothing_is_owed_past_its_deadline_or_before_it_may_be_known(
    webinars: list[Webinar], notices: list[Notice], now: datetime, released: list[Release]
) -> None:
    by_id = {item.id: item for item in webinars}
    for due in planned(*webinars, notices=notices, now=now, released=released):
        item = by_id[due.webinar_id]
        assert due.expires_at > max(now, due.due_at)
        assert item.published_at is not None
        assert due.due_at >= item.published_at
        if due.kind is Kind.FOLLOW_UP:
            assert due.expires_at == item.ends_at + 30 * DAY
            assert item.materials_at is not None
            assert due.due_at >= item.materials_at
        else:
            assert due.expires_at <= item.starts_at
            assert item.status is Status.SCHEDULED


@modest
@given(webinar_lists, notice_lists, instants, instants, release_lists)
def test_time_passing_only_takes_dues_away(
    webinars: list[Webinar],
    notices: list[Notice],
    one: datetime,
    other: datetime,
    released: list[Release],
) -> None:
    now, later = sorted((one, other))
    before = planned(*webinars, notices=notices, now=now, released=released)
    after = planned(*webinars, notices=notices, now=later, released=released)
    assert after == tuple(due for due in before if due.expires_at > later)
