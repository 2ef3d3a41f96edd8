"""What a simulation does to its copy of the data: everything in it counts as present before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.announcement import State as AnnouncementState
from mailer.store.outbox import State as RowState
from mailer.store.people import State as SubscriptionState
from mailer.store.schema import (
    announcement,
    approval,
    deed,
    errand,
    mention,
    outbox,
    skeleton,
    subscription,
    webinar,
    written,
)
from scheduler.model import Kind

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


async def set_aside(connection: AsyncConnection) -> None:
    """Forget what was planned, queued or sent, but for what organisers wrote and is planned; people
    and webinars were there always."""
    await connection.execute(delete(mention))
    await connection.execute(delete(errand))
    await connection.execute(delete(outbox))
    await connection.execute(delete(skeleton))
    kept = select(announcement.c.id).where(
        announcement.c.kind == Kind.MESSAGE, announcement.c.state == AnnouncementState.PLANNED
    )
    for table in (approval, deed, written):
        await connection.execute(delete(table).where(table.c.announcement_id.not_in(kept)))
    await connection.execute(delete(announcement).where(announcement.c.id.not_in(kept)))
    await connection.execute(
        update(subscription)
        .where(subscription.c.state == SubscriptionState.ACTIVE)
        .values(since=LONG_AGO)
    )
    await connection.execute(
        update(webinar).where(webinar.c.published_at.is_not(None)).values(published_at=LONG_AGO)
    )
    await connection.execute(
        update(webinar).where(webinar.c.materials_at.is_not(None)).values(materials_at=LONG_AGO)
    )


async def let_pass(connection: AsyncConnection, *, before: datetime) -> None:
    """What fell due before the simulated time went out before it."""
    await connection.execute(
        update(announcement)
        .where(announcement.c.due_at < before)
        .values(state=AnnouncementState.DONE)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One mail that went out; ``file`` is its name in the Maildir."""

    at: datetime
    series: str
    kind: str
    webinar: str | None
    audience: str | None
    to: str
    file: str


async def sent(connection: AsyncConnection) -> tuple[Sent, ...]:
    """The mails that went out, in that order."""
    rows = await connection.execute(
        select(
            outbox.c.settled_at.label("at"),
            outbox.c.series_id.label("series"),
            outbox.c.kind,
            webinar.c.slug.label("webinar"),
            announcement.c.audience,
            outbox.c.recipient.label("to"),
            outbox.c.reply,
        )
        .outerjoin(webinar, webinar.c.id == outbox.c.webinar_id)
        .outerjoin(announcement, announcement.c.id == outbox.c.announcement_id)
        .where(outbox.c.state == RowState.SENT)
        .order_by(outbox.c.settled_at, outbox.c.id)
    )
    return tuple(
        Sent(
            at=row.at,
            series=row.series,
            kind=row.kind,
            webinar=row.webinar,
            audience=row.audience,
            to=row.to,
            file=row.reply.rpartition(" ")[2],
        )
        for row in rows
    )
