"""What came in: one row per mail and recipient, with the key that makes a second copy harmless."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import blob, inbound, outbox
from mailer.store.statement import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A mail for one of our addresses, before anything was done with it."""

    dedupe_key: bytes
    source: str
    series_id: str | None
    recipient: str
    author_key: str
    message_id: str
    size: int
    command: str


def dedupe_key(digest: bytes, recipient: str) -> bytes:
    """The same content for the same address of ours is one mail, by however many ways it came."""
    return hashlib.sha256(digest + b"\0" + recipient.lower().encode()).digest()


async def enter(connection: AsyncConnection, arrival: Arrival, now: datetime) -> int | None:
    """Write the row; its id, or None if this mail was here before."""
    statement = upsert(connection, inbound).values(
        dedupe_key=arrival.dedupe_key,
        received_at=now,
        source=arrival.source,
        series_id=arrival.series_id,
        recipient=arrival.recipient,
        author_key=arrival.author_key,
        message_id=arrival.message_id,
        size=arrival.size,
        command=arrival.command,
        outcome="",
    )
    entered = await connection.scalar(
        statement.on_conflict_do_nothing(index_elements=[inbound.c.dedupe_key]).returning(
            inbound.c.id
        )
    )
    return None if entered is None else int(entered)


async def conclude(
    connection: AsyncConnection,
    entry_id: int,
    *,
    outcome: str,
    subscription_id: int | None = None,
    blob_id: int | None = None,
) -> None:
    """Note what became of a mail."""
    await connection.execute(
        update(inbound)
        .where(inbound.c.id == entry_id)
        .values(outcome=outcome, subscription_id=subscription_id, blob_id=blob_id)
    )


async def keep(connection: AsyncConnection, content: bytes, *, until: datetime) -> int:
    """Keep a mail's bytes for a while; the id of the blob."""
    made = await connection.execute(
        insert(blob).values(content=content, keep_until=until).returning(blob.c.id)
    )
    return int(made.scalar_one())


async def content(connection: AsyncConnection, blob_id: int) -> bytes | None:
    """The bytes kept under an id, None once they have expired."""
    found: bytes | None = await connection.scalar(
        select(blob.c.content).where(blob.c.id == blob_id)
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    received_at: datetime
    source: str
    recipient: str
    command: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    received_at: datetime
    source: str
    content: bytes


async def arrived(connection: AsyncConnection, author_key: str, message_id: str) -> Arrived | None:
    """A mail that came in and of which something was kept; None as long as there is none."""
    rows = await connection.execute(
        select(inbound.c.received_at, inbound.c.source, blob.c.content)
        .join(blob, blob.c.id == inbound.c.blob_id)
        .where(inbound.c.author_key == author_key, inbound.c.message_id == message_id)
        .order_by(inbound.c.id)
        .limit(1)
    )
    row = rows.first()
    if row is None:
        return None
    return Arrived(received_at=row.received_at, source=row.source, content=bytes(row.content))


async def of_author(
    connection: AsyncConnection, author_key: str, *, limit: int
) -> tuple[Entry, ...]:
    """The last mails that came from an address, newest first."""
    rows = await connection.execute(
        select(inbound)
        .where(inbound.c.author_key == author_key)
        .order_by(inbound.c.id.desc())
        .limit(limit)
    )
    return tuple(
        Entry(
            received_at=row.received_at,
            source=row.source,
            recipient=row.recipient,
            command=row.command,
            outcome=row.outcome,
        )
        for row in rows
    )


async def sweep(connection: AsyncConnection, *, before: datetime, now: datetime) -> int:
    """Erase rows older than ``before`` and blobs whose time is over; how many rows went."""
    erased = await connection.execute(delete(inbound).where(inbound.c.received_at < before))
    stale = select(blob.c.id).where(blob.c.keep_until < now)
    await connection.execute(
        update(inbound).where(inbound.c.blob_id.in_(stale)).values(blob_id=None)
    )
    await connection.execute(update(outbox).where(outbox.c.blob_id.in_(stale)).values(blob_id=None))
    await connection.execute(delete(blob).where(blob.c.keep_until < now))
    return erased.rowcount
