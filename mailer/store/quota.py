"""How many automatic answers may still go out: per address, per domain, overall.

Counts stand in the database so that several nodes share them. A limit's span is cut into slices;
the sum over the slices that touch the span is never less than the true count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import answer_count
from mailer.store.statement import upsert

_SLICE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most ``limit`` answers for ``scope`` in any ``span``; 0 is no limit."""

    scope: str
    limit: int
    span: timedelta


async def take(connection: AsyncConnection, quotas: Sequence[Quota], now: datetime) -> str | None:
    """Count one answer against every quota; the scope that is exhausted, or None if all allow it.

    An answer that is refused counts nowhere.
    """
    current = int(now.timestamp()) // _SLICE_SECONDS
    limited = [quota for quota in quotas if quota.limit > 0]
    for quota in limited:
        first = int((now - quota.span).timestamp()) // _SLICE_SECONDS
        used = await connection.scalar(
            select(func.coalesce(func.sum(answer_count.c.n), 0)).where(
                answer_count.c.scope == quota.scope, answer_count.c.slice >= first
            )
        )
        if int(used or 0) >= quota.limit:
            return quota.scope
    if limited:
        statement = upsert(connection, answer_count)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[answer_count.c.scope, answer_count.c.slice],
                set_={"n": answer_count.c.n + 1},
            ),
            [{"scope": quota.scope, "slice": current, "n": 1} for quota in limited],
        )
    return None


async def sweep(connection: AsyncConnection, before: datetime) -> None:
    """Forget counts older than any span."""
    await connection.execute(
        delete(answer_count).where(answer_count.c.slice < int(before.timestamp()) // _SLICE_SECONDS)
    )
