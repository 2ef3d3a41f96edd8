"""What is done once and never again, whoever comes first: one row for each, under a key that names
it. Only the transaction that does it may note it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import errand
from mailer.store.statement import upsert


async def begin(connection: AsyncConnection, key: str, *, now: datetime) -> bool:
    """Whether this is for the caller to do: nobody has done it, and nobody else will."""
    statement = upsert(connection, errand).values(key=key, at=now).on_conflict_do_nothing()
    made = await connection.scalar(statement.returning(errand.c.key))
    return made is not None


async def done(connection: AsyncConnection, keys: Collection[str]) -> frozenset[str]:
    """Which of these are done."""
    rows = await connection.execute(select(errand.c.key).where(errand.c.key.in_(keys)))
    return frozenset(row.key for row in rows)


async def any_done(connection: AsyncConnection, prefix: str) -> bool:
    """Whether anything is done whose key begins like this."""
    found = await connection.scalar(
        select(errand.c.key).where(errand.c.key.startswith(prefix, autoescape=True)).limit(1)
    )
    return found is not None


async def sweep(connection: AsyncConnection, *, before: datetime) -> None:
    """Forget what was done long ago; nothing as old is due any more."""
    await connection.execute(delete(errand).where(errand.c.at < before))
