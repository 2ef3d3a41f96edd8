"""Mails that are kept aside, one by one: their bytes, and what becomes of them when they are tried
once more. How they came to be here: `journal`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.journal import FAILING, is_kept_aside
from mailer.store.schema import blob, inbound


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``content`` has the envelope in front."""

    entry_id: int
    dedupe_key: bytes
    source: str
    blob_id: int
    content: bytes


async def find(connection: AsyncConnection, entry_id: int) -> Kept | None:
    """The mail of this number; None if none of that number is kept."""
    row = (
        await connection.execute(
            select(
                inbound.c.id,
                inbound.c.dedupe_key,
                inbound.c.source,
                inbound.c.blob_id,
                blob.c.content,
            )
            .join(blob, blob.c.id == inbound.c.blob_id)
            .where(inbound.c.id == entry_id, is_kept_aside())
        )
    ).one_or_none()
    if row is None:
        return None
    return Kept(
        entry_id=row.id,
        dedupe_key=bytes(row.dedupe_key),
        source=row.source,
        blob_id=row.blob_id,
        content=bytes(row.content),
    )


async def release(connection: AsyncConnection, kept: Kept) -> None:
    """Let it come in as a mail that failed before does. Its bytes stay until it was taken."""
    await connection.execute(
        update(inbound).where(inbound.c.id == kept.entry_id).values(outcome=FAILING)
    )


async def drop(connection: AsyncConnection, kept: Kept, *, outcome: str | None) -> None:
    """Its bytes are needed no more; ``outcome`` is for a row that another one stands for now."""
    if outcome is not None:
        await connection.execute(
            update(inbound)
            .where(inbound.c.id == kept.entry_id)
            .values(outcome=outcome, blob_id=None)
        )
    await connection.execute(delete(blob).where(blob.c.id == kept.blob_id))
