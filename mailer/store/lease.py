"""Leases rows of the ledger to a node, and takes them back from one that stopped.

A claim is one statement, made once: it walks ix_outbox_claim to its limit, looks up by key what
each row depends on, and settles on the way what must not go out any more. Nothing of the ledger's
past is read, so a row costs the same in a small ledger and in a large one (bench/ledger.py;
tests/store/test_plans.py reads the plans).
"""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    case,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import PARKED_FROM, Priority, State, at_once, is_leased, is_queued
from mailer.store.people import State as SubscriptionState
from mailer.store.prepared import Prepared
from mailer.store.schema import Instant, outbox, subscription
from mailer.store.withdrawal import CHANGED, NEEDS_SUBSCRIPTION, TOO_LATE, still_true

PACED = "waits for the turn of its domain"  # the reason of a row whose domain has its limit
UNWANTED = "not wanted any more"


class Claimed(NamedTuple):
    """A row leased to this node, with all that sending needs. ``paced`` says that its domain's
    limit put it off to this moment. A tuple, as there may be thousands of them a second."""

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
    told_sequence: int
    generation: int
    data: str
    answered: str
    blob_id: int | None
    queued_at: datetime
    not_before: datetime
    expires_at: datetime | None
    attempts: int
    paced: bool = False


# The statements of this file are one text for good: no list in them grows with what is asked.
_NOW = bindparam("now", type_=Instant())
_PRIORITIES = [f"priority_{number}" for number, _ in enumerate(Priority)]


def _is_due() -> ColumnElement[bool]:
    """Queued, of the priorities asked for, and its time has come. One comparison for each priority
    there is, so that the index is walked by equality."""
    return and_(
        is_queued(),
        outbox.c.priority.in_([bindparam(name) for name in _PRIORITIES]),
        outbox.c.not_before <= _NOW,
    )


def _asked(priorities: tuple[Priority, Priority]) -> dict[str, int]:
    """The parameters for a range of priorities; places that are left over repeat the last."""
    first, last = priorities
    return {
        name: int(one) if first <= one <= last else int(last)
        for name, one in zip(_PRIORITIES, Priority, strict=True)
    }


# In order, so that nobody looks for the first of them among all that has been sent.
_HAS_DUE: Select[Any] = (
    select(literal_column("1"))
    .where(_is_due())
    .order_by(outbox.c.priority, outbox.c.not_before)
    .limit(1)
)


async def has_due(
    connection: AsyncConnection, *, now: datetime, priorities: tuple[Priority, Priority]
) -> bool:
    """Whether a claim of these priorities would find anything."""
    return await connection.scalar(_HAS_DUE, {"now": now, **_asked(priorities)}) is not None


def _verdict() -> ColumnElement[str]:
    """The state that a due row gets: `sending`, or why nobody should get it any more."""
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
                        subscription.c.paused_until <= _NOW,
                        outbox.c.kind == "welcome",
                    ),
                ),
            )
        )
        .exists()
    )
    unwanted = and_(
        outbox.c.subscription_id.is_not(None),
        outbox.c.kind.in_([literal(kind) for kind in NEEDS_SUBSCRIPTION]),
        ~current,
    )
    outdated = and_(outbox.c.announcement_id.is_not(None), ~still_true())
    return case(
        (outbox.c.expires_at <= _NOW, State.EXPIRED),
        (outdated, State.CANCELLED),
        (unwanted, State.SUPPRESSED),
        else_=State.SENDING,
    )


def _claim() -> Update:
    """The statement of `claim`: the verdict on each due row, and what follows from it."""
    due = (
        select(outbox.c.id, _verdict().label("verdict"))
        .where(_is_due())
        .order_by(outbox.c.priority, outbox.c.not_before, outbox.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, of=outbox)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    goes = due.c.verdict == State.SENDING
    reasons = {State.EXPIRED: TOO_LATE, State.CANCELLED: CHANGED, State.SUPPRESSED: UNWANTED}
    return (
        update(outbox)
        .where(outbox.c.id == due.c.id)
        .values(
            state=due.c.verdict,
            reason=case(reasons, value=due.c.verdict, else_=outbox.c.reason),
            lease_owner=case((goes, bindparam("node"))),
            leased_at=_NOW,
            attempts=outbox.c.attempts + case((goes, 1), else_=0),
            settled_at=case((goes, outbox.c.settled_at), else_=_NOW),
        )
        .returning(
            *(outbox.c[name] for name in Claimed._fields if name != "paced"),
            (outbox.c.reason == PACED).label("paced"),
            outbox.c.state,
        )
    )


_CLAIM = Prepared(lambda _: _claim())
_URGENCY = attrgetter("priority", "id")


async def claim(
    connection: AsyncConnection,
    *,
    node: str,
    now: datetime,
    limit: int,
    priorities: tuple[Priority, Priority],
) -> tuple[Claimed, ...]:
    """Lease up to ``limit`` due rows of a range of priorities, the most urgent first.

    What must not go out any more (expired; the webinar changed; the subscription ended, paused, or
    confirmed meanwhile) is settled here and not returned: there may be fewer rows than are due.
    """
    found = await _CLAIM.rows(connection, node=node, now=now, limit=limit, **_asked(priorities))
    leased = [Claimed._make(row[:-1]) for row in found if row[-1] == State.SENDING]
    return tuple(sorted(leased, key=_URGENCY))


async def take_back(connection: AsyncConnection, *, node: str, now: datetime) -> int:
    """Requeue what this node had leased before it stopped without settling: in doubt, sent again
    under the same Message-ID (ADR-0001). Returns how many.

    What waits for the turn of its domain has lost it with the node, and is due now.
    """
    turn = case(
        (outbox.c.not_before < PARKED_FROM, literal(now, Instant())), else_=outbox.c.not_before
    )
    await connection.execute(
        update(outbox)
        .where(is_queued(), outbox.c.reason != literal_column("''"), outbox.c.reason == PACED)
        .values(reason="", not_before=turn)
    )
    return await requeue_in_doubt(
        connection, outbox.c.lease_owner == node, reason="in doubt: the sender stopped", now=now
    )


async def requeue_in_doubt(
    connection: AsyncConnection, which: ColumnElement[bool], *, reason: str, now: datetime
) -> int:
    """Requeue leased rows of which nobody knows whether they went out. Returns how many."""
    back = await connection.execute(
        update(outbox)
        .where(is_leased(), which)
        .values(
            state=State.QUEUED,
            reason=reason,
            lease_owner=None,
            not_before=at_once(now),
            doubts=outbox.c.doubts + 1,
        )
    )
    return back.rowcount
