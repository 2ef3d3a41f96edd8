"""Closes queued rows that must not go out any more: too late, not wanted, no longer true.

What is leased at that moment is not touched; the claim asks the same again for every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import PARKED_FROM, State, is_queued
from mailer.store.recipient import mails_to
from mailer.store.schema import Instant, announcement, outbox, webinar
from scheduler.model import Kind, Status

CHANGED = "the webinar was changed"
TOO_LATE = "too late"
AT_ONCE = 2_000  # rows that are looked at in the transaction of a change: some 20 ms
# Everything but answers, farewells and what goes to organisers hangs on a subscription.
NEEDS_SUBSCRIPTION = (
    "announcement",
    "reminder",
    "update",
    "cancellation",
    "follow-up",
    "message",
    "welcome",
    "confirmation",
    "probe",
    "question",
)


def tells_status() -> ColumnElement[str]:
    """The status that an announcement takes its webinar to have."""
    cancelled = announcement.c.kind == literal_column(f"'{Kind.CANCELLATION}'")
    return case(
        (cancelled, literal_column(f"'{Status.CANCELLED}'")),
        else_=literal_column(f"'{Status.SCHEDULED}'"),
    )


def still_true() -> ColumnElement[bool]:
    """Whether the webinar that a row tells of is as it was when the row was queued."""
    return (
        select(announcement.c.id)
        .outerjoin(webinar, webinar.c.id == announcement.c.webinar_id)
        .where(
            announcement.c.id == outbox.c.announcement_id,
            or_(
                announcement.c.webinar_id.is_(None),
                and_(
                    webinar.c.sequence == announcement.c.sequence,
                    webinar.c.status == tells_status(),
                ),
            ),
        )
        .exists()
    )


def is_outdated() -> ColumnElement[bool]:
    """Whether an announcement tells of a webinar what was true of it once."""
    return exists().where(
        webinar.c.id == announcement.c.webinar_id,
        or_(webinar.c.sequence != announcement.c.sequence, webinar.c.status != tells_status()),
    )


async def cancel_outdated(
    connection: AsyncConnection, webinar_ids: Sequence[int], *, now: datetime, limit: int = AT_ONCE
) -> int:
    """Cancel what is queued about webinars that have changed since: nobody gets the old time.

    At once if their announcements have up to ``limit`` rows; to look through more takes too long
    here, so then they lag, and `halt.follow` does it in slices. The claim lets none of them go
    meanwhile. Returns how many were cancelled.
    """
    outdated = select(announcement.c.id).where(
        announcement.c.webinar_id.in_(webinar_ids), is_outdated(), announcement.c.total > 0
    )
    rows = select(func.sum(announcement.c.total)).where(announcement.c.id.in_(outdated))
    if (await connection.scalar(rows) or 0) > limit:
        await connection.execute(
            update(announcement).where(announcement.c.id.in_(outdated)).values(lagging=True)
        )
        return 0
    gone = await connection.execute(
        update(outbox)
        .where(outbox.c.state == State.QUEUED, outbox.c.announcement_id.in_(outdated))
        .values(state=State.CANCELLED, reason=CHANGED, settled_at=now)
    )
    return gone.rowcount


async def expire(connection: AsyncConnection, *, now: datetime, limit: int) -> int:
    """Close up to ``limit`` queued rows whose deadline has passed. Returns how many; fewer than the
    limit means that there are no more."""
    late = (
        select(outbox.c.id)
        .where(is_queued(), outbox.c.expires_at <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = await connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(late))
        .values(state=State.EXPIRED, reason=TOO_LATE, settled_at=now)
    )
    return gone.rowcount


async def put_off_corrections(
    connection: AsyncConnection, subscription_id: int, *, until: datetime
) -> None:
    """What corrects what somebody was told waits until their pause ends: it is not lost by it. If
    that is too late it expires, unless they end the pause before."""
    corrections = select(announcement.c.id).where(
        announcement.c.kind.in_((Kind.UPDATE, Kind.CANCELLATION)),
        announcement.c.state.in_(("sending", "done")),
    )
    await connection.execute(
        update(outbox)
        .where(
            outbox.c.announcement_id.in_(corrections),
            outbox.c.subscription_id == subscription_id,
            outbox.c.state == State.QUEUED,
            outbox.c.not_before < PARKED_FROM,
        )
        .values(
            not_before=case(
                (outbox.c.expires_at < until, outbox.c.expires_at),
                else_=literal(until, Instant()),
            )
        )
    )


async def cancel_for(
    connection: AsyncConnection,
    *,
    subscription_id: int,
    recipient_key: str,
    reason: str,
    now: datetime,
) -> int:
    """Cancel what is queued for a subscription, but not the answers to its person. How many."""
    gone = await connection.execute(
        update(outbox)
        .where(
            outbox.c.state == State.QUEUED,
            mails_to(recipient_key),
            outbox.c.subscription_id == subscription_id,
            outbox.c.kind.in_(NEEDS_SUBSCRIPTION),
        )
        .values(state=State.CANCELLED, reason=reason, settled_at=now)
    )
    return gone.rowcount
