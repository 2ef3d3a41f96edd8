"""Whom we asked whether what an organiser wrote may go out; a token in the preview names a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import approval, written


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An organiser who was asked about a version; ``may_approve`` is False for who wrote it where
    somebody else has to say yes."""

    id: int
    announcement_id: int
    version: int
    organiser: str
    may_approve: bool
    asked_at: datetime


async def ask(
    connection: AsyncConnection,
    announcement_id: int,
    *,
    version: int,
    organiser: str,
    may_approve: bool,
    now: datetime,
) -> int:
    """Note that an organiser is asked; the id that their token names."""
    made = await connection.execute(
        insert(approval)
        .values(
            announcement_id=announcement_id,
            version=version,
            organiser=organiser,
            may_approve=may_approve,
            asked_at=now,
        )
        .returning(approval.c.id)
    )
    return int(made.scalar_one())


async def asked(connection: AsyncConnection, approval_id: int) -> Approval | None:
    """The question that a token names."""
    row = (
        await connection.execute(select(approval).where(approval.c.id == approval_id))
    ).one_or_none()
    return None if row is None else Approval(**row._mapping)


async def approvers(
    connection: AsyncConnection, announcement_ids: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    """Who may say yes to the present version of each."""
    rows = await connection.execute(
        select(approval.c.announcement_id, approval.c.organiser)
        .distinct()
        .join(written, written.c.announcement_id == approval.c.announcement_id)
        .where(
            approval.c.announcement_id.in_(announcement_ids),
            approval.c.version == written.c.version,
            approval.c.may_approve,
        )
        .order_by(approval.c.announcement_id, approval.c.organiser)
    )
    found: dict[int, tuple[str, ...]] = {}
    for row in rows:
        found[row.announcement_id] = (*found.get(row.announcement_id, ()), row.organiser)
    return found
