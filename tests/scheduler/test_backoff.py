"""Retries as RFC 5321 §4.5.4 wants them (T8)."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.backoff import next_attempt
from scheduler.model import NaiveInstant
from tests.examples import examples

T0 = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def attempt(
    attempts: int = 1,
    *,
    now: datetime = T0,
    expires_at: datetime | None = None,
    retry_after_seconds: float | None = None,
    jitter: float = 0.0,
) -> datetime | None:
    return next_attempt(
        attempts=attempts,
        first_queued_at=T0,
        now=now,
        expires_at=expires_at,
        retry_after_seconds=retry_after_seconds,
        jitter=jitter,
    )


def test_waits_begin_short_and_grow() -> None:
    waits = [attempt(attempts) for attempts in range(10)]
    minutes = [1, 1, 5, 15, 30, 60, 120, 200, 200, 200]
    assert waits == [T0 + each * MINUTE for each in minutes]


def test_jitter_lengthens_a_wait_by_a_fifth_at_most() -> None:
    assert attempt(4, jitter=0.5) == T0 + 33 * MINUTE


def test_what_the_server_asks_for_lengthens_a_wait_within_bounds() -> None:
    assert attempt(retry_after_seconds=300) == T0 + 5 * MINUTE
    assert attempt(retry_after_seconds=3) == T0 + MINUTE
    assert attempt(retry_after_seconds=1e12) == T0 + 240 * MINUTE
    for nonsense in (-5.0, float("nan"), float("-inf")):
        assert attempt(retry_after_seconds=nonsense) == T0 + MINUTE


def test_it_gives_up_after_five_days_or_at_the_deadline() -> None:
    assert attempt(now=T0 + timedelta(days=5) - 2 * MINUTE) == T0 + timedelta(days=5) - MINUTE
    assert attempt(now=T0 + timedelta(days=5) - MINUTE) is None
    assert attempt(expires_at=T0 + MINUTE) is None
    assert attempt(expires_at=T0 + MINUTE + timedelta(microseconds=1)) == T0 + MINUTE
    assert attempt(expires_at=T0 + timedelta(days=90), now=T0 + timedelta(days=6)) is None


def test_arguments_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ValueError, match="jitter"):
        attempt(jitter=1.0)
    with pytest.raises(NaiveInstant):
        attempt(expires_at=datetime(2026, 11, 26))


def test_a_mail_that_is_always_deferred_is_tried_for_almost_five_days() -> None:
    now, tries = T0, 1
    while (at := attempt(tries, now=now, jitter=0.99)) is not None:
        now, tries = at, tries + 1
    assert now > T0 + timedelta(days=4, hours=20)
    assert tries == 35  # the first, six growing waits, 28 of almost four hours


@settings(max_examples=examples(200), deadline=None)
@given(
    attempts=st.integers(-1, 1_000),
    age=st.floats(-1, 6),
    left=st.none() | st.floats(-1, 6),
    retry_after=st.none() | st.floats(),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_an_attempt_is_after_now_before_every_deadline_and_within_four_hours(
    attempts: int, age: float, left: float | None, retry_after: float | None, jitter: float
) -> None:
    now = T0 + timedelta(days=age)
    expires_at = None if left is None else now + timedelta(days=left)
    at = attempt(
        attempts,
        now=now,
        expires_at=expires_at,
        retry_after_seconds=retry_after,
        jitter=jitter,
    )
    if at is None:
        return
    assert now + MINUTE <= at <= now + timedelta(hours=4)
    assert at < T0 + timedelta(days=5)
    assert expires_at is None or at < expires_at
    assert attempts < 4 or at - now >= 30 * MINUTE
