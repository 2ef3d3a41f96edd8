"""The yearly question: who is to be asked, who did not answer, who said yes.

An answer is whatever a person did: a word in a mail or on a page, a registration, a preference.
What they read or click in our mails is not known. A question counts for `FORGOTTEN_AFTER`; whoever
was asked before that (the question was switched off meanwhile) is asked from the beginning.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import people
from mailer.store.outbox import State as RowState
from mailer.store.people import Act, Subscription
from mailer.store.schema import (
    Instant,
    consent,
    inbound,
    outbox,
    registration,
    renewal,
    subscriber,
    subscription,
)
from mailer.store.statement import upsert

ASKED_AFTER = timedelta(days=365)
ANSWER_WITHIN = timedelta(days=30)
FORGOTTEN_AFTER = timedelta(days=120)
KIND = "question"

_YES = (Act.CONFIRMED, Act.STATED, Act.RETURNED)
_NO_WORD = ("Nothing", "ReturnPath", "Complaint", "")  # commands that no person gave


class Turn(IntEnum):
    """How often somebody was asked before."""

    FIRST = 0
    SECOND = 1
    END = 2


async def due(
    connection: AsyncConnection,
    series_id: str,
    turn: Turn,
    *,
    after: int,
    now: datetime,
    limit: int,
) -> tuple[Subscription, ...]:
    """Some of those whose turn it is (to be asked the first time, the second time, or not again),
    by id, behind one."""
    statement = (
        people.selection()
        .outerjoin(renewal, renewal.c.subscription_id == subscription.c.id)
        .where(
            subscription.c.series_id == series_id,
            subscription.c.state == people.State.ACTIVE,
            subscription.c.id > after,
            or_(subscription.c.paused_until.is_(None), subscription.c.paused_until <= now),
            _waits_since(turn, now),
        )
        .order_by(subscription.c.id)
        .limit(limit)
    )
    return tuple(people.from_row(row) for row in await connection.execute(statement))


def _waits_since(turn: Turn, now: datetime) -> ColumnElement[bool]:
    if turn is Turn.FIRST:
        before = now - ASKED_AFTER
        return and_(
            subscription.c.since <= before,
            or_(
                renewal.c.subscription_id.is_(None),
                renewal.c.asked_at <= now - FORGOTTEN_AFTER,
            ),
            ~_did_something(literal(before, Instant())),
        )
    unanswered = and_(
        renewal.c.asked == int(turn),
        renewal.c.answered_at.is_(None),
        renewal.c.asked_at <= now - ANSWER_WITHIN,
        renewal.c.asked_at > now - FORGOTTEN_AFTER,
        ~_did_something(renewal.c.asked_at),
    )
    return unanswered if turn is Turn.SECOND else and_(unanswered, _got_the_question())


def _did_something(after: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether the person gave a sign of their own since then."""
    signs = (
        exists().where(
            consent.c.subscription_id == subscription.c.id,
            consent.c.act.in_(_YES),
            consent.c.at > after,
        ),
        exists().where(registration.c.subscriber_id == subscriber.c.id, registration.c.at > after),
        exists().where(
            inbound.c.author_key == subscriber.c.address_key,
            inbound.c.received_at > after,
            inbound.c.command.not_in(_NO_WORD),
        ),
        subscriber.c.updated_at > after,
        and_(renewal.c.answered_at.is_not(None), renewal.c.answered_at > after),
    )
    return or_(*signs)


def _got_the_question() -> ColumnElement[bool]:
    """Whether the last question left: silence to what was never asked says nothing."""
    return exists().where(
        outbox.c.announcement_id.is_(None),
        outbox.c.recipient_key == subscriber.c.address_key,
        outbox.c.subscription_id == subscription.c.id,
        outbox.c.kind == KIND,
        outbox.c.state == RowState.SENT,
        outbox.c.queued_at >= renewal.c.asked_at,
    )


async def asked(
    connection: AsyncConnection, subscription_id: int, turn: Turn, *, now: datetime
) -> None:
    """Note that they were asked once more."""
    values = {"asked": int(turn) + 1, "asked_at": now}
    statement = upsert(connection, renewal).values(subscription_id=subscription_id, **values)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[renewal.c.subscription_id], set_={**values, "answered_at": None}
        )
    )


async def answered(connection: AsyncConnection, subscription_id: int, *, now: datetime) -> bool:
    """Note that they said yes; False if they had not been asked."""
    noted = await connection.execute(
        update(renewal)
        .where(renewal.c.subscription_id == subscription_id, renewal.c.answered_at.is_(None))
        .values(answered_at=now)
    )
    return noted.rowcount == 1


async def remember(connection: AsyncConnection, *, before: datetime) -> None:
    """Keep what mails older than that say of their authors: the journal is about to erase them, and
    a sign of their own counts for a year. A mail from before a question does not answer it."""
    signs = (
        select(
            subscription.c.id,
            literal(0),
            func.max(inbound.c.received_at),
            func.max(inbound.c.received_at),
        )
        .join(subscriber, subscriber.c.address_key == inbound.c.author_key)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .where(inbound.c.received_at < before, inbound.c.command.not_in(_NO_WORD))
        .group_by(subscription.c.id)
    )
    columns = ["subscription_id", "asked", "asked_at", "answered_at"]
    statement = upsert(connection, renewal).from_select(columns, signs)
    said = statement.excluded.answered_at
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[renewal.c.subscription_id],
            set_={"answered_at": said},
            where=and_(
                renewal.c.asked_at < said,
                or_(renewal.c.answered_at.is_(None), renewal.c.answered_at < said),
            ),
        )
    )


async def waits(connection: AsyncConnection, subscription_id: int) -> bool:
    """Whether somebody was asked and has not said yes."""
    found = await connection.scalar(
        select(renewal.c.asked).where(
            renewal.c.subscription_id == subscription_id, renewal.c.answered_at.is_(None)
        )
    )
    return found is not None


async def since(connection: AsyncConnection, subscription_id: int) -> datetime | None:
    """When they said that they want the mails, the last time before they were ever asked."""
    found: datetime | None = await connection.scalar(
        select(consent.c.at)
        .where(consent.c.subscription_id == subscription_id, consent.c.act.in_(_YES))
        .order_by(consent.c.at.desc())
        .limit(1)
    )
    return found
