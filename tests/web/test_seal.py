"""Tokens of forms: for one purpose, for a day and the rest of an hour, of our making."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.web.seal import HOUR_SECONDS, VALID_SECONDS, Seal
from scheduler.clock import VirtualClock
from tests.world import NOON


def test_a_seal_is_for_its_purpose_and_for_a_day() -> None:
    clock = VirtualClock(NOON)
    seal = Seal(b"secret", clock)
    made = seal.make("confirm abc")
    assert seal.holds("confirm abc", made)
    assert not seal.holds("confirm abd", made)
    clock.advance_to(NOON + timedelta(seconds=VALID_SECONDS + HOUR_SECONDS - 1))
    assert seal.holds("confirm abc", made)
    clock.advance_to(NOON + timedelta(seconds=VALID_SECONDS + HOUR_SECONDS))
    assert not seal.holds("confirm abc", made)


def test_another_secret_makes_another_seal() -> None:
    clock = VirtualClock(NOON)
    assert not Seal(b"other", clock).holds("x", Seal(b"secret", clock).make("x"))


def test_a_seal_tells_nothing_of_its_purpose() -> None:
    assert "abc" not in Seal(b"secret", VirtualClock(NOON)).make("confirm abc")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "é.ü", "\0", "x" * 10_000, "\ud800"])
def test_anything_else_is_no_seal(token: str) -> None:
    assert not Seal(b"secret", VirtualClock(NOON)).holds("x", token)


def test_a_seal_from_a_clock_that_ran_ahead_is_not_taken() -> None:
    ahead = Seal(b"secret", VirtualClock(NOON + timedelta(days=2)))
    assert not Seal(b"secret", VirtualClock(NOON)).holds("x", ahead.make("x"))


def test_a_seal_is_the_same_until_the_hour_is_over_and_good_for_a_day_then() -> None:
    clock = VirtualClock(NOON)
    seal = Seal(b"secret", clock)
    made, until = seal.make("x"), seal.until()
    assert until == NOON + timedelta(hours=1)
    clock.advance_to(until - timedelta(milliseconds=1))
    assert (seal.make("x"), seal.until()) == (made, until)
    clock.advance_to(until)
    assert (seal.make("x") == made, seal.until()) == (False, NOON + timedelta(hours=2))
    clock.advance_to(until + timedelta(seconds=VALID_SECONDS) - timedelta(milliseconds=1))
    assert seal.holds("x", made)
