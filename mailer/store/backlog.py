"""How long what is due has been waiting. Only reads; each is a step into the index of the claim."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import Priority, is_queued
from mailer.store.schema import outbox


async def oldest_due(
    connection: AsyncConnection, priorities: tuple[Priority, ...], *, now: datetime
) -> datetime | None:
    """Since when the longest waiting mail of these priorities could have left; None if none is
    due."""
    found = [
        await connection.scalar(
            select(func.min(outbox.c.not_before)).where(
                is_queued(), outbox.c.priority == priority, outbox.c.not_before <= now
            )
        )
        for priority in priorities
    ]
    return min((one for one in found if one is not None), default=None)
