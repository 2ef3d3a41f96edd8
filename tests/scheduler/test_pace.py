"""Pace: bounds that no order of instants and wishes may break."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.pace import (
    CUT_APART_SECONDS,
    GROWTH_A_SECOND,
    LATE_SECONDS,
    LEEWAY_SECONDS,
    LIFTED_AT,
    MOST_A_DAY,
    SLOWEST,
    URGENT_SECONDS,
    Slowdown,
    TokenBucket,
    Turns,
    WarmUp,
    WarmUpDay,
    allowed_rate,
    at_rate,
    days_taken,
    next_turn,
    put_back,
    slowed,
    take,
    warm_up_day,
)
from tests.examples import examples

T0 = 1_000.0
START = datetime(2026, 11, 25, 8, tzinfo=UTC)
DAY = timedelta(days=1)
modest = settings(max_examples=examples(150), deadline=None)


# --- so many a second ---


def bucket(*, rate: float = 10, burst: float = 20, tokens: float = 20) -> TokenBucket:
    return TokenBucket(rate_per_second=rate, burst=burst, tokens=tokens, updated_at=T0)


def test_a_full_bucket_grants_its_burst_and_says_when_to_ask_again() -> None:
    granted, after, seconds = take(bucket(), 64, T0)
    assert (granted, after) == (20, bucket(tokens=0))
    assert seconds == 1.0  # half a bucket


def test_what_is_wanted_and_there_is_granted_without_asking_again() -> None:
    assert take(bucket(), 5, T0) == (5, bucket(tokens=15), 0.0)
    assert take(bucket(tokens=0), 0, T0) == (0, bucket(tokens=0), 0.0)
    assert take(bucket(), -3, T0) == (0, bucket(), 0.0)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    granted, after, _ = take(bucket(tokens=0), 1_000, T0 + 86_400)
    assert (granted, after.tokens) == (20, 0)
    assert put_back(bucket(tokens=15), 3).tokens == 18
    assert put_back(bucket(tokens=15), 30).tokens == 20


def test_a_rate_of_zero_has_no_limit() -> None:
    unlimited = bucket(rate=0, burst=0, tokens=0)
    assert take(unlimited, 1_000_000, T0) == (1_000_000, unlimited, 0.0)


def test_an_instant_before_the_last_earns_nothing() -> None:
    assert take(bucket(tokens=0), 5, T0 - 60)[:2] == (0, bucket(tokens=0))


def test_another_rate_begins_with_what_was_there_but_no_more_than_a_second_of_it() -> None:
    assert at_rate(bucket(tokens=0), 4, T0 + 0.25) == TokenBucket(
        rate_per_second=4, burst=4, tokens=2.5, updated_at=T0 + 0.25
    )
    assert at_rate(bucket(), 4, T0).tokens == 4
    assert at_rate(bucket(), 0.1, T0).burst == 1


def test_a_limit_where_there_was_none_begins_with_one_mail() -> None:
    unlimited = at_rate(bucket(), 0, T0)
    assert take(unlimited, 1_000, T0 + 60)[0] == 1_000
    assert take(at_rate(unlimited, 50, T0 + 60), 100, T0 + 60)[0] == 1


def test_buckets_that_could_never_grant_are_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        bucket(rate=-1)
    with pytest.raises(ValueError, match="rate"):
        bucket(rate=float("nan"))
    with pytest.raises(ValueError, match="at least one token"):
        bucket(burst=0.5)


asks = st.lists(st.tuples(st.floats(-300, 300), st.integers(0, 50)), min_size=1, max_size=30)


@modest
@given(asks=asks, rate=st.floats(0.01, 1_000), burst=st.integers(1, 100))
def test_no_order_of_instants_grants_more_than_burst_and_time_allow(
    asks: list[tuple[float, int]], rate: float, burst: int
) -> None:
    now, held = T0, bucket(rate=rate, burst=burst, tokens=burst)
    total, latest = 0, T0
    for seconds, wanted in asks:
        now += seconds
        granted, held, again = take(held, wanted, now)
        latest = max(latest, now)
        total += granted
        assert 0 <= granted <= wanted
        assert (again == 0) == (granted == wanted)
    assert total <= burst + (latest - T0) * rate + 1e-6


@modest
@given(
    rate=st.floats(0.001, 5_000),
    burst=st.integers(1, 1_000),
    tokens=st.floats(0, 1_000),
    wanted=st.integers(1, 5_000),
)
def test_asking_when_told_is_never_in_vain(
    rate: float, burst: int, tokens: float, wanted: int
) -> None:
    granted, held, seconds = take(bucket(rate=rate, burst=burst, tokens=tokens), wanted, T0)
    if seconds:
        assert take(held, wanted - granted, T0 + seconds + 1e-6)[0] >= 1


@modest
@given(rates=st.lists(st.floats(0, 1_000), max_size=20), step=st.floats(0, 10))
def test_a_changing_rate_never_grants_more_than_the_highest(
    rates: list[float], step: float
) -> None:
    now, held, total = T0, bucket(rate=1, burst=1, tokens=0), 0
    for rate in rates:
        held = at_rate(held, max(rate, 0.01), now)
        granted, held, _ = take(held, 1_000_000, now)
        total += granted
        now += step
    highest = max([1.0, *rates])
    assert total <= highest * (1 + step * len(rates)) + 1e-6


# --- less, when the other side asks for less ---


def test_the_first_cut_is_to_half_of_what_was_taken() -> None:
    slow = slowed(None, taken=400, tried=1_000, now=T0)
    assert slow == Slowdown(rate=200, too_much=1_000, since=T0)
    assert allowed_rate(slow, T0) == 200


def test_it_is_cut_at_most_once_a_second() -> None:
    first = slowed(None, taken=400, tried=400, now=T0)
    assert slowed(first, taken=400, tried=400, now=T0 + CUT_APART_SECONDS - 0.01) == first
    second = slowed(first, taken=400, tried=400, now=T0 + CUT_APART_SECONDS)
    assert second.rate == pytest.approx(200 * GROWTH_A_SECOND / 2)
    assert second.too_much == 400


def test_a_server_that_takes_nothing_is_tried_once_a_second() -> None:
    slow = slowed(None, taken=0, tried=0, now=T0)
    assert allowed_rate(slow, T0) == SLOWEST


def test_it_grows_by_a_tenth_a_second_and_is_over_well_above_the_rate_that_was_too_much() -> None:
    slow = slowed(None, taken=100, tried=100, now=T0)
    assert allowed_rate(slow, T0 + 1) == pytest.approx(55)
    assert allowed_rate(slow, T0 + 2) == pytest.approx(60.5)
    over_after = math.log(100 * LIFTED_AT / 50, GROWTH_A_SECOND)  # some 15 seconds
    assert allowed_rate(slow, T0 + over_after - 0.1) == pytest.approx(198.1, abs=0.1)
    assert allowed_rate(slow, T0 + over_after + 0.1) is None
    assert allowed_rate(slow, T0 + 1e9) is None


def test_a_server_with_a_fixed_limit_is_approached_and_not_overrun() -> None:
    limit, now, slow, sent = 300.0, T0, None, []
    for _ in range(120):  # a second each, trying as fast as allowed
        tried = 2_000.0 if slow is None else allowed_rate(slow, now) or 2_000.0
        sent.append(min(tried, limit))
        now += 1
        if tried > limit:
            slow = slowed(slow, taken=limit, tried=tried, now=now)
    assert sum(sent) / len(sent) > 0.65 * limit
    assert slow is not None
    assert slow.too_much == 2_000  # it is not let loose on it again


@modest
@given(
    signs=st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 1e5), st.floats(0, 1e5)), min_size=1, max_size=30
    )
)
def test_it_is_never_nothing_and_always_ends(signs: list[tuple[float, float, float]]) -> None:
    now, slow = T0, None
    for passed, taken, refused in signs:
        now += passed
        before = None if slow is None else allowed_rate(slow, now)
        slow = slowed(slow, taken=taken, tried=taken + refused, now=now)
        rate = allowed_rate(slow, now)
        assert rate is not None
        assert SLOWEST <= rate <= max(SLOWEST, taken / 2, before or 0)
    assert slow is not None
    assert allowed_rate(slow, now + 200) is None


# --- evenly spaced ---

FRESH = Turns()


def book(turns: Turns, count: int, *, interval: float = 0.5) -> tuple[Turns, list[float]]:
    waits = []
    for _ in range(count):
        turns, wait = next_turn(turns, interval, T0, urgent=False, again=False)
        waits.append(wait)
    return turns, waits


def test_a_few_leave_at_once_and_the_others_have_turns_at_even_distances() -> None:
    _, waits = book(FRESH, 7)
    assert waits == [0, 0, 0, 1.5, 2.0, 2.5, 3.0]  # LEEWAY_SECONDS are two intervals


def test_who_comes_back_at_its_turn_leaves_and_takes_no_other() -> None:
    turns, waits = book(FRESH, 7)
    for wait in waits[3:]:
        turns, left = next_turn(turns, 0.5, T0 + wait, urgent=False, again=True)
        assert left == 0
    assert turns.booked == T0 + 3.5
    assert turns.left == T0 + 3.5


def test_those_who_all_come_late_are_not_let_out_at_once() -> None:
    turns, waits = book(FRESH, 100)
    late, left = T0 + 3_600, []
    for _ in waits:
        turns, wait = next_turn(turns, 0.5, late, urgent=False, again=True)
        left.append(wait)
    at_once = int(LATE_SECONDS / 0.5) + 1
    assert left[:at_once] == [0] * at_once
    assert min(left[at_once:]) > LATE_SECONDS


def test_a_new_turn_lies_behind_all_that_are_booked() -> None:
    turns, waits = book(FRESH, 100)
    soon = T0 + 5  # the mails of five seconds come at once
    for _ in range(5):
        turns, wait = next_turn(turns, 0.5, soon, urgent=False, again=True)
        assert wait == 0
    turns, wait = next_turn(turns, 0.5, soon, urgent=False, again=True)
    assert soon + wait == T0 + waits[-1] + 0.5


def test_what_is_urgent_does_not_wait_behind_what_is_only_booked() -> None:
    turns, _ = book(FRESH, 10_000)
    assert next_turn(turns, 0.5, T0, urgent=True, again=False)[1] == 0


def test_what_is_urgent_is_limited_too_and_goes_before_the_rest() -> None:
    turns, waits = FRESH, []
    for _ in range(20):
        turns, wait = next_turn(turns, 0.5, T0, urgent=True, again=False)
        waits.append(wait)
    at_once = int(URGENT_SECONDS / 0.5) + 1
    assert waits == [0.0] * at_once + [0.5 * n for n in range(1, 20 - at_once + 1)]
    assert next_turn(turns, 0.5, T0 + waits[-1], urgent=True, again=True) == (turns, 0.0)
    _, bulk = next_turn(turns, 0.5, T0, urgent=False, again=False)
    assert T0 + bulk == turns.left


@modest
@given(
    interval=st.floats(0.01, 100),
    arrivals=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 40)), min_size=1, max_size=15),
    late=st.floats(0, 600),
)
def test_never_more_leave_than_the_limit_and_two_seconds_of_it(
    interval: float, arrivals: list[tuple[float, int]], late: float
) -> None:
    now, turns, waiting, left = T0, FRESH, [], []
    for passed, count in arrivals:
        now += passed
        for _ in range(count):
            turns, wait = next_turn(turns, interval, now, urgent=False, again=False)
            assert wait == 0 or wait > LEEWAY_SECONDS
            (left if wait == 0 else waiting).append(now + wait)
    for at in sorted(waiting):
        now = max(now, at + late)
        turns, wait = next_turn(turns, interval, now, urgent=False, again=True)
        assert wait >= 0
        if wait == 0:
            left.append(now)
    for first in range(len(left)):
        for last in range(first, len(left)):
            most = (left[last] - left[first] + LATE_SECONDS) / interval + 1
            assert last - first + 1 <= most + 1e-6


# --- a few more each day ---

PLAN = WarmUp(start=START, first_day=100, factor=1.5, days=5)


def test_a_warm_up_grows_each_day_and_then_is_over() -> None:
    days = [warm_up_day(PLAN, START + n * DAY) for n in range(6)]
    assert [day and day.limit for day in days] == [100, 150, 225, 337, 506, None]
    assert [day and day.begins_at for day in days[:2]] == [START, START + DAY]


def test_a_day_begins_at_the_time_of_day_of_the_start() -> None:
    early = START + DAY - timedelta(microseconds=1)
    assert warm_up_day(PLAN, early) == WarmUpDay(begins_at=START, limit=100)
    assert WarmUpDay(begins_at=START, limit=100).ends_at == START + DAY


def test_a_day_before_the_start_counts_as_the_first() -> None:
    before = warm_up_day(PLAN, START - timedelta(hours=1))
    assert before == WarmUpDay(begins_at=START - DAY, limit=100)


def test_a_warm_up_without_end_of_growth_has_a_bound() -> None:
    steep = WarmUp(start=START, first_day=100, factor=1e9, days=365)
    day = warm_up_day(steep, START + 364 * DAY)
    assert day is not None
    assert day.limit == MOST_A_DAY


@pytest.mark.parametrize(
    ("first_day", "factor", "days"),
    [(0, 2.0, 5), (100, 0.9, 5), (100, float("nan"), 5), (100, math.inf, 5), (100, 2.0, 0)],
)
def test_a_warm_up_that_never_ends_is_refused(first_day: int, factor: float, days: int) -> None:
    with pytest.raises(ValueError, match="warm-up"):
        WarmUp(start=START, first_day=first_day, factor=factor, days=days)


def test_a_warm_up_needs_instants_with_a_zone() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        WarmUp(start=START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="needs a zone"):
        warm_up_day(PLAN, START.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("mails", "days"), [(0, 1), (100, 1), (101, 2), (250, 2), (475, 3), (476, 4), (10**9, 6)]
)
def test_it_is_known_how_many_days_a_mailing_takes(mails: int, days: int) -> None:
    assert days_taken(PLAN, mails, START) == days


def test_after_a_warm_up_a_mailing_takes_one_day() -> None:
    assert days_taken(PLAN, 10**9, START + 5 * DAY) == 1


@modest
@given(
    hours=st.integers(-1_000, 10_000),
    first_day=st.integers(1, 10_000),
    factor=st.floats(1, 10),
    days=st.integers(1, 365),
)
def test_a_warm_up_never_shrinks(hours: int, first_day: int, factor: float, days: int) -> None:
    plan = WarmUp(start=START, first_day=first_day, factor=factor, days=days)
    now = START + timedelta(hours=hours)
    today, tomorrow = warm_up_day(plan, now), warm_up_day(plan, now + DAY)
    if today is None:
        assert tomorrow is None
    else:
        assert today.begins_at <= now < today.ends_at
        assert first_day <= today.limit <= (MOST_A_DAY if tomorrow is None else tomorrow.limit)
