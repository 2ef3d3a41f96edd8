"""What is kept of people, to be read: lists of them, and one person's mails and choices.

Only reads. Lists come page by page, by key, so that a long one holds neither memory nor a snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import halt
from mailer.store.outbox import State as RowState
from mailer.store.people import State, Subscription, from_row, selection
from mailer.store.recipient import mails_to
from mailer.store.schema import (
    Instant,
    announcement,
    outbox,
    registration,
    series,
    subscriber,
    subscription,
    webinar,
)


async def page(
    connection: AsyncConnection,
    *,
    series_id: str | None,
    state: State | None,
    after: int,
    limit: int,
) -> tuple[Subscription, ...]:
    """The next subscriptions behind an id, of one series or all, in one state or any."""
    statement = (
        selection().where(subscription.c.id > after).order_by(subscription.c.id).limit(limit)
    )
    if series_id is not None:
        statement = statement.where(subscription.c.series_id == series_id)
    if state is not None:
        statement = statement.where(subscription.c.state == state)
    return tuple(from_row(row) for row in await connection.execute(statement))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whose address is kept, subscribed or not."""

    id: int
    mailbox: str
    name: str
    language: str | None
    timezone: str | None
    created_at: datetime


async def person(connection: AsyncConnection, address_key: str) -> Person | None:
    """Who has this address."""
    columns = [subscriber.c[name] for name in Person.__dataclass_fields__]
    row = (
        await connection.execute(select(*columns).where(subscriber.c.address_key == address_key))
    ).one_or_none()
    return None if row is None else Person(**row._mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail to a person. ``at`` is when its state was reached, or when it is due; ``state`` has
    the words of `tally.Counts`; ``message_id`` is as in the mail, with its <>."""

    at: datetime
    queued_at: datetime
    series: str
    kind: str
    webinar: str | None
    to: str
    state: str
    reason: str
    reply: str
    attempts: int
    message_id: str


async def mails(connection: AsyncConnection, address_key: str) -> tuple[Mail, ...]:
    """Every mail to a person, oldest first."""
    waiting = outbox.c.state.in_((RowState.QUEUED, RowState.SENDING))
    label = case(
        (and_(waiting, outbox.c.doubts > 0), "in_doubt"),
        (and_(outbox.c.state == RowState.QUEUED, outbox.c.attempts > 0), "deferred"),
        else_=outbox.c.state,
    )
    parked = waiting & halt.is_parked()
    at = case(
        (parked, halt.unparked_time()),
        (waiting, outbox.c.not_before),
        else_=outbox.c.settled_at,
    )
    rows = await connection.execute(
        select(
            at.label("at"),
            outbox.c.queued_at,
            outbox.c.series_id.label("series"),
            outbox.c.kind,
            webinar.c.slug.label("webinar"),
            outbox.c.recipient.label("to"),
            label.label("state"),
            case((parked, halt.PAUSED), else_=outbox.c.reason).label("reason"),
            outbox.c.reply,
            outbox.c.attempts,
            outbox.c.message_id,
            series.c.address,
        )
        .outerjoin(webinar, webinar.c.id == outbox.c.webinar_id)
        .outerjoin(series, series.c.id == outbox.c.series_id)
        .where(mails_to(address_key))
        .order_by(outbox.c.id)
    )
    found = []
    for row in rows:
        fields = dict(row._mapping)
        domain = (fields.pop("address") or "").rpartition("@")[2]
        fields["message_id"] = f"<{fields['message_id']}@{domain}>"
        fields["at"] = fields["at"] or fields["queued_at"]
        found.append(Mail(**fields))
    return tuple(found)


Told = tuple[int, int, str]  # subscription, webinar, notice


async def told(connection: AsyncConnection, address_key: str) -> frozenset[Told]:
    """Which notices of which webinars a person has got or is about to get."""
    rows = await connection.execute(
        select(outbox.c.subscription_id, announcement.c.webinar_id, announcement.c.notice_id)
        .join(announcement, announcement.c.id == outbox.c.announcement_id)
        .where(
            mails_to(address_key),
            outbox.c.subscription_id.is_not(None),
            announcement.c.webinar_id.is_not(None),
            outbox.c.state.in_((RowState.SENT, RowState.SENDING, RowState.QUEUED)),
        )
    )
    return frozenset((row.subscription_id, row.webinar_id, row.notice_id) for row in rows)


async def choices(connection: AsyncConnection, subscriber_id: int) -> dict[int, str]:
    """What a person said of webinars, by webinar id: registered or declined."""
    rows = await connection.execute(
        select(registration.c.webinar_id, registration.c.state).where(
            registration.c.subscriber_id == subscriber_id
        )
    )
    return {row.webinar_id: row.state for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Rows of one announcement that are queued; ``at`` is when the first of them may go."""

    at: datetime
    series: str
    kind: str
    webinar: str | None
    audience: str
    recipients: int


async def waiting(connection: AsyncConnection, *, now: datetime) -> tuple[Waiting, ...]:
    """What is queued of each announcement and not too late, the earliest first."""
    at = func.min(outbox.c.not_before, type_=Instant()).label("at")
    rows = await connection.execute(
        select(
            at,
            announcement.c.series_id.label("series"),
            announcement.c.kind,
            webinar.c.slug.label("webinar"),
            announcement.c.audience,
            func.count().label("recipients"),
        )
        .select_from(outbox)
        .join(announcement, announcement.c.id == outbox.c.announcement_id)
        .outerjoin(webinar, webinar.c.id == announcement.c.webinar_id)
        .where(
            outbox.c.state == literal(RowState.QUEUED, literal_execute=True),
            ~halt.is_parked(),
            or_(outbox.c.expires_at.is_(None), outbox.c.expires_at > now),
        )
        .group_by(announcement.c.id, webinar.c.slug)
        .order_by(at, announcement.c.id)
    )
    return tuple(Waiting(**row._mapping) for row in rows)
