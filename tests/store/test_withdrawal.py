"""What closes rows that must not go out any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import announcement, halt, withdrawal
from mailer.store.engine import Connection
from mailer.store.schema import webinar
from mailer.store.webinar import WebinarRecord
from scheduler.model import Status
from tests.store.rows import claim, envelope, ledger, queue, states
from tests.world import NOON, scheduled, subscribed

WALL = datetime(2026, 10, 12, 13, 0)  # noqa: DTZ001 - wall clock
LONG_QUEUED = 5


async def test_deadlines_end_what_waits_slice_by_slice(parts: Parts) -> None:
    await queue(
        parts,
        *(envelope(expires_at=NOON) for _ in range(3)),
        envelope(expires_at=NOON + timedelta(seconds=1)),
        envelope(),
    )
    ended = [
        await parts.store.write(lambda c: withdrawal.expire(c, now=NOON, limit=2)) for _ in range(3)
    ]
    assert ended == [2, 1, 0]
    assert await states(parts) == [("expired", "too late")] * 3 + [("queued", "")] * 2


async def announced(parts: Parts) -> WebinarRecord:
    """A webinar with a queued announcement for each of a few readers."""
    for number in range(LONG_QUEUED):
        address = f"reader{number}@example.net"
        await subscribed(parts, Address(key=address, mailbox=address))
    record = await scheduled(parts, WALL)
    await parts.planner.tick()
    assert await states(parts) == [("queued", "")] * LONG_QUEUED
    return record


async def changed(parts: Parts, record: WebinarRecord, *, limit: int) -> int:
    """Cancel a webinar where so many rows fit into the transaction of a change."""

    async def unit(connection: Connection) -> int:
        await connection.execute(
            update(webinar)
            .where(webinar.c.id == record.id)
            .values(sequence=record.sequence + 1, status=Status.CANCELLED)
        )
        return await withdrawal.cancel_outdated(connection, [record.id], now=NOON, limit=limit)

    return await parts.store.write(unit)


async def test_a_change_cancels_what_is_queued_of_the_old_facts(
    parts: Parts,
) -> None:
    assert await changed(parts, await announced(parts), limit=LONG_QUEUED + 1) == LONG_QUEUED
    assert await states(parts) == [("cancelled", withdrawal.CHANGED)] * LONG_QUEUED
    assert await parts.store.read(halt.lagging) == ()


async def test_a_long_queue_is_cancelled_in_slices_and_none_of_it_goes_out_meanwhile(
    parts: Parts,
) -> None:
    await changed(parts, await announced(parts), limit=2)
    assert await states(parts) == [("queued", "")] * LONG_QUEUED
    assert await parts.store.read(halt.lagging) == (1,)
    after: int | None = 0
    slices = 0
    while after is not None:
        begins = after
        after = await parts.store.write(
            lambda c, begins=begins: halt.follow(c, 1, after=begins, limit=1, now=NOON)
        )
        slices += 1
    assert slices >= 3
    assert await states(parts) == [("cancelled", withdrawal.CHANGED)] * LONG_QUEUED
    assert await parts.store.read(halt.lagging) == ()


async def test_the_claim_lets_nothing_go_that_waits_to_be_cancelled(
    parts: Parts,
) -> None:
    await changed(parts, await announced(parts), limit=2)
    assert await claim(parts) == []


async def test_the_planner_does_what_a_change_left(
    parts: Parts,
) -> None:
    await changed(parts, await announced(parts), limit=2)
    await parts.planner.tick()
    of_it = [row for row in await ledger(parts) if row["announcement_id"] == 1]
    assert {row["state"] for row in of_it} == {"cancelled"}


async def test_what_is_paused_and_outdated_is_cancelled_and_not_parked(
    parts: Parts,
) -> None:
    record = await announced(parts)
    await parts.store.write(lambda c: halt.pause(c, 1))
    await changed(parts, record, limit=2)
    await parts.planner.tick()
    assert set(await states(parts)) == {("cancelled", withdrawal.CHANGED)}
    item = await parts.store.read(lambda c: announcement.by_id(c, 1))
    assert item is not None
    assert item.state is announcement.State.PAUSED
