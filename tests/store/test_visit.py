"""Links to sign in and visits: used once, ended in time, known by a hash."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from mailer.store import visit
from mailer.store.engine import Store
from mailer.store.visit import IDLE_FOR, LASTS_FOR, LINK_FOR

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
ADA = "ada@example.org"
DIGEST = b"\x01" * 32


async def test_of_many_who_use_a_link_at_once_one_gets_in(store: Store) -> None:
    link = await store.write(lambda c: visit.offer(c, ADA, now=NOW))
    found = await asyncio.gather(
        *(store.write(lambda c: visit.use(c, link, now=NOW)) for _ in range(8))
    )
    assert sorted(found, key=str) == [None] * 7 + [ADA]


@pytest.mark.parametrize(("after", "whose"), [(LINK_FOR - timedelta(seconds=1), ADA),
    (LINK_FOR, None)])  # fmt: skip
async def test_a_link_ends_to_the_second(store: Store, after: timedelta, whose: str | None) -> None:
    link = await store.write(lambda c: visit.offer(c, ADA, now=NOW))
    assert await store.read(lambda c: visit.offered(c, link, now=NOW + after)) == whose
    assert await store.write(lambda c: visit.use(c, link, now=NOW + after)) == whose


async def test_a_visit_is_found_by_its_hash_alone(store: Store) -> None:
    await begin(store)
    found = await store.read(lambda c: visit.find(c, DIGEST, now=NOW))
    assert found is not None
    assert (found.organiser, found.language, found.began_at) == (ADA, "fr", NOW)
    assert await store.read(lambda c: visit.find(c, DIGEST[:-1] + b"x", now=NOW)) is None


async def begin(store: Store) -> None:
    """Ada signs in."""
    await store.write(lambda c: visit.begin(c, DIGEST, organiser=ADA, language="fr", now=NOW))


async def test_a_visit_ends_when_idle_and_when_old(store: Store) -> None:
    await begin(store)
    second = timedelta(seconds=1)

    async def there(after: timedelta) -> bool:
        return await store.read(lambda c: visit.find(c, DIGEST, now=NOW + after)) is not None

    assert [await there(IDLE_FOR - second), await there(IDLE_FOR)] == [True, False]
    seen = NOW + LASTS_FOR - second
    found = await store.read(lambda c: visit.find(c, DIGEST, now=NOW))
    assert found is not None
    await store.write(lambda c: visit.seen(c, found.id, now=seen))
    assert [await there(LASTS_FOR - second), await there(LASTS_FOR)] == [True, False]


async def test_a_sweep_takes_what_has_ended_and_nothing_else(store: Store) -> None:
    await begin(store)
    link = await store.write(lambda c: visit.offer(c, ADA, now=NOW))
    await store.write(lambda c: visit.sweep(c, now=NOW + timedelta(minutes=1)))
    assert await store.read(lambda c: visit.offered(c, link, now=NOW)) == ADA
    await store.write(lambda c: visit.sweep(c, now=NOW + LINK_FOR))
    assert await store.read(lambda c: visit.offered(c, link, now=NOW)) is None
    assert await store.read(lambda c: visit.find(c, DIGEST, now=NOW)) is not None
    await store.write(lambda c: visit.sweep(c, now=NOW + IDLE_FOR))
    assert await store.read(lambda c: visit.find(c, DIGEST, now=NOW)) is None
