"""Erases settled rows of the ledger that are old, with what belongs to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import State
from mailer.store.schema import bounce, mention, outbox, skeleton

_LOOKED_AT = 10  # times the limit: how many of the oldest rows a sweep reads


async def sweep(connection: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Erase up to ``limit`` of the oldest rows that were settled before an instant, with what came
    back of them and the copies they were the last of. Returns how many; fewer than the limit means
    that there are no more. What is younger than the oldest rows is not even read.
    """
    oldest = select(outbox.c.id).order_by(outbox.c.id).limit(limit * _LOOKED_AT)
    found = await connection.execute(
        select(outbox.c.id, outbox.c.announcement_id)
        .where(
            outbox.c.id.in_(oldest),
            outbox.c.state.not_in((State.QUEUED, State.SENDING)),
            func.coalesce(outbox.c.settled_at, outbox.c.queued_at) < before,
        )
        .order_by(outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = found.all()
    if not rows:
        return 0
    ids = [row.id for row in rows]
    await connection.execute(delete(bounce).where(bounce.c.outbox_id.in_(ids)))
    await connection.execute(delete(mention).where(mention.c.outbox_id.in_(ids)))
    await connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))
    await connection.execute(
        delete(skeleton).where(
            skeleton.c.announcement_id.in_({row.announcement_id for row in rows} - {None}),
            ~select(outbox.c.id)
            .where(outbox.c.announcement_id == skeleton.c.announcement_id)
            .exists(),
        )
    )
    return len(rows)
