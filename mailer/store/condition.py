"""Whether the database itself is sound: its integrity, its clock, and who works on it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.node import LEASE
from mailer.store.schema import inbound, node, outbox


async def damage(connection: AsyncConnection) -> str | None:
    """What SQLite finds broken in its file, None if nothing; PostgreSQL keeps its own checksums.

    Reads the whole file: some seconds for a gigabyte.
    """
    if connection.dialect.name != "sqlite":
        return None
    said: str | None = await connection.scalar(text("PRAGMA quick_check(1)"))
    return None if said == "ok" else str(said)


async def server_time(connection: AsyncConnection) -> datetime | None:
    """What time it is for the database server; None on SQLite, which has this machine's clock."""
    if connection.dialect.name == "sqlite":
        return None
    found = await connection.scalar(select(func.clock_timestamp()))
    return found.astimezone(UTC) if isinstance(found, datetime) else None


async def newest_instant(connection: AsyncConnection) -> datetime | None:
    """The latest time at which anything was noted as done, None in a new database."""
    found = [
        await connection.scalar(select(func.max(column)))
        for column in (node.c.heartbeat_at, outbox.c.settled_at, inbound.c.received_at)
    ]
    return max((one for one in found if one is not None), default=None)


async def living(connection: AsyncConnection, *, now: datetime) -> tuple[str, ...]:
    """The nodes whose heartbeat is fresh."""
    rows = await connection.execute(
        select(node.c.id).where(node.c.heartbeat_at > now - LEASE).order_by(node.c.id)
    )
    return tuple(row.id for row in rows)
