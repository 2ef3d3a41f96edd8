"""Which processes work on the database, and the leases of those that are gone."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.engine import Store
from mailer.store.lease import requeue_in_doubt
from mailer.store.schema import node, outbox
from mailer.store.statement import upsert

LEASE = timedelta(seconds=60)  # a node whose last heartbeat is older holds nothing any more


async def arrive(connection: AsyncConnection, node_id: str, *, now: datetime) -> None:
    """A node starts."""
    statement = upsert(connection, node).values(id=node_id, started_at=now, heartbeat_at=now)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[node.c.id], set_={"started_at": now, "heartbeat_at": now}
        )
    )


@contextlib.asynccontextmanager
async def sole(store: Store, node_id: str) -> AsyncIterator[bool]:
    """Whether no other process is this node, held for as long as the block runs.

    On PostgreSQL by an advisory lock of a connection of its own; the SQLite file has its own lock.
    """
    if store.sqlite_path is not None:
        yield True
        return
    number = int.from_bytes(hashlib.sha256(node_id.encode()).digest()[:8], "big", signed=True)
    async with store.session() as connection:
        held = await connection.scalar(
            text("SELECT pg_try_advisory_lock(:number)"), {"number": number}
        )
        try:
            yield bool(held)
        finally:
            if held:
                await connection.execute(
                    text("SELECT pg_advisory_unlock(:number)"), {"number": number}
                )


async def beat(connection: AsyncConnection, node_id: str, *, now: datetime) -> None:
    """A node is alive."""
    await connection.execute(update(node).where(node.c.id == node_id).values(heartbeat_at=now))


async def alive(connection: AsyncConnection, *, now: datetime) -> int:
    """How many nodes there are."""
    found = await connection.scalar(
        select(func.count()).select_from(node).where(node.c.heartbeat_at > now - LEASE)
    )
    return found or 0


async def leave(connection: AsyncConnection, node_id: str) -> None:
    """A node ends in order."""
    await connection.execute(delete(node).where(node.c.id == node_id))


async def take_back_lapsed(connection: AsyncConnection, *, now: datetime) -> int:
    """Requeue what nodes had leased that are gone; in doubt, the same Message-ID. How many."""
    alive = select(node.c.id).where(node.c.heartbeat_at > now - LEASE)
    return await requeue_in_doubt(
        connection,
        outbox.c.lease_owner.not_in(alive),
        reason="in doubt: the node that sent it is gone",
        now=now,
    )
