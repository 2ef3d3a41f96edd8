"""The people of one series as a list for organisers: by state, or by a part of address or name.

Only reads. The newest stand first; a page is found by ids alone, and only then are its people read.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.people import State, Subscription, from_row, selection
from mailer.store.schema import subscriber, subscription


async def page(
    connection: AsyncConnection,
    series_id: str,
    *,
    state: State | None,
    part: str,
    first: int,
    limit: int,
) -> tuple[tuple[Subscription, ...], int]:
    """The subscriptions of a series from the ``first`` on, counted from 0, and how many there are.

    ``part`` is looked for anywhere in address and name, whatever its case; empty means everybody.
    """
    where = _where(series_id, state, part)
    total = await connection.scalar(select(func.count()).select_from(subscription).where(*where))
    ids = (
        select(subscription.c.id)
        .where(*where)
        .order_by(subscription.c.id.desc())
        .offset(first)
        .limit(limit)
    )
    found = (row.id for row in (await connection.execute(ids)).all())
    rows = await connection.execute(
        selection().where(subscription.c.id.in_(tuple(found))).order_by(subscription.c.id.desc())
    )
    return tuple(from_row(row) for row in rows), total or 0


def _where(series_id: str, state: State | None, part: str) -> tuple[ColumnElement[bool], ...]:
    where = [subscription.c.series_id == series_id]
    if state is not None:
        where.append(subscription.c.state == state)
    if part:
        matches = or_(
            subscriber.c.address_key.contains(part.casefold(), autoescape=True),
            subscriber.c.name.icontains(part, autoescape=True),
        )
        where.append(subscription.c.subscriber_id.in_(select(subscriber.c.id).where(matches)))
    return tuple(where)
