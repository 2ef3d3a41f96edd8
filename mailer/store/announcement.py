"""Planned mailings and their expansion into the ledger.

One row per webinar × notice × sequence. It is *planned* until it falls due, *sending* from the
first slice of recipients to the last, then *done*. What was let go once is never planned again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, RowMapping, Select, case, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import State as RowState
from mailer.store.people import State as SubscriptionState
from mailer.store.schema import (
    announcement,
    outbox,
    registration,
    skeleton,
    subscriber,
    subscription,
    webinar,
)
from mailer.store.statement import upsert
from scheduler.model import Audience, Due, Kind, Release


class State(StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    DONE = "done"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    id: int
    key: str
    series_id: str
    webinar_id: int | None
    notice_id: str
    kind: Kind
    audience: Audience
    sequence: int
    due_at: datetime
    released_at: datetime
    expires_at: datetime
    state: State
    reason: str
    expanded_to: int
    total: int


async def plan(
    connection: AsyncConnection, dues: Sequence[tuple[str, Due]], *, now: datetime
) -> None:
    """Make the planned rows equal to what is due: ``dues`` pairs a series id with each.

    New keys are inserted, planned rows follow a changed time, planned rows that are no longer due
    are cancelled. Rows already let go are not touched. Idempotent.
    """
    known = {
        row.key: row
        for row in await connection.execute(
            select(
                announcement.c.key,
                announcement.c.state,
                announcement.c.due_at,
                announcement.c.released_at,
                announcement.c.expires_at,
                announcement.c.audience,
            ).where(
                announcement.c.key.in_([due.key for _, due in dues])
                | (announcement.c.state == State.PLANNED)
            )
        )
    }
    wanted = {due.key: (series_id, due) for series_id, due in dues}
    fresh = [_values(sid, due, now) for key, (sid, due) in wanted.items() if key not in known]
    if fresh:
        await connection.execute(insert(announcement), fresh)
    for key, (_, due) in wanted.items():
        row = known.get(key)
        if row is not None and _is_stale(row._mapping, due):
            await connection.execute(
                update(announcement)
                .where(announcement.c.key == key)
                .values(
                    due_at=due.due_at,
                    released_at=due.released_at,
                    expires_at=due.expires_at,
                    audience=due.audience,
                    state=State.PLANNED,
                    reason="",
                )
            )
    void = [key for key, row in known.items() if key not in wanted and row.state == State.PLANNED]
    await _close(connection, void, now)


def _values(series_id: str, due: Due, now: datetime) -> dict[str, object]:
    return {
        "key": due.key,
        "series_id": series_id,
        "webinar_id": due.webinar_id,
        "notice_id": due.notice_id,
        "kind": due.kind,
        "audience": due.audience,
        "sequence": due.sequence,
        "due_at": due.due_at,
        "released_at": due.released_at,
        "expires_at": due.expires_at,
        "state": State.PLANNED,
        "created_at": now,
    }


def _is_stale(fields: RowMapping, due: Due) -> bool:
    """Whether a row that was never let go tells another story than the rule does now."""
    if fields["state"] not in (State.PLANNED, State.CANCELLED, State.EXPIRED):
        return False
    told = (fields["due_at"], fields["released_at"], fields["expires_at"], fields["audience"])
    return fields["state"] != State.PLANNED or told != (
        due.due_at,
        due.released_at,
        due.expires_at,
        due.audience,
    )


async def _close(connection: AsyncConnection, keys: Sequence[str], now: datetime) -> None:
    if not keys:
        return
    late = announcement.c.expires_at <= now
    await connection.execute(
        update(announcement)
        .where(announcement.c.key.in_(keys), announcement.c.state == State.PLANNED)
        .values(
            state=case((late, State.EXPIRED), else_=State.CANCELLED),
            reason=case((late, "too late"), else_="no longer in the plan"),
        )
    )


async def releases(connection: AsyncConnection) -> tuple[Release, ...]:
    """What was let go already, for the planner."""
    rows = await connection.execute(
        select(
            announcement.c.webinar_id,
            announcement.c.notice_id,
            announcement.c.sequence,
            announcement.c.released_at,
        ).where(
            announcement.c.webinar_id.is_not(None),
            announcement.c.state.in_((State.SENDING, State.DONE, State.FAILED)),
        )
    )
    return tuple(Release(**row._mapping) for row in rows)


async def due(connection: AsyncConnection, *, now: datetime) -> tuple[Announcement, ...]:
    """What is to be let go now or is half let go, in the order of falling due."""
    rows = await connection.execute(
        _selection()
        .where(
            announcement.c.state.in_((State.PLANNED, State.SENDING)),
            announcement.c.due_at <= now,
            announcement.c.expires_at > now,
        )
        .order_by(announcement.c.due_at, announcement.c.id)
    )
    return tuple(_announcement(row) for row in rows)


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When the next planned row falls due."""
    found: datetime | None = await connection.scalar(
        select(func.min(announcement.c.due_at)).where(announcement.c.state == State.PLANNED)
    )
    return found


async def by_id(connection: AsyncConnection, announcement_id: int) -> Announcement | None:
    """The announcement with this id."""
    row = (
        await connection.execute(_selection().where(announcement.c.id == announcement_id))
    ).one_or_none()
    return None if row is None else _announcement(row)


async def listing(connection: AsyncConnection) -> tuple[Announcement, ...]:
    """Every announcement, by when it is due."""
    rows = await connection.execute(_selection().order_by(announcement.c.due_at, announcement.c.id))
    return tuple(_announcement(row) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who is owed an announcement, with what their copy depends on."""

    subscription_id: int
    mailbox: str
    address_key: str
    language: str | None
    timezone: str | None
    registered: bool


def _readers(item: Announcement, now: datetime) -> Select[tuple[object, ...]]:
    """Who is owed it: subscribed no later than its release, not paused, in its audience, not told
    by the same notice of this webinar under an earlier sequence."""
    registered = exists().where(
        registration.c.webinar_id == item.webinar_id,
        registration.c.subscriber_id == subscription.c.subscriber_id,
        registration.c.state == "registered",
    )
    declined = exists().where(
        registration.c.webinar_id == item.webinar_id,
        registration.c.subscriber_id == subscription.c.subscriber_id,
        registration.c.state == "declined",
    )
    told = exists().where(
        outbox.c.announcement_id == announcement.c.id,
        outbox.c.subscription_id == subscription.c.id,
        outbox.c.state.in_((RowState.SENT, RowState.SENDING, RowState.QUEUED)),
        announcement.c.webinar_id == item.webinar_id,
        announcement.c.notice_id == item.notice_id,
        # A reminder of another time reminds nobody of this one.
        *([announcement.c.due_at == item.due_at] if item.kind is Kind.REMINDER else []),
    )
    statement = (
        select(
            subscription.c.id.label("subscription_id"),
            subscriber.c.mailbox,
            subscriber.c.address_key,
            subscriber.c.language,
            subscriber.c.timezone,
            registered.label("registered"),
        )
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(
            subscription.c.series_id == item.series_id,
            subscription.c.state == SubscriptionState.ACTIVE,
            subscription.c.since <= item.released_at,
            or_(
                subscription.c.paused_until.is_(None),
                subscription.c.paused_until <= now,
            ),
            ~told,
        )
    )
    match item.audience:
        case Audience.REGISTERED:
            return statement.where(registered)
        case Audience.UNREGISTERED:
            return statement.where(~registered, ~declined)
        case Audience.SUBSCRIBED:
            return statement.where(~declined)


async def readers(
    connection: AsyncConnection, item: Announcement, *, after: int, limit: int, now: datetime
) -> tuple[Reader, ...]:
    """The next slice of people who are owed an announcement, by subscription id."""
    rows = await connection.execute(
        _readers(item, now)
        .where(subscription.c.id > after)
        .order_by(subscription.c.id)
        .limit(limit)
    )
    return tuple(Reader(**row._mapping) for row in rows)


async def groups(
    connection: AsyncConnection, item: Announcement, *, now: datetime
) -> tuple[tuple[str | None, str | None, bool], ...]:
    """Every language, zone and registration there is among those who are owed an announcement."""
    inner = _readers(item, now).subquery()
    rows = await connection.execute(
        select(inner.c.language, inner.c.timezone, inner.c.registered)
        .distinct()
        .order_by(inner.c.language, inner.c.timezone, inner.c.registered)
    )
    return tuple((row.language, row.timezone, bool(row.registered)) for row in rows)


async def count_readers(connection: AsyncConnection, item: Announcement, *, now: datetime) -> int:
    """How many would get it if it were let go now."""
    inner = _readers(item, now).subquery()
    return int(await connection.scalar(select(func.count()).select_from(inner)) or 0)


async def advance(
    connection: AsyncConnection,
    announcement_id: int,
    *,
    expanded_to: int,
    added: int,
    done: bool,
) -> None:
    """Note how far the expansion has come."""
    await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id)
        .values(
            expanded_to=expanded_to,
            total=announcement.c.total + added,
            state=State.DONE if done else State.SENDING,
        )
    )


async def is_current(connection: AsyncConnection, item: Announcement) -> bool:
    """Whether the webinar is still as it was when this was planned."""
    if item.webinar_id is None:
        return True
    found = await connection.scalar(
        select(webinar.c.id).where(
            webinar.c.id == item.webinar_id,
            webinar.c.sequence == item.sequence,
            webinar.c.status == "scheduled",
        )
    )
    return found is not None


async def cancel(connection: AsyncConnection, announcement_id: int, *, reason: str) -> None:
    """Let no more of it go."""
    await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id)
        .values(state=State.CANCELLED, reason=reason)
    )


async def fail(connection: AsyncConnection, announcement_id: int, *, reason: str) -> None:
    """Its template does not render: nobody gets any of it."""
    await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id)
        .values(state=State.FAILED, reason=reason)
    )


async def revive(connection: AsyncConnection, *, now: datetime) -> int:
    """Plan again what has failed and is not too late; the next tick lets it go. Returns how many.

    What is no longer in the plan is cancelled by the same tick.
    """
    back = await connection.execute(
        update(announcement)
        .where(announcement.c.state == State.FAILED, announcement.c.expires_at > now)
        .values(state=State.PLANNED, reason="")
    )
    return back.rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Everyone whose copy of an announcement differs only in personal places."""

    announcement_id: int
    language: str
    zone: str
    registered: bool


async def find_skeleton(connection: AsyncConnection, group: Group) -> str | None:
    """The rendering that is kept for a group, as JSON."""
    found: str | None = await connection.scalar(
        select(skeleton.c.content).where(
            skeleton.c.announcement_id == group.announcement_id,
            skeleton.c.language == group.language,
            skeleton.c.zone == group.zone,
            skeleton.c.registered == group.registered,
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
        digest=digest,
        content=content,
        made_at=now,
    )
    await connection.execute(statement.on_conflict_do_nothing())


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


def _selection() -> Select[tuple[object, ...]]:
    return select(*(announcement.c[name] for name in Announcement.__dataclass_fields__))


def _announcement(row: Row[tuple[object, ...]]) -> Announcement:
    fields = dict(row._mapping)
    return Announcement(
        **{
            **fields,
            "kind": Kind(fields["kind"]),
            "audience": Audience(fields["audience"]),
            "state": State(fields["state"]),
        }
    )
