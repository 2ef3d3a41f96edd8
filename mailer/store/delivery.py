"""What became of an announcement: how many got it, how many not and why, and who left over it.

A reason is the class and enhanced status of a bounce, or what a server said, without what differs
from mail to mail. Only reads; the same for a hundred mails and for a million.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import BigInteger, Row, case, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.judgement import BounceClass
from mailer.message.report_class import status_in
from mailer.store.outbox import State as RowState
from mailer.store.people import State
from mailer.store.schema import bounce, outbox, subscription
from mailer.store.tally import Counts, counts

# Of a reply: its code and, as a rule, its enhanced status; what follows differs from mail to mail.
_REPLY_HEAD = 10
FELT_FOR = timedelta(days=7)
# Rows that a server, or we, gave a reason for; a row that only waits for its time has none.
_GIVES_REASON = (outbox.c.state != RowState.SENT) & (
    (outbox.c.reason != "") | (outbox.c.reply != "")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why mails of an announcement did not arrive, or have not yet: ``state`` is that of their rows
    (``sent`` for one that came back later), ``example`` what a server said of one of them."""

    state: str
    reason: str
    cls: BounceClass | None
    status: str
    count: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of an announcement: its rows by state as in `tally.Counts`, how many of those
    that were sent came back, and why, the most frequent reason first. ``complained`` and ``left``
    are who did so within `FELT_FOR` of getting it, whatever it was that they minded."""

    states: Counts
    came_back: int
    complained: int
    left: int
    failures: tuple[Failure, ...]


async def outcome(connection: AsyncConnection, announcement_id: int) -> Delivery:
    """What became of an announcement's mails, in three statements however many they are."""
    of_it = outbox.c.announcement_id == announcement_id
    head = func.substr(outbox.c.reply, 1, _REPLY_HEAD)
    known = (bounce.c["class"], bounce.c.status)
    groups = await connection.execute(
        select(
            outbox.c.state,
            outbox.c.reason,
            known[0].label("cls"),
            known[1].label("status"),
            func.count().label("n"),
            func.min(func.coalesce(bounce.c.detail, outbox.c.reply)).label("example"),
        )
        .outerjoin(bounce, bounce.c.outbox_id == outbox.c.id)
        .where(of_it, or_(bounce.c.id.is_not(None), _GIVES_REASON))
        .group_by(outbox.c.state, outbox.c.reason, *known, case((known[0].is_(None), head)))
    )
    found = [_failure(row) for row in groups]
    gone = await _gone(connection, announcement_id)
    return Delivery(
        states=await counts(connection, of_it),
        came_back=sum(one.count for one in found if one.state == RowState.SENT),
        complained=gone.get(State.COMPLAINED, 0),
        left=gone.get(State.UNSUBSCRIBED, 0),
        failures=_merged(found),
    )


async def _gone(connection: AsyncConnection, announcement_id: int) -> dict[str, int]:
    """How many of its readers ended their subscription soon after, by how."""
    felt = int(FELT_FOR / timedelta(milliseconds=1))
    rows = await connection.execute(
        select(subscription.c.state, func.count().label("n"))
        .join(outbox, outbox.c.subscription_id == subscription.c.id)
        .where(
            outbox.c.announcement_id == announcement_id,
            outbox.c.state == RowState.SENT,
            subscription.c.state.in_((State.COMPLAINED, State.UNSUBSCRIBED)),
            subscription.c.ended_at >= outbox.c.settled_at,
            type_coerce(subscription.c.ended_at, BigInteger)
            < type_coerce(outbox.c.settled_at, BigInteger) + felt,
        )
        .group_by(subscription.c.state)
    )
    return {row.state: row.n for row in rows}


def _failure(row: Row[tuple[object, ...]]) -> Failure:
    fields = row._mapping
    return Failure(
        state=fields["state"],
        reason=fields["reason"],
        cls=BounceClass(fields["cls"]) if fields["cls"] else None,
        status=fields["status"] or status_in(fields["example"]),
        count=fields["n"],
        example=fields["example"],
    )


def _merged(found: Sequence[Failure]) -> tuple[Failure, ...]:
    """One for each reason, whatever words the servers used for it."""
    merged: dict[tuple[object, ...], Failure] = {}
    for one in found:
        key = (one.state, one.reason, one.cls, one.status or one.example[:_REPLY_HEAD])
        first = merged.get(key, replace(one, count=0))
        merged[key] = replace(
            first, count=first.count + one.count, example=min(first.example, one.example)
        )
    return tuple(sorted(merged.values(), key=lambda one: (-one.count, one.state, one.status)))
