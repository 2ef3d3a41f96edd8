"""Token bucket and warm-up: bounds that no order of clocks and wishes may break."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.pace import TokenBucket, take, warm_up_limit
from tests.examples import examples

T0 = datetime(2026, 11, 25, 12, tzinfo=UTC)
modest = settings(max_examples=examples(150), deadline=None)


def bucket(*, rate: float = 10, burst: float = 20, tokens: float = 20) -> TokenBucket:
    return TokenBucket(rate_per_second=rate, burst=burst, tokens=tokens, updated_at=T0)


def test_a_full_bucket_grants_its_burst_and_says_when_to_ask_again() -> None:
    granted, after, ask_again_at = take(bucket(), 64, T0)
    assert granted == 20
    assert after == bucket(tokens=0)
    assert ask_again_at == T0 + timedelta(seconds=1, microseconds=1)  # half a bucket


def test_what_is_wanted_and_there_is_granted_without_asking_again() -> None:
    assert take(bucket(), 5, T0) == (5, bucket(tokens=15), None)
    assert take(bucket(tokens=0), 0, T0) == (0, bucket(tokens=0), None)
    assert take(bucket(), -3, T0) == (0, bucket(), None)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    granted, after, _ = take(bucket(tokens=0), 1_000, T0 + timedelta(days=30))
    assert (granted, after.tokens) == (20, 0)


def test_a_rate_of_zero_has_no_limit() -> None:
    unlimited = bucket(rate=0, burst=0, tokens=0)
    assert take(unlimited, 1_000_000, T0) == (1_000_000, unlimited, None)


def test_a_neighbour_whose_clock_is_behind_earns_nothing_twice() -> None:
    _, empty, _ = take(bucket(), 20, T0)
    total = 0
    for step in range(1, 101):  # a clock half a second behind alternates with ours
        late = T0 + timedelta(seconds=1) - timedelta(seconds=(step % 2) / 2)
        granted, empty, _ = take(empty, 1_000, late)
        total += granted
    assert total == 10


def test_a_clock_that_was_set_back_earns_nothing_and_then_goes_on() -> None:
    set_back = T0 - timedelta(days=1)
    granted, after, ask_again_at = take(bucket(tokens=0), 5, set_back)
    assert granted == 0
    assert ask_again_at == set_back + timedelta(microseconds=500_001)
    assert take(after, 5, set_back + timedelta(seconds=1))[0] == 5


def test_buckets_that_could_never_grant_are_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        bucket(rate=-1)
    with pytest.raises(ValueError, match="rate"):
        bucket(rate=float("nan"))
    with pytest.raises(ValueError, match="at least one token"):
        bucket(burst=0.5)
    with pytest.raises(ValueError, match="needs a zone"):
        take(bucket(), 1, T0.replace(tzinfo=None))


asks = st.lists(
    st.tuples(st.floats(-300, 300), st.integers(0, 50)),
    min_size=1,
    max_size=30,
)


@modest
@given(asks=asks, rate=st.floats(0.01, 1_000), burst=st.integers(1, 100))
def test_no_order_of_clocks_grants_more_than_burst_and_time_allow(
    asks: list[tuple[float, int]], rate: float, burst: int
) -> None:
    now, held = T0, bucket(rate=rate, burst=burst, tokens=burst)
    total, forward = 0, 0.0
    for seconds, wanted in asks:
        now += timedelta(seconds=seconds)
        before = held.updated_at
        granted, held, ask_again_at = take(held, wanted, now)
        forward += max(0.0, (held.updated_at - before).total_seconds())
        total += granted
        assert 0 <= granted <= wanted
        assert (ask_again_at is None) == (granted == wanted)
    assert total <= burst + forward * rate + 1e-6


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
    granted, held, ask_again_at = take(bucket(rate=rate, burst=burst, tokens=tokens), wanted, T0)
    if ask_again_at is not None:
        assert ask_again_at > T0
        assert take(held, wanted - granted, ask_again_at)[0] >= 1


def test_a_warm_up_grows_each_day_up_to_its_ceiling() -> None:
    start = date(2026, 11, 1)
    limits = [
        warm_up_limit(start, start + timedelta(days=days), 100, 1.5, 1_000)
        for days in (-5, 0, 1, 2, 5, 6, 100_000)
    ]
    assert limits == [100, 100, 150, 225, 759, 1_000, 1_000]


def test_a_ceiling_below_the_first_day_holds() -> None:
    assert warm_up_limit(date(2026, 1, 1), date(2026, 1, 1), 100, 2.0, 30) == 30


@pytest.mark.parametrize(("first_day", "growth"), [(0, 2.0), (100, 0.9), (100, float("nan"))])
def test_a_warm_up_that_never_ends_is_refused(first_day: int, growth: float) -> None:
    with pytest.raises(ValueError, match="warm-up"):
        warm_up_limit(date(2026, 1, 1), date(2026, 1, 2), first_day, growth, 1_000)


@modest
@given(
    days=st.integers(-1_000, 50_000),
    first_day=st.integers(1, 10_000),
    growth=st.floats(1, 10),
    ceiling=st.integers(1, 10_000_000),
)
def test_a_warm_up_never_shrinks_nor_passes_its_ceiling(
    days: int, first_day: int, growth: float, ceiling: int
) -> None:
    start = date(2026, 1, 1)
    today = start + timedelta(days=days)
    limit = warm_up_limit(start, today, first_day, growth, ceiling)
    tomorrow = warm_up_limit(start, today + timedelta(days=1), first_day, growth, ceiling)
    assert min(first_day, ceiling) <= limit <= tomorrow <= ceiling
