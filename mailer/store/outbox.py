"""The ledger of what goes out: one row per envelope, from queued to its last word.

``queued → sending → sent | queued (deferred) | failed | suppressed | expired | cancelled``. A claim
leases rows to a node; a settle writes what became of them. Statements are set-based, and their
number does not depend on how many rows they touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.judgement import BounceClass
from mailer.store.bounce import Refusal, note_refusals
from mailer.store.people import State as SubscriptionState
from mailer.store.schema import announcement, bounce, outbox, skeleton, subscription, webinar


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Priority(IntEnum):
    """Lower goes first. Up to `PERSONAL` somebody is waiting for it now."""

    ANSWER = 0
    PERSONAL = 1
    BULK = 5
    INVITATION = 7  # confirmations that an import asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A row to be queued. ``generation`` goes into confirm tokens; ``data`` is the letter
    as JSON for a personal mail, empty for one of an announcement; ``answered`` the Message-ID that
    it answers."""

    series_id: str
    kind: str
    template: str
    priority: Priority
    recipient: str
    recipient_key: str
    language: str
    zone: str
    message_id: str
    subscription_id: int | None = None
    announcement_id: int | None = None
    webinar_id: int | None = None
    registered: bool = False
    generation: int = 0
    data: str = ""
    answered: str = ""
    blob_id: int | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A row leased to this node, with all that sending needs."""

    id: int
    series_id: str
    kind: str
    template: str
    priority: int
    recipient: str
    language: str
    zone: str
    message_id: str
    subscription_id: int | None
    announcement_id: int | None
    webinar_id: int | None
    registered: bool
    generation: int
    data: str
    answered: str
    blob_id: int | None
    queued_at: datetime
    not_before: datetime
    expires_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of one leased row. Back to ``queued`` needs ``not_before``; ``attempts`` is what
    counts from now on; ``doubt`` when the peer may have it although it did not say so;
    ``bounce_class`` when it failed because the recipient was refused."""

    id: int
    state: State
    reason: str = ""
    not_before: datetime | None = None
    attempts: int = 0
    reply_code: int | None = None
    reply: str = ""
    doubt: bool = False
    bounce_class: BounceClass | None = None
    bounce_status: str = ""


async def queue(
    connection: AsyncConnection, envelopes: Sequence[Envelope], *, now: datetime
) -> None:
    """Insert rows; the caller made sure that they are owed."""
    if envelopes:
        await connection.execute(insert(outbox), [_values(one, now) for one in envelopes])


async def queue_one(connection: AsyncConnection, envelope: Envelope, *, now: datetime) -> int:
    """Insert one row; its id, from which a personal mail's Message-ID is made."""
    made = await connection.execute(
        insert(outbox).values(_values(envelope, now)).returning(outbox.c.id)
    )
    return int(made.scalar_one())


async def name(connection: AsyncConnection, row_id: int, *, message_id: str) -> None:
    """Give a row its Message-ID, for good."""
    await connection.execute(
        update(outbox).where(outbox.c.id == row_id).values(message_id=message_id)
    )


def _values(one: Envelope, now: datetime) -> dict[str, object]:
    return {
        "series_id": one.series_id,
        "announcement_id": one.announcement_id,
        "subscription_id": one.subscription_id,
        "webinar_id": one.webinar_id,
        "kind": one.kind,
        "template": one.template,
        "priority": int(one.priority),
        "recipient": one.recipient,
        "recipient_key": one.recipient_key,
        "language": one.language,
        "zone": one.zone,
        "registered": one.registered,
        "message_id": one.message_id,
        "generation": one.generation,
        "data": one.data,
        "answered": one.answered,
        "blob_id": one.blob_id,
        "state": State.QUEUED,
        "queued_at": now,
        "not_before": one.not_before or now,
        "expires_at": one.expires_at,
    }


async def has_due(
    connection: AsyncConnection, *, now: datetime, priorities: tuple[Priority, Priority]
) -> bool:
    """Whether a claim of these priorities would find anything."""
    found = await connection.scalar(
        select(literal(1))
        .where(outbox.c.state == literal("queued", literal_execute=True))
        .where(_in_range(priorities), outbox.c.not_before <= now)
        .limit(1)
    )
    return found is not None


def _in_range(priorities: tuple[Priority, Priority]) -> ColumnElement[bool]:
    """One comparison for each priority there is, so that the index is walked by equality."""
    first, last = priorities
    return outbox.c.priority.in_([int(one) for one in Priority if first <= one <= last])


async def claim(
    connection: AsyncConnection,
    *,
    node: str,
    now: datetime,
    limit: int,
    priorities: tuple[Priority, Priority],
) -> tuple[Claimed, ...]:
    """Lease up to ``limit`` due rows of a range of priorities, the most urgent first.

    What must not go out any more (expired; the subscription ended, paused, or confirmed meanwhile)
    is settled here and not returned. Two statements whatever the limit. The walk follows
    ix_outbox_claim; nothing of the ledger's past is read.
    """
    due = (
        select(outbox.c.id)
        .where(outbox.c.state == literal("queued", literal_execute=True))
        .where(_in_range(priorities))
        .where(outbox.c.not_before <= now)
        .order_by(outbox.c.priority, outbox.c.not_before, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    leased = await connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(select(due.c.id)))
        .values(
            state=State.SENDING, lease_owner=node, leased_at=now, attempts=outbox.c.attempts + 1
        )
        .returning(outbox)
    )
    rows = {row.id: _claimed(row) for row in leased}
    if not rows:
        return ()
    stopped = await _stop_unwanted(connection, tuple(rows), now)
    wanted = [row for key, row in rows.items() if key not in stopped]
    return tuple(sorted(wanted, key=lambda row: (row.priority, row.id)))


async def _stop_unwanted(
    connection: AsyncConnection, ids: tuple[int, ...], now: datetime
) -> frozenset[int]:
    """Settle those of the leased rows that nobody should get any more."""
    current = (
        select(subscription.c.id)
        .where(subscription.c.id == outbox.c.subscription_id)
        .where(
            case(
                (
                    outbox.c.kind == "confirmation",
                    and_(
                        subscription.c.state == SubscriptionState.PENDING,
                        subscription.c.generation == outbox.c.generation,
                    ),
                ),
                else_=and_(
                    subscription.c.state == SubscriptionState.ACTIVE,
                    or_(
                        subscription.c.paused_until.is_(None),
                        subscription.c.paused_until <= now,
                        outbox.c.kind == "welcome",
                    ),
                ),
            )
        )
        .exists()
    )
    unwanted: ColumnElement[bool] = and_(
        outbox.c.subscription_id.is_not(None), outbox.c.kind.in_(_NEEDS_SUBSCRIPTION), ~current
    )
    outdated = and_(outbox.c.announcement_id.is_not(None), ~_still_true())
    late = outbox.c.expires_at <= now
    stopped = await connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids), or_(late, outdated, unwanted))
        .values(
            state=case((late, State.EXPIRED), (outdated, State.CANCELLED), else_=State.SUPPRESSED),
            reason=case((late, "too late"), (outdated, CHANGED), else_="not wanted any more"),
            lease_owner=None,
            attempts=outbox.c.attempts - 1,
            settled_at=now,
        )
        .returning(outbox.c.id)
    )
    return frozenset(row.id for row in stopped)


CHANGED = "the webinar was changed"


def _still_true() -> ColumnElement[bool]:
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
                    webinar.c.status == "scheduled",
                ),
            ),
        )
        .exists()
    )


async def cancel_outdated(
    connection: AsyncConnection, webinar_ids: Sequence[int], *, now: datetime
) -> int:
    """Cancel what is queued about webinars that have changed since: nobody gets the old time."""
    gone = await connection.execute(
        update(outbox)
        .where(
            outbox.c.state == State.QUEUED,
            outbox.c.announcement_id.in_(
                select(announcement.c.id).where(announcement.c.webinar_id.in_(webinar_ids))
            ),
            ~_still_true(),
        )
        .values(state=State.CANCELLED, reason=CHANGED, settled_at=now)
    )
    return gone.rowcount


# Everything but answers, farewells and what goes to organisers hangs on a subscription.
_NEEDS_SUBSCRIPTION = (
    "announcement",
    "reminder",
    "update",
    "cancellation",
    "follow-up",
    "message",
    "welcome",
    "confirmation",
    "probe",
)


async def settle(
    connection: AsyncConnection,
    settlements: Sequence[Settlement],
    *,
    node: str,
    now: datetime,
) -> None:
    """Write what became of rows that ``node`` holds; a row whose lease is lost is left alone."""
    if not settlements:
        return
    await connection.execute(
        update(outbox)
        .where(
            outbox.c.id == bindparam("b_id"),
            outbox.c.lease_owner == node,
            outbox.c.state == State.SENDING,
        )
        .values(
            state=bindparam("b_state"),
            reason=bindparam("b_reason"),
            not_before=func.coalesce(
                bindparam("b_not_before", type_=outbox.c.not_before.type), outbox.c.not_before
            ),
            attempts=bindparam("b_attempts"),
            reply_code=bindparam("b_reply_code"),
            reply=bindparam("b_reply"),
            doubts=outbox.c.doubts + bindparam("b_doubt"),
            lease_owner=None,
            settled_at=now,
        ),
        [
            {
                "b_id": one.id,
                "b_state": one.state,
                "b_reason": one.reason,
                "b_not_before": one.not_before,
                "b_attempts": one.attempts,
                "b_reply_code": one.reply_code,
                "b_reply": one.reply,
                "b_doubt": int(one.doubt),
            }
            for one in settlements
        ],
    )
    refusals = [
        Refusal(outbox_id=one.id, cls=one.bounce_class, status=one.bounce_status)
        for one in settlements
        if one.bounce_class is not None
    ]
    await note_refusals(connection, refusals, now=now)


async def take_back(connection: AsyncConnection, *, node: str, now: datetime) -> int:
    """Requeue what this node had leased before it stopped without settling: in doubt, sent again
    under the same Message-ID (ADR-0001). Returns how many."""
    back = await connection.execute(
        update(outbox)
        .where(outbox.c.state == State.SENDING, outbox.c.lease_owner == node)
        .values(
            state=State.QUEUED,
            reason="in doubt: the sender stopped",
            lease_owner=None,
            not_before=now,
            doubts=outbox.c.doubts + 1,
        )
    )
    return back.rowcount


async def expire(connection: AsyncConnection, *, now: datetime) -> int:
    """Close every queued row whose deadline has passed. Returns how many."""
    gone = await connection.execute(
        update(outbox)
        .where(outbox.c.state == State.QUEUED, outbox.c.expires_at <= now)
        .values(state=State.EXPIRED, reason="too late", settled_at=now)
    )
    return gone.rowcount


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
            outbox.c.recipient_key == recipient_key,
            outbox.c.subscription_id == subscription_id,
            outbox.c.kind.in_(_NEEDS_SUBSCRIPTION),
        )
        .values(state=State.CANCELLED, reason=reason, settled_at=now)
    )
    return gone.rowcount


async def retry(connection: AsyncConnection, *, now: datetime) -> int:
    """Make every deferred row due now. Returns how many."""
    due = await connection.execute(
        update(outbox)
        .where(outbox.c.state == State.QUEUED, outbox.c.not_before > now, outbox.c.attempts > 0)
        .values(not_before=now)
    )
    return due.rowcount


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When the earliest queued row may go out."""
    found: datetime | None = await connection.scalar(
        select(func.min(outbox.c.not_before)).where(outbox.c.state == State.QUEUED)
    )
    return found


_LOOKED_AT = 10  # times the limit: how many of the oldest rows a sweep reads


async def sweep(connection: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Erase up to ``limit`` of the oldest rows that were settled before an instant, with what came
    back of them and the copies they were the last of. Returns how many; fewer than the limit means
    that there are no more. What is younger than the oldest rows is not even read.
    """
    oldest = select(outbox.c.id).order_by(outbox.c.id).limit(limit * _LOOKED_AT)
    found = await connection.execute(
        select(outbox.c.id, outbox.c.announcement_id)
        .where(
            outbox.c.id.in_(oldest),
            outbox.c.state.not_in((State.QUEUED, State.SENDING)),
            func.coalesce(outbox.c.settled_at, outbox.c.queued_at) < before,
        )
        .order_by(outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = found.all()
    if not rows:
        return 0
    ids = [row.id for row in rows]
    await connection.execute(delete(bounce).where(bounce.c.outbox_id.in_(ids)))
    await connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))
    await connection.execute(
        delete(skeleton).where(
            skeleton.c.announcement_id.in_({row.announcement_id for row in rows} - {None}),
            ~select(outbox.c.id)
            .where(outbox.c.announcement_id == skeleton.c.announcement_id)
            .exists(),
        )
    )
    return len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows by state, disjoint: deferred is queued after an attempt, in doubt is queued or sending
    after an attempt whose end nobody saw."""

    queued: int
    deferred: int
    sending: int
    in_doubt: int
    sent: int
    failed: int
    suppressed: int
    expired: int
    cancelled: int


async def counts(connection: AsyncConnection, *which: ColumnElement[bool]) -> Counts:
    """How the ledger stands, the whole of it or the rows named."""
    label = case(
        (and_(outbox.c.state.in_((State.QUEUED, State.SENDING)), outbox.c.doubts > 0), "in_doubt"),
        (and_(outbox.c.state == State.QUEUED, outbox.c.attempts > 0), "deferred"),
        else_=outbox.c.state,
    ).label("label")
    rows = await connection.execute(
        select(label, func.count().label("n")).where(*which).group_by(label)
    )
    found = {row.label: row.n for row in rows}
    names = Counts.__dataclass_fields__
    return Counts(**{name: found.get(name, 0) for name in names})


def _claimed(row: Row[tuple[object, ...]]) -> Claimed:
    fields = row._mapping
    return Claimed(**{name: fields[name] for name in Claimed.__dataclass_fields__})
