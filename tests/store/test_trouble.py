"""What keeps nodes from sending, as others see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mailer.store import node, trouble
from mailer.store.engine import Store
from mailer.store.trouble import Trouble
from tests.world import NOON

AWAY = Trouble(since=NOON, phase="connect", code=None, cause="refused", alarm=False)
ALARM = Trouble(since=NOON, phase="auth", code=535, cause="5.7.8 who are you?", alarm=True)


async def have(store: Store, name: str, what: Trouble | None, *, seen: datetime = NOON) -> None:
    await store.write(lambda c: node.arrive(c, name, now=seen))
    await store.write(lambda c: trouble.put(c, name, what))


async def seen(store: Store) -> tuple[Trouble, ...]:
    return await store.read(lambda c: trouble.troubles(c, now=NOON))


async def test_a_trouble_is_seen_as_it_was_told_until_it_is_over(store: Store) -> None:
    assert await seen(store) == ()
    await have(store, "a", ALARM)
    assert await seen(store) == (ALARM,)
    await have(store, "a", replace(ALARM, code=550))
    assert await seen(store) == (replace(ALARM, code=550),)
    await have(store, "a", None)
    await have(store, "a", None)
    assert await seen(store) == ()


async def test_what_needs_a_person_comes_first_then_what_lasts_longest(store: Store) -> None:
    later = replace(ALARM, since=NOON + timedelta(minutes=5))
    await have(store, "a", AWAY)
    await have(store, "b", later)
    await have(store, "c", ALARM)
    assert await seen(store) == (ALARM, later, AWAY)


async def test_a_node_that_is_gone_has_no_trouble(store: Store) -> None:
    await have(store, "silent", ALARM, seen=NOON - node.LEASE)
    await have(store, "ended", ALARM)
    await store.write(lambda c: node.leave(c, "ended"))
    assert await seen(store) == ()
