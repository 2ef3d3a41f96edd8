"""Places in a webinar: who has one, who waits for one, who moves up.

A place counts while its holder is subscribed. Whoever gives out places holds the webinar's row
until the transaction ends, so that two at once never give out the same one. Those who wait are in
the order in which they asked.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import people
from mailer.store.people import Subscription
from mailer.store.registration import State
from mailer.store.schema import registration, subscription, webinar
from mailer.store.statement import upsert
from scheduler.model import Status


async def hold(connection: AsyncConnection, webinar_id: int) -> int:
    """How many places there are, 0 for no bound; nobody else gives any out until the end of the
    transaction. On SQLite there is one writer anyway."""
    found = await connection.scalar(
        select(webinar.c.capacity).where(webinar.c.id == webinar_id).with_for_update()
    )
    return found or 0


async def ask(
    connection: AsyncConnection, subscriber_id: int, webinar_id: int, *, now: datetime
) -> None:
    """Put a person at the end of those who wait; who waits or has a place already stays there."""
    statement = upsert(connection, registration).values(
        subscriber_id=subscriber_id, webinar_id=webinar_id, state=State.WAITING, at=now
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[registration.c.webinar_id, registration.c.subscriber_id],
            set_={"state": State.WAITING, "at": now},
            where=registration.c.state == State.DECLINED,
        )
    )


async def fill(
    connection: AsyncConnection,
    webinar_id: int,
    capacity: int,
    *,
    limit: int,
    alone: int | None = None,
) -> tuple[Subscription, ...]:
    """Give the free places, at most ``limit`` of them, to who waits longest, or to one person
    ``alone``; who got one. The caller holds the webinar."""
    free = limit
    if capacity:
        taken = await connection.scalar(_count(webinar_id, State.REGISTERED)) or 0
        free = max(0, min(limit, capacity - taken))
    waiting = (
        people.selection()
        .join(registration, registration.c.subscriber_id == subscription.c.subscriber_id)
        .join(webinar, webinar.c.id == registration.c.webinar_id)
        .where(
            registration.c.webinar_id == webinar_id,
            registration.c.state == State.WAITING,
            _is_theirs(),
            true() if alone is None else registration.c.subscriber_id == alone,
        )
        .order_by(registration.c.at, registration.c.id)
        .limit(free)
    )
    moved = tuple(people.from_row(row) for row in await connection.execute(waiting))
    if moved:
        await connection.execute(
            update(registration)
            .where(
                registration.c.webinar_id == webinar_id,
                registration.c.subscriber_id.in_([one.subscriber_id for one in moved]),
            )
            .values(state=State.REGISTERED)
        )
    return moved


async def ahead(connection: AsyncConnection, subscriber_id: int, webinar_id: int) -> int:
    """How many wait longer than this person."""
    own = select(registration.c.at, registration.c.id).where(
        registration.c.webinar_id == webinar_id, registration.c.subscriber_id == subscriber_id
    )
    row = (await connection.execute(own)).one()
    earlier = or_(
        registration.c.at < row.at, and_(registration.c.at == row.at, registration.c.id < row.id)
    )
    counted = _count(webinar_id, State.WAITING).where(earlier)
    return await connection.scalar(counted) or 0


async def give_up(
    connection: AsyncConnection, subscriber_id: int, series_id: str, *, now: datetime
) -> None:
    """Who leaves a series frees their places where there are only so many. They keep their turn: if
    they come back, they are the first to get one that is free."""
    scarce = select(webinar.c.id).where(
        webinar.c.series_id == series_id, webinar.c.capacity > 0, webinar.c.ends_at > now
    )
    await connection.execute(
        update(registration)
        .where(
            registration.c.subscriber_id == subscriber_id,
            registration.c.state == State.REGISTERED,
            registration.c.webinar_id.in_(scarce),
        )
        .values(state=State.WAITING)
    )


async def to_fill(connection: AsyncConnection, *, now: datetime) -> tuple[int, ...]:
    """The coming webinars with a free place for which somebody waits."""
    open_ = and_(webinar.c.status == Status.SCHEDULED, webinar.c.starts_at > now)
    held = registration.c.state.in_((State.WAITING, State.REGISTERED))
    taken = func.count().filter(registration.c.state == State.REGISTERED)
    waiting = func.count().filter(registration.c.state == State.WAITING)
    rows = await connection.execute(
        select(webinar.c.id)
        .join(registration, registration.c.webinar_id == webinar.c.id)
        .join(subscription, _is_theirs())
        .where(open_, held)
        .group_by(webinar.c.id, webinar.c.capacity)
        .having(and_(waiting > 0, or_(webinar.c.capacity == 0, taken < webinar.c.capacity)))
        .order_by(webinar.c.id)
    )
    return tuple(row.id for row in rows)


def _count(webinar_id: int, state: State) -> Select[int]:
    """How many subscribed people of a webinar are in this state."""
    return (
        select(func.count())
        .select_from(registration)
        .join(webinar, webinar.c.id == registration.c.webinar_id)
        .join(subscription, _is_theirs())
        .where(registration.c.webinar_id == webinar_id, registration.c.state == state)
    )


def _is_theirs() -> ColumnElement[bool]:
    """Whether a subscription is that of the registered person, and still holds."""
    return and_(
        subscription.c.subscriber_id == registration.c.subscriber_id,
        subscription.c.series_id == webinar.c.series_id,
        subscription.c.state == people.State.ACTIVE,
    )
