"""What a change owes: settle windows, what undoes itself, whom it concerns, until when."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.change import History, Version, outdated, settled_at, tidings
from scheduler.model import Audience, Due, Kind, NaiveInstant, Status, Webinar
from scheduler.plan import plan

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
START = datetime(2026, 11, 25, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
FIRST = Version(sequence=0, at=NOON, status=Status.SCHEDULED, starts_at=START, ends_at=START + HOUR)


def after(
    before: Version, span: timedelta, *, starts_at: datetime | None = None, **changed: object
) -> Version:
    """The version that follows one so much later."""
    starts_at = starts_at or before.starts_at
    return replace(
        before,
        sequence=before.sequence + 1,
        at=before.at + span,
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        **{"asked": False, **changed},  # type: ignore[arg-type]
    )


def history(*versions: Version, window: timedelta = WINDOW) -> History:
    return History(versions=versions, window=window)


def webinar(found: History) -> Webinar:
    present = found.present
    return Webinar(
        id=1,
        series="copyright",
        status=present.status,
        wall_start=datetime(2026, 11, 25, 13),
        zone="Europe/Zurich",
        starts_at=present.starts_at,
        ends_at=present.ends_at,
        sequence=present.sequence,
        published_at=NOON,
    )


def owed(found: History, now: datetime | None = None) -> Due | None:
    return tidings(webinar(found), found, now or found.present.at)


# --- the window ---


def test_an_update_waits_for_the_settle_window() -> None:
    moved = after(FIRST, DAY, starts_at=START + DAY)
    assert owed(history(FIRST, moved)) == Due(
        webinar_id=1,
        notice_id="update",
        kind=Kind.UPDATE,
        audience=Audience.SUBSCRIBED,
        sequence=1,
        due_at=NOON + DAY + WINDOW,
        released_at=NOON + DAY + WINDOW,
        expires_at=START + DAY + HOUR,
    )


def test_a_further_edit_within_the_window_begins_it_anew() -> None:
    one = after(FIRST, DAY, starts_at=START + DAY)
    two = after(one, 10 * MINUTE, starts_at=START + 2 * DAY)
    assert settled_at(history(FIRST, one, two)) == NOON + DAY + 25 * MINUTE


def test_an_edit_when_the_window_is_over_has_one_of_its_own() -> None:
    one = after(FIRST, DAY, starts_at=START + DAY)
    two = after(one, WINDOW, starts_at=START + 2 * DAY)
    assert settled_at(history(FIRST, one, two)) == NOON + DAY + 2 * WINDOW


def test_edits_without_end_wait_no_longer_than_four_windows() -> None:
    versions = [FIRST]
    for number in range(5):
        versions.append(after(versions[-1], 14 * MINUTE, starts_at=START + number * HOUR))
    first = versions[1].at
    assert versions[-1].at < first + 4 * WINDOW
    assert settled_at(history(*versions)) == first + 4 * WINDOW


@pytest.mark.parametrize("sooner", [True, False])
def test_a_window_is_at_most_a_tenth_of_the_time_to_the_nearer_start(*, sooner: bool) -> None:
    near, far = NOON + 100 * MINUTE, START
    told = replace(FIRST, starts_at=far if sooner else near)
    moved = after(told, timedelta(0), starts_at=near if sooner else far)
    assert settled_at(history(told, moved)) == NOON + 10 * MINUTE


def test_what_should_have_begun_already_is_told_at_once() -> None:
    told = replace(FIRST, starts_at=NOON - MINUTE, ends_at=NOON + HOUR)
    assert settled_at(history(told, after(told, timedelta(0), starts_at=START))) == NOON


def test_a_cancellation_goes_at_once_even_after_a_move() -> None:
    moved = after(FIRST, DAY, starts_at=START + DAY)
    off = after(moved, MINUTE, status=Status.CANCELLED)
    due = owed(history(FIRST, moved, off))
    assert due is not None
    assert (due.kind, due.notice_id, due.due_at) == (Kind.CANCELLATION, "cancellation", off.at)
    assert due.expires_at == START + DAY + HOUR


def test_a_revival_waits_for_a_window_of_its_own() -> None:
    off = after(FIRST, DAY, status=Status.CANCELLED)
    on = after(off, MINUTE, status=Status.SCHEDULED)
    due = owed(history(FIRST, off, on))
    assert due is not None
    assert (due.kind, due.due_at) == (Kind.UPDATE, on.at + WINDOW)


# --- whom it concerns ---


def test_who_was_told_what_is_true_again_is_owed_nothing() -> None:
    moved = after(FIRST, DAY, starts_at=START + DAY)
    back = after(moved, MINUTE, starts_at=START)
    assert outdated(history(FIRST, moved, back), registered=True) == {1}
    assert owed(history(FIRST, replace(moved, told=False), back)) is None


def test_a_cancelled_webinar_that_moves_is_still_cancelled() -> None:
    off = after(FIRST, DAY, status=Status.CANCELLED)
    moved = after(off, DAY, starts_at=START + DAY)
    assert outdated(history(FIRST, off, moved), registered=False) == {0}


@pytest.mark.parametrize(
    ("changed", "registered", "others"),
    [
        ({"place": "https://meet.example.org/2"}, {0}, set()),
        ({"entrance": "https://register.example.org"}, set(), set()),
        ({"text": "new"}, set(), set()),
        ({"text": "new", "asked": True}, {0}, {0}),
        ({"asked": True}, set(), set()),
        ({"ends_at": START + 2 * HOUR}, {0}, {0}),
    ],
)
def test_each_is_told_what_concerns_them(
    changed: dict[str, object], registered: set[int], others: set[int]
) -> None:
    edited = replace(after(FIRST, DAY), **changed)  # type: ignore[arg-type]
    found = history(FIRST, edited)
    assert outdated(found, registered=True) == registered
    assert outdated(found, registered=False) == others


def test_another_place_is_no_news_to_who_has_a_link_of_their_own() -> None:
    told = replace(FIRST, place="https://meet.example.org/1")
    there = after(told, DAY, place="https://meet.example.org/2")
    own = replace(history(told, there), own_links=True)
    assert outdated(own, registered=True) == frozenset()
    assert owed(own) is not None  # for who speaks there, and is told the place itself
    gone = after(there, DAY, place="")
    own = replace(history(told, there, gone), own_links=True)
    assert outdated(own, registered=True) == {0, 1}


def test_a_way_to_register_that_is_gone_concerns_everybody() -> None:
    told = replace(FIRST, entrance="https://register.example.org")
    assert outdated(history(told, after(told, DAY, entrance="")), registered=False) == {0}


def test_a_text_that_was_asked_to_be_told_is_told_with_what_follows() -> None:
    reworded = after(FIRST, DAY, text="new", asked=True)
    again = after(reworded, MINUTE, place="https://meet.example.org/2")
    assert outdated(history(FIRST, reworded, again), registered=False) == {0}


def test_nobody_is_owed_what_nobody_was_told() -> None:
    told = replace(FIRST, told=False)
    assert owed(history(told, after(told, DAY, starts_at=START + DAY))) is None


def test_a_draft_has_no_tidings() -> None:
    found = history(FIRST, after(FIRST, DAY, starts_at=START + DAY))
    assert tidings(replace(webinar(found), published_at=None), found, NOON) is None


# --- until when ---


@pytest.mark.parametrize("moved_by", [-7 * DAY, 7 * DAY])
def test_it_makes_sense_until_nobody_waits_any_more(moved_by: timedelta) -> None:
    found = history(FIRST, after(FIRST, DAY, starts_at=START + moved_by))
    end = max(START, START + moved_by) + HOUR
    due = owed(found, end - MINUTE)
    assert due is not None
    assert due.expires_at == end
    assert owed(found, end) is None


def test_a_correction_of_the_past_is_told_nobody() -> None:
    past = after(FIRST, 90 * DAY, starts_at=START - HOUR)
    assert owed(history(FIRST, past)) is None


def test_naive_instants_are_refused() -> None:
    with pytest.raises(NaiveInstant, match="at needs a zone"):
        replace(FIRST, at=datetime(2026, 10, 1))
    found = history(FIRST, after(FIRST, DAY, starts_at=START + DAY))
    with pytest.raises(NaiveInstant, match="now needs a zone"):
        tidings(webinar(found), found, datetime(2026, 10, 1))


def test_the_plan_holds_what_changes_call_for() -> None:
    found = history(FIRST, after(FIRST, DAY, starts_at=START + DAY))
    assert plan([webinar(found)], {}, NOON + DAY, (), {1: found}) == (owed(found),)


# --- any history ---

SPANS = st.integers(0, 200).map(lambda minutes: minutes * MINUTE)
STARTS = st.integers(-2, 40).map(lambda hours: NOON + hours * HOUR)


@st.composite
def histories(draw: st.DrawFn) -> History:
    versions = [replace(FIRST, starts_at=(start := draw(STARTS)), ends_at=start + HOUR)]
    for _ in range(draw(st.integers(1, 6))):
        versions.append(
            after(
                versions[-1],
                draw(SPANS),
                starts_at=draw(STARTS),
                status=draw(st.sampled_from([Status.SCHEDULED, Status.CANCELLED])),
                text=draw(st.sampled_from(["", "new"])),
                place=draw(st.sampled_from(["", "there"])),
                asked=draw(st.booleans()),
                told=draw(st.booleans()),
            )
        )
    return history(*versions)


@given(histories())
def test_the_wait_is_bounded_and_never_ends_before_the_edit(found: History) -> None:
    due_at = settled_at(found)
    assert found.present.at <= due_at <= found.present.at + WINDOW
    if found.present.status is Status.CANCELLED:
        assert due_at == found.present.at
    nearest = found.present.starts_at - found.present.at
    assert due_at - found.present.at <= max(timedelta(0), nearest / 10)


@given(histories())
def test_an_earlier_wait_is_not_prolonged_beyond_four_windows(found: History) -> None:
    for place in range(1, len(found.versions)):
        until_then = replace(found, versions=found.versions[: place + 1])
        following = found.versions[place + 1 : place + 2]
        if following and following[0].at < settled_at(until_then):
            longer = replace(found, versions=found.versions[: place + 2])
            assert settled_at(longer) <= found.versions[place].at + 4 * WINDOW


@given(histories(), SPANS)
def test_nothing_is_due_after_it_makes_sense(found: History, span: timedelta) -> None:
    now = found.present.at + span
    due = owed(found, now)
    if due is not None:
        assert max(due.due_at, now) < due.expires_at
        assert due.key == f"1:{due.kind}:{found.present.sequence}"


@given(histories())
def test_the_present_facts_mislead_nobody(found: History) -> None:
    for registered in (True, False):
        assert found.present.sequence not in outdated(found, registered=registered)


@given(histories())
def test_who_is_not_registered_is_owed_no_more_than_who_is(found: History) -> None:
    assert outdated(found, registered=False) <= outdated(found, registered=True)
