"""A day's mails, counted for all nodes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mailer.store import pace, quota
from mailer.store.engine import Store
from tests.world import NOON

DAY = timedelta(days=1)


async def taken(store: Store, wanted: int, *, limit: int = 100, day: int = 0) -> int:
    at = NOON + day * DAY
    return await store.write(lambda c: pace.take(c, day=at, wanted=wanted, limit=limit))


async def counted(store: Store, day: int = 0) -> int:
    return await store.read(lambda c: pace.counted(c, day=NOON + day * DAY))


async def test_a_day_gives_what_it_has_and_no_more(store: Store) -> None:
    assert await counted(store) == 0
    assert [await taken(store, 60) for _ in range(3)] == [60, 40, 0]
    assert await counted(store) == 100


async def test_each_day_counts_by_itself(store: Store) -> None:
    await taken(store, 100)
    assert await taken(store, 100, limit=150, day=1) == 100
    assert (await counted(store), await counted(store, 1)) == (100, 100)


async def test_what_was_given_back_can_be_taken_again(store: Store) -> None:
    await taken(store, 100)
    await store.write(lambda c: pace.give_back(c, day=NOON, unused=30))
    assert await taken(store, 100) == 30


async def test_a_limit_that_became_smaller_takes_nothing_back(store: Store) -> None:
    await taken(store, 100)
    assert await taken(store, 10, limit=50) == 0
    assert await counted(store) == 100


async def test_nodes_that_take_at_once_get_no_more_than_there_is(store: Store) -> None:
    assert sum(await asyncio.gather(*(taken(store, 30) for _ in range(8)))) == 100
    assert await counted(store) == 100


async def test_a_day_that_goes_on_is_not_swept(store: Store) -> None:
    await taken(store, 100)
    await store.write(lambda c: quota.sweep(c, before=NOON - DAY))
    assert await counted(store) == 100
    await store.write(lambda c: quota.sweep(c, before=NOON + DAY))
    assert await counted(store) == 0
