"""How many bulk mails of a day of the warm-up may still leave, shared by all nodes.

Counted beside the automatic answers, in the slice in which the day begins.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.quota import slice_of
from mailer.store.schema import answer_count
from mailer.store.statement import upsert

_SCOPE = "warm-up"


async def counted(connection: AsyncConnection, *, day: datetime) -> int:
    """How many mails were taken of the day that began then."""
    found = await connection.scalar(select(answer_count.c.n).where(_of(day)))
    return found or 0


async def take(connection: AsyncConnection, *, day: datetime, wanted: int, limit: int) -> int:
    """Take up to ``wanted`` mails of a day that has ``limit``; how many there were."""
    first = upsert(connection, answer_count).values(scope=_SCOPE, slice=slice_of(day), n=0)
    await connection.execute(first.on_conflict_do_nothing())
    before = await connection.scalar(
        select(answer_count.c.n).where(_of(day)).with_for_update()  # another node may take too
    )
    taken = max(0, min(wanted, limit - (before or 0)))
    await connection.execute(
        update(answer_count).where(_of(day)).values(n=answer_count.c.n + taken)
    )
    return taken


async def give_back(connection: AsyncConnection, *, day: datetime, unused: int) -> None:
    """So many that were taken of a day did not leave."""
    await connection.execute(
        update(answer_count).where(_of(day)).values(n=answer_count.c.n - unused)
    )


def _of(day: datetime) -> ColumnElement[bool]:
    return and_(answer_count.c.scope == _SCOPE, answer_count.c.slice == slice_of(day))
