"""Counts subscriptions. Only reads; walks an index."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import subscription


async def by_state(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    """How many there are, by series and state."""
    rows = await connection.execute(
        select(subscription.c.series_id, subscription.c.state, func.count().label("n")).group_by(
            subscription.c.series_id, subscription.c.state
        )
    )
    return {(row.series_id, str(row.state)): row.n for row in rows}
