"""Every announcement with how far its sending has come. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import State as RowState
from mailer.store.schema import announcement, outbox, webinar


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An announcement with how far it has come, for `mailer outbox`."""

    id: int
    subject: str
    due_at: datetime
    state: str
    total: int
    sent: int
    series: str
    reason: str


async def progress(
    connection: AsyncConnection, *, series_id: str | None = None
) -> tuple[Progress, ...]:
    """Every announcement, of one series or all, with how many of its rows are sent."""
    of_series = () if series_id is None else (announcement.c.series_id == series_id,)
    sent = (
        select(outbox.c.announcement_id, func.count().label("n"))
        .where(outbox.c.state == RowState.SENT, outbox.c.announcement_id.is_not(None))
        .group_by(outbox.c.announcement_id)
        .subquery()
    )
    rows = await connection.execute(
        select(
            announcement.c.id,
            announcement.c.kind,
            announcement.c.subject,
            announcement.c.due_at,
            announcement.c.state,
            announcement.c.total,
            announcement.c.series_id,
            announcement.c.reason,
            webinar.c.title,
            func.coalesce(sent.c.n, 0).label("sent"),
        )
        .where(*of_series)
        .outerjoin(webinar, webinar.c.id == announcement.c.webinar_id)
        .outerjoin(sent, sent.c.announcement_id == announcement.c.id)
        .order_by(announcement.c.due_at, announcement.c.id)
    )
    return tuple(
        Progress(
            id=row.id,
            subject=row.subject or f"{row.kind}: {row.title}",
            due_at=row.due_at,
            state=row.state,
            total=row.total,
            sent=row.sent,
            series=row.series_id,
            reason=row.reason,
        )
        for row in rows
    )
