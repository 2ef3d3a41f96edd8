"""What the ledger forgets: settled rows, what came back of them, and copies nobody needs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Table, insert, select, update

from mailer.parts import Parts
from mailer.store import retention
from mailer.store.outbox import State
from mailer.store.schema import announcement, bounce, skeleton
from mailer.store.schema import outbox as table
from tests.store.rows import envelope, queue
from tests.world import NOON, SERIES

LATER = NOON + timedelta(days=730)
SETTLED = [one for one in State if one not in (State.QUEUED, State.SENDING)]


async def sweep(parts: Parts, limit: int = 100) -> int:
    return await parts.store.write(lambda c: retention.sweep(c, before=LATER, limit=limit))


async def put(parts: Parts, into: Table, **values: object) -> None:
    await parts.store.write(lambda c: c.execute(insert(into).values(**values)))


async def settle(parts: Parts, state: State, *ids: int, at=NOON) -> None:  # type: ignore[no-untyped-def]
    change = update(table).where(table.c.id.in_(ids)).values(state=state, settled_at=at)
    await parts.store.write(lambda c: c.execute(change))


async def ids(parts: Parts, of: Table = table) -> list[int]:
    found = await parts.store.read(lambda c: c.execute(select(of.c.id).order_by(of.c.id)))
    return [row.id for row in found]


async def plan(parts: Parts, key: str) -> None:
    """An announcement with the copy of one group."""
    await put(
        parts,
        announcement,
        key=key,
        series_id=SERIES.id,
        notice_id="n",
        kind="announcement",
        audience="subscribed",
        sequence=0,
        due_at=NOON,
        released_at=NOON,
        expires_at=NOON,
        state="done",
        created_at=NOON,
    )
    (found,) = (await ids(parts, announcement))[-1:]
    await put(
        parts,
        skeleton,
        announcement_id=found,
        language="en",
        zone="UTC",
        registered=False,
        told_sequence=-1,
        digest="d",
        content="c",
        made_at=NOON,
    )


@pytest.mark.parametrize("state", SETTLED)
async def test_a_row_that_was_settled_long_ago_goes(parts: Parts, state: State) -> None:
    await queue(parts, envelope(), envelope())
    await settle(parts, state, 1)
    await settle(parts, state, 2, at=LATER)
    assert (await sweep(parts), await ids(parts)) == (1, [2])


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING])
async def test_what_is_not_settled_stays_however_old(parts: Parts, state: State) -> None:
    await queue(parts, envelope())
    await settle(parts, state, 1)  # a deferred row has the time of its last try
    assert (await sweep(parts), await ids(parts)) == (0, [1])


async def test_a_slice_takes_the_oldest_and_no_more_than_its_limit(parts: Parts) -> None:
    await queue(parts, *[envelope() for _ in range(5)])
    await settle(parts, State.SENT, 2, 3, 4, 5)
    assert [await sweep(parts, 3), await ids(parts)] == [3, [1, 5]]
    assert [await sweep(parts, 3), await sweep(parts, 3), await ids(parts)] == [1, 0, [1]]


async def test_what_came_back_goes_with_its_mail(parts: Parts) -> None:
    await queue(parts, envelope(), envelope())
    await settle(parts, State.SENT, 1)
    await settle(parts, State.SENT, 2, at=LATER)
    for number in (1, 2):
        values = {"outbox_id": number, "at": NOON, "class": "hard", "source": "report"}
        await put(parts, bounce, **values, judged=True)
    assert await sweep(parts) == 1
    assert await ids(parts, bounce) == [2]


async def test_a_copy_goes_with_the_last_row_that_was_made_of_it(parts: Parts) -> None:
    await plan(parts, "gone")
    await plan(parts, "kept")
    await plan(parts, "drawn, with no row yet")
    for number, place in ((1, 1), (2, 1), (3, 2), (4, 2)):
        await queue(parts, envelope(announcement_id=place, subscription_id=number))
    await settle(parts, State.SENT, 1, 2, 3)
    assert [await sweep(parts, 1), await ids(parts, skeleton)] == [1, [1, 2, 3]]
    assert [await sweep(parts), await ids(parts)] == [2, [4]]
    assert await ids(parts, skeleton) == [2, 3]
    assert await ids(parts, announcement) == [1, 2, 3]
