"""What a weekly report counts and lists, and which mailings organisers have yet to hear of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.announcement import State
from mailer.store.outbox import is_leased, is_queued
from mailer.store.people import Act
from mailer.store.people import State as SubscriptionState
from mailer.store.schema import announcement, consent, outbox, subscription, webinar
from scheduler.model import Kind

LISTED = 20  # mailings of a weekly report
_JOINS = (Act.CONFIRMED, Act.STATED, Act.RETURNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Who came to a series and who went in some time, by why; ``subscribed`` are there now."""

    joined: int
    left: int
    bounced: int
    complained: int
    unanswered: int
    subscribed: int


async def movement(
    connection: AsyncConnection, series_id: str, *, start: datetime, end: datetime
) -> Movement:
    """What changed among a series' subscribers from ``start`` to before ``end``. Who left and came
    back counts as come."""
    acts = await connection.execute(
        select(consent.c.act, func.count(consent.c.subscription_id.distinct()).label("n"))
        .join(subscription, subscription.c.id == consent.c.subscription_id)
        .where(
            subscription.c.series_id == series_id,
            consent.c.at >= start,
            consent.c.at < end,
            consent.c.act.in_((*_JOINS, Act.LAPSED)),
        )
        .group_by(consent.c.act)
    )
    did = {row.act: row.n for row in acts}
    ended = await connection.execute(
        select(subscription.c.state, func.count().label("n"))
        .where(
            subscription.c.series_id == series_id,
            or_(
                subscription.c.state == SubscriptionState.ACTIVE,
                (subscription.c.state != SubscriptionState.PENDING)
                & (subscription.c.ended_at >= start)
                & (subscription.c.ended_at < end),
            ),
        )
        .group_by(subscription.c.state)
    )
    now = {row.state: row.n for row in ended}
    unanswered = did.get(Act.LAPSED, 0)
    return Movement(
        joined=sum(did.get(act, 0) for act in _JOINS),
        left=max(0, now.get(SubscriptionState.UNSUBSCRIBED, 0) - unanswered),
        bounced=now.get(SubscriptionState.BOUNCED, 0),
        complained=now.get(SubscriptionState.COMPLAINED, 0),
        unanswered=unanswered,
        subscribed=now.get(SubscriptionState.ACTIVE, 0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """A mailing as organisers know it: ``title`` is its subject, or that of its webinar."""

    id: int
    series_id: str
    kind: Kind
    title: str
    at: datetime
    state: State
    reason: str
    total: int


async def planned(
    connection: AsyncConnection, series_id: str, *, after: datetime, until: datetime
) -> tuple[Mailing, ...]:
    """What goes out next, the first of it."""
    which = (
        announcement.c.series_id == series_id,
        announcement.c.state == State.PLANNED,
        announcement.c.due_at > after,
        announcement.c.due_at <= until,
    )
    statement = _mailings(announcement.c.due_at).where(*which)
    ordered = statement.order_by(announcement.c.due_at, announcement.c.id).limit(LISTED)
    return tuple(_mailing(row) for row in await connection.execute(ordered))


async def ended(connection: AsyncConnection, *, since: datetime) -> tuple[Mailing, ...]:
    """What was let go whole, or failed, after an instant."""
    which = (
        announcement.c.state.in_((State.DONE, State.FAILED)),
        announcement.c.released_at > since,
    )
    statement = _mailings(announcement.c.released_at).where(*which)
    rows = await connection.execute(statement.order_by(announcement.c.id))
    return tuple(_mailing(row) for row in rows)


def _mailings(at: ColumnElement[datetime]) -> Select[tuple[object, ...]]:
    title = case((announcement.c.subject != "", announcement.c.subject), else_=webinar.c.title)
    return select(
        announcement.c.id,
        announcement.c.series_id,
        announcement.c.kind,
        func.coalesce(title, "").label("title"),
        at.label("at"),
        announcement.c.state,
        announcement.c.reason,
        announcement.c.total,
    ).outerjoin(webinar, webinar.c.id == announcement.c.webinar_id)


def _mailing(row: Row[tuple[object, ...]]) -> Mailing:
    fields = dict(row._mapping)
    return Mailing(**{**fields, "kind": Kind(fields["kind"]), "state": State(fields["state"])})


async def is_settled(connection: AsyncConnection, announcement_id: int) -> bool:
    """Whether nothing of a mailing waits or is under way any more."""
    waits = select(outbox.c.id).where(outbox.c.announcement_id == announcement_id)
    for which in (is_leased(), is_queued()):  # each by its own small index
        if await connection.scalar(waits.where(which).limit(1)) is not None:
            return False
    return True
