"""A warm-up's days, counted in the database."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from mailer.dispatch.warming import AGAIN_SECONDS, AT_FIRST, Warming
from mailer.store.engine import Connection, Store
from scheduler.clock import VirtualClock
from scheduler.pace import WarmUp
from tests.dispatch.ticking import Fickle, actions
from tests.world import NOON

T = TypeVar("T")
PLAN = WarmUp(start=NOON, first_day=100, factor=1.5, days=3)
DAY = timedelta(days=1)


def node(clock: VirtualClock) -> Warming:
    return Warming(PLAN, clock)


async def sent(warming: Warming, store: Store, *, seconds: int, batch: int = 40) -> int:
    """How many leave in so many seconds, with one refresh in each."""
    count = 0
    for _ in range(seconds):
        while granted := warming.grant(batch)[0]:
            count += granted
        await warming.refresh(store)
    return count


async def test_a_day_has_its_mails_and_then_the_others_wait_for_the_next(store: Store) -> None:
    clock = VirtualClock(NOON + timedelta(hours=1))
    warming = node(clock)
    assert warming.grant(40) == (0, AGAIN_SECONDS)
    assert await sent(warming, store, seconds=10) == 100
    assert warming.grant(40) == (0, 23 * 3_600.0)
    clock.advance_to(NOON + DAY)
    assert warming.grant(40) == (0, AGAIN_SECONDS)
    assert await sent(warming, store, seconds=10) == 150


async def test_after_the_last_day_there_is_no_limit(store: Store) -> None:
    clock = VirtualClock(NOON + 3 * DAY)
    warming = node(clock)
    await warming.refresh(store)
    assert warming.grant(100_000) == (100_000, 0.0)


async def test_what_it_takes_grows_with_what_it_sends(store: Store) -> None:
    warming = node(VirtualClock(NOON))
    granted = []
    for _ in range(5):
        granted.append(warming.grant(1_000)[0])
        await warming.refresh(store)
    assert granted == [0, AT_FIRST, 2 * AT_FIRST, 100 - 3 * AT_FIRST, 0]


async def test_a_restart_begins_no_new_day(store: Store) -> None:
    clock = VirtualClock(NOON)
    before = node(clock)
    count = await sent(before, store, seconds=3)
    await before.release(store)
    assert 0 < count < 100
    assert await sent(node(clock), store, seconds=10) == 100 - count


async def test_several_nodes_never_send_more_than_the_day_has(store: Store) -> None:
    clock = VirtualClock(NOON)
    nodes = [node(clock) for _ in range(3)]
    count = 0
    for _ in range(10):
        for one in nodes:
            count += await sent(one, store, seconds=1)
    assert count == 100


async def test_what_was_not_needed_leaves_later(store: Store) -> None:
    warming = node(VirtualClock(NOON))
    count = 0
    for _ in range(100):  # an idle lane asks, and gives back
        granted, _ = warming.grant(500)
        warming.give_back(granted)
        await warming.refresh(store)
    other = node(VirtualClock(NOON))
    count += await sent(other, store, seconds=10)
    assert count == 100 - AT_FIRST  # no more than that is put by
    await warming.release(store)
    assert await sent(other, store, seconds=10) == AT_FIRST


async def test_what_is_given_back_on_the_next_day_is_no_part_of_it(store: Store) -> None:
    clock = VirtualClock(NOON)
    warming = node(clock)
    warming.grant(1)
    await warming.refresh(store)
    assert warming.grant(AT_FIRST)[0] == AT_FIRST
    clock.advance_to(NOON + DAY)
    warming.grant(1)
    warming.give_back(AT_FIRST)
    assert await sent(warming, store, seconds=10) == 150


async def test_what_was_taken_of_a_day_that_ended_meanwhile_is_no_part_of_the_next(
    store: Store,
) -> None:
    clock = VirtualClock(NOON)
    warming = node(clock)

    class Slow(Fickle):
        async def write(self, unit: Callable[[Connection], Awaitable[T]]) -> T:
            result = await super().write(unit)
            clock.advance_to(NOON + DAY)
            warming.grant(1)
            return result

    warming.grant(1)
    await warming.refresh(Slow.over(store))
    assert warming.grant(1) == (0, AGAIN_SECONDS)
    assert await sent(warming, store, seconds=10) == 150


async def test_the_end_of_a_day_is_told_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mailer")
    await sent(node(VirtualClock(NOON)), store, seconds=20)
    assert actions(caplog.records) == [("INFO", "pace.day_spent")]


async def test_without_the_database_nothing_leaves_that_is_not_counted(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    fickle, warming = Fickle.over(store), node(VirtualClock(NOON))
    warming.grant(10)
    fickle.away = True
    await warming.refresh(fickle)
    assert warming.grant(10) == (0, AGAIN_SECONDS)
    fickle.away = False
    await warming.refresh(fickle)
    assert warming.grant(10) == (10, 0.0)
    fickle.away = True
    await warming.release(fickle)
    assert actions(caplog.records) == [("WARNING", "pace.unreleased")]


async def test_while_the_next_day_is_awaited_nothing_is_written(store: Store) -> None:
    fickle, warming = Fickle.over(store), node(VirtualClock(NOON))
    await sent(warming, fickle, seconds=10)
    writes = fickle.writes
    await sent(warming, fickle, seconds=10)
    assert fickle.writes == writes
