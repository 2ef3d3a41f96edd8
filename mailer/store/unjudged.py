"""Mails that came back and that nobody has looked at yet, or is to look at again.

A refusal waits here from the moment it is written down; a report only after it was held back in a
wave of bounces. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.judgement import BounceClass
from mailer.store.bounce import Source
from mailer.store.schema import bounce, outbox
from mailer.store.wave import EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A mail that came back and nobody has looked at; ``detail`` is what the server said."""

    id: int
    subscription_id: int | None
    cls: BounceClass
    status: str
    source: Source
    detail: str


async def any_waiting(connection: AsyncConnection) -> bool:
    """Whether `take` would find anything."""
    found = select(bounce.c.id).where(bounce.c.judged.is_(False)).limit(1)
    return await connection.scalar(found) is not None


async def take(connection: AsyncConnection, *, limit: int) -> tuple[Unjudged, ...]:
    """The oldest refusals to look at, held for this transaction and marked as looked at."""
    chosen = (
        select(bounce.c.id)
        .where(bounce.c.judged.is_(False))
        .order_by(bounce.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    rows = await connection.execute(
        update(bounce)
        .where(bounce.c.id.in_(select(chosen.c.id)))
        .values(judged=True)
        .returning(
            bounce.c.id,
            bounce.c.subscription_id,
            bounce.c["class"],
            bounce.c.status,
            bounce.c.source,
            bounce.c.detail,
        )
    )
    found = [
        Unjudged(
            id=key,
            subscription_id=whose,
            cls=BounceClass(cls),
            status=status,
            source=Source(source),
            detail=detail,
        )
        for key, whose, cls, status, source, detail in rows
    ]
    return tuple(sorted(found, key=lambda one: one.id))


async def look_again(connection: AsyncConnection, domain: str, *, since: datetime) -> int:
    """Have what came back for good since then looked at once more; how many mails. ``domain`` is
    that of their readers, `wave.EVERYWHERE` for any."""
    theirs = select(outbox.c.id).where(outbox.c.id == bounce.c.outbox_id)
    if domain != EVERYWHERE:
        theirs = theirs.where(outbox.c.recipient_key.endswith(f"@{domain}", autoescape=True))
    result = await connection.execute(
        update(bounce)
        .where(
            bounce.c["class"] == BounceClass.HARD,
            bounce.c.at >= since,
            bounce.c.judged,
            theirs.exists(),
        )
        .values(judged=False)
    )
    return result.rowcount
