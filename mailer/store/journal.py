"""What came in: one row per mail and recipient, with the key that makes a second copy harmless."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.prepared import Prepared
from mailer.store.schema import blob, inbound, outbox


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


FAILING = "failing"  # the outcome of a mail that is to come again
KEPT_ASIDE = "kept aside"  # how the outcome of one begins that failed too often

_ARRIVAL = tuple(Arrival.__dataclass_fields__)


def _values(arrival: Arrival, now: datetime) -> dict[str, object]:
    return {f"new_{name}": getattr(arrival, name) for name in _ARRIVAL} | {"at": now}


async def enter(connection: AsyncConnection, arrival: Arrival, now: datetime) -> int | None:
    """Write the row; its id, or None if this mail was here before and did not fail."""
    entered = await _ENTER.row(connection, **_values(arrival, now))
    return None if entered is None else int(entered[0])


_NEW: dict[str, object] = {name: bindparam(f"new_{name}") for name in _ARRIVAL}
_NEW["received_at"] = bindparam("at")
_ENTER = Prepared(
    lambda insert: (
        insert(inbound)
        .values({**_NEW, "outcome": ""})
        .on_conflict_do_update(
            index_elements=[inbound.c.dedupe_key],
            set_={"received_at": bindparam("at"), "outcome": ""},
            where=inbound.c.outcome == FAILING,
        )
        .returning(inbound.c.id)
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    entry_id: int
    times: int


async def fail(connection: AsyncConnection, arrival: Arrival, now: datetime) -> Failure | None:
    """Count that a mail could not be processed; None if a copy of it was, or is counted no more."""
    row = await _FAIL.row(connection, **_values(arrival, now))
    return None if row is None else Failure(entry_id=row[0], times=row[1])


_FAIL = Prepared(
    lambda insert: (
        insert(inbound)
        .values({**_NEW, "outcome": FAILING, "failures": 1})
        .on_conflict_do_update(
            index_elements=[inbound.c.dedupe_key],
            set_={"received_at": bindparam("at"), "failures": inbound.c.failures + 1},
            where=inbound.c.outcome == FAILING,
        )
        .returning(inbound.c.id, inbound.c.failures)
    )
)


async def conclude(
    connection: AsyncConnection,
    entry_id: int,
    *,
    outcome: str,
    subscription_id: int | None = None,
    blob_id: int | None = None,
) -> None:
    """Note what became of a mail."""
    await _CONCLUDE.rows(
        connection,
        entry=entry_id,
        new_outcome=outcome,
        new_subscription=subscription_id,
        new_blob=blob_id,
    )


_CONCLUDE = Prepared(
    lambda _: (
        update(inbound)
        .where(inbound.c.id == bindparam("entry"))
        .values(
            outcome=bindparam("new_outcome"),
            subscription_id=bindparam("new_subscription"),
            blob_id=bindparam("new_blob"),
        )
    )
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
class KeptAside:
    """A mail that could not be processed. ``recipient`` is without its token."""

    entry_id: int
    received_at: datetime
    source: str
    recipient: str
    size: int
    outcome: str
    until: datetime


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
    connection: AsyncConnection, author_key: str, *, limit: int, series_id: str | None = None
) -> tuple[Entry, ...]:
    """The last mails that came from an address, to one series or all, newest first."""
    statement = (
        select(inbound)
        .where(inbound.c.author_key == author_key)
        .order_by(inbound.c.id.desc())
        .limit(limit)
    )
    if series_id is not None:
        statement = statement.where(inbound.c.series_id == series_id)
    rows = await connection.execute(statement)
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


def is_kept_aside() -> ColumnElement[bool]:
    """Whether a mail is kept for a person, or was being tried once more when the process ended;
    what is to come again from its sender has no bytes here."""
    return and_(
        or_(inbound.c.outcome.startswith(KEPT_ASIDE), inbound.c.outcome == FAILING),
        inbound.c.blob_id.is_not(None),
    )


async def kept_aside(connection: AsyncConnection) -> tuple[KeptAside, ...]:
    """The mails that could not be processed and are kept, newest first."""
    rows = await connection.execute(
        select(inbound, blob.c.keep_until)
        .join(blob, blob.c.id == inbound.c.blob_id)
        .where(is_kept_aside())
        .order_by(inbound.c.id.desc())
    )
    return tuple(
        KeptAside(
            entry_id=row.id,
            received_at=row.received_at,
            source=row.source,
            recipient=row.recipient,
            size=row.size,
            outcome=row.outcome,
            until=row.keep_until,
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
