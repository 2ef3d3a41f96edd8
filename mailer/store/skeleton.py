"""The rendering of an announcement that is kept for each group of its readers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import skeleton
from mailer.store.statement import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Everyone whose copy of an announcement differs only in personal places. ``told_sequence`` is
    what they were told before, where the mail says so."""

    announcement_id: int
    language: str
    zone: str
    registered: bool
    told_sequence: int


async def find_skeleton(connection: AsyncConnection, group: Group) -> str | None:
    """The rendering that is kept for a group, as JSON."""
    found: str | None = await connection.scalar(
        select(skeleton.c.content).where(
            skeleton.c.announcement_id == group.announcement_id,
            skeleton.c.language == group.language,
            skeleton.c.zone == group.zone,
            skeleton.c.registered == group.registered,
            skeleton.c.told_sequence == group.told_sequence,
        )
    )
    return found


async def keep_skeleton(
    connection: AsyncConnection, group: Group, *, digest: str, content: str, now: datetime
) -> None:
    """Keep what a group is told, so that a re-send is the same and it can be looked up later."""
    statement = upsert(connection, skeleton).values(
        announcement_id=group.announcement_id,
        language=group.language,
        zone=group.zone,
        registered=group.registered,
        told_sequence=group.told_sequence,
        digest=digest,
        content=content,
        made_at=now,
    )
    await connection.execute(statement.on_conflict_do_nothing())


async def forget(connection: AsyncConnection, announcement_id: int) -> None:
    """Keep none of an announcement that nobody got."""
    await connection.execute(delete(skeleton).where(skeleton.c.announcement_id == announcement_id))
