"""Subscribers and their subscriptions: who wants a series' mail, and since when.

A person is their address (`Address.key`). ``generation`` counts how often a subscription was asked
for or ended; a confirm token carries it, so that an old one confirms nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, Select, bindparam, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.store.prepared import Columns, Prepared
from mailer.store.schema import consent, outbox, renewal, subscriber, subscription


class State(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Act(StrEnum):
    """What happened to a consent; kept for as long as the person is."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    STATED = "stated"  # an organiser says how consent was given
    LEFT = "left"
    RETURNED = "returned"  # undid leaving
    LAPSED = "lapsed"
    MOVED = "moved"  # the address was changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One person's subscription to one series."""

    id: int
    subscriber_id: int
    series_id: str
    address: Address
    name: str
    language: str | None
    timezone: str | None
    state: State
    generation: int
    since: datetime | None
    requested_at: datetime
    confirmation_queued_at: datetime | None
    ended_at: datetime | None
    paused_until: datetime | None


_PERSON = (
    subscriber.c.address_key,
    subscriber.c.mailbox,
    subscriber.c.name,
    subscriber.c.language,
    subscriber.c.timezone,
)
_COLUMNS = tuple(column.key for column in (*subscription.c, *_PERSON))


def selection() -> Select[tuple[object, ...]]:
    """SELECT of every subscription with its person, for `from_row`."""
    return select(subscription, *_PERSON).join(
        subscriber, subscriber.c.id == subscription.c.subscriber_id
    )


def from_row(row: Row[tuple[object, ...]]) -> Subscription:
    """A row of `selection` as a value."""
    return _from_columns(tuple(row))


def _from_columns(row: Columns) -> Subscription:
    fields = dict(zip(_COLUMNS, row, strict=True))
    return Subscription(
        id=fields["id"],
        subscriber_id=fields["subscriber_id"],
        series_id=fields["series_id"],
        address=Address(key=fields["address_key"], mailbox=fields["mailbox"]),
        name=fields["name"],
        language=fields["language"],
        timezone=fields["timezone"],
        state=State(fields["state"]),
        generation=fields["generation"],
        since=fields["since"],
        requested_at=fields["requested_at"],
        confirmation_queued_at=fields["confirmation_queued_at"],
        ended_at=fields["ended_at"],
        paused_until=fields["paused_until"],
    )


async def find(
    connection: AsyncConnection, series_id: str, address_key: str
) -> Subscription | None:
    """The subscription of an address to a series."""
    row = await _FIND.row(connection, key=address_key, series=series_id)
    return None if row is None else _from_columns(row)


_FIND = Prepared(
    lambda _: selection().where(
        subscriber.c.address_key == bindparam("key"),
        subscription.c.series_id == bindparam("series"),
    )
)


async def by_id(connection: AsyncConnection, subscription_id: int) -> Subscription | None:
    """The subscription with this id."""
    row = await _BY_ID.row(connection, which=subscription_id)
    return None if row is None else _from_columns(row)


_BY_ID = Prepared(lambda _: selection().where(subscription.c.id == bindparam("which")))


async def of_person(connection: AsyncConnection, address_key: str) -> tuple[Subscription, ...]:
    """Every subscription of an address, by series."""
    rows = await _OF_PERSON.rows(connection, key=address_key)
    return tuple(map(_from_columns, rows))


_OF_PERSON = Prepared(
    lambda _: (
        selection()
        .where(subscriber.c.address_key == bindparam("key"))
        .order_by(subscription.c.series_id)
    )
)


async def ask(
    connection: AsyncConnection,
    *,
    series_id: str,
    address: Address,
    language: str | None,
    now: datetime,
) -> Subscription:
    """Note a wish to subscribe: a pending subscription of a new generation.

    A person who is pending already keeps their generation, so that every confirmation in their
    mailbox still works. Returns the subscription as it stands afterwards.
    """
    person = await _remember(connection, address=address, language=language, now=now)
    row = await _ASK.row(
        connection, person=person[0], series=series_id, asked=State.PENDING, at=now
    )
    if row is not None:
        return _from_columns((*row, *person[1:]))
    kept = await find(connection, series_id, address.key)
    assert kept is not None  # pending or active, so nothing was written
    return kept


_ASK = Prepared(
    lambda insert: (
        insert(subscription)
        .values(
            subscriber_id=bindparam("person"),
            series_id=bindparam("series"),
            state=bindparam("asked"),
            generation=1,
            requested_at=bindparam("at"),
        )
        .on_conflict_do_update(
            index_elements=[subscription.c.subscriber_id, subscription.c.series_id],
            set_={
                "state": bindparam("asked"),
                "generation": subscription.c.generation + 1,
                "requested_at": bindparam("at"),
                "confirmation_queued_at": None,
            },
            where=(subscription.c.state != State.ACTIVE) & (subscription.c.state != State.PENDING),
        )
        .returning(*subscription.c)
    )
)


async def _remember(
    connection: AsyncConnection, *, address: Address, language: str | None, now: datetime
) -> Columns:
    """Id and the columns of `_PERSON` of the person with this address."""
    found = await _REMEMBER.row(
        connection, key=address.key, mail=address.mailbox, spoken=language, at=now
    )
    assert found is not None
    return found


_REMEMBER = Prepared(
    lambda insert: (
        insert(subscriber)
        .values(
            address_key=bindparam("key"),
            mailbox=bindparam("mail"),
            language=bindparam("spoken"),
            created_at=bindparam("at"),
            updated_at=bindparam("at"),
        )
        .on_conflict_do_update(  # changes nothing, but tells who it is
            index_elements=[subscriber.c.address_key],
            set_={"address_key": subscriber.c.address_key},
        )
        .returning(subscriber.c.id, *_PERSON)
    )
)


async def activate(connection: AsyncConnection, subscription_id: int, *, now: datetime) -> None:
    """The person has confirmed."""
    await connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id)
        .values(state=State.ACTIVE, since=now, ended_at=None, paused_until=None)
    )


async def end(
    connection: AsyncConnection, subscription_id: int, *, state: State, now: datetime
) -> None:
    """The subscription is over; tokens that would confirm it are of an older generation now."""
    await connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id)
        .values(state=state, generation=subscription.c.generation + 1, ended_at=now)
    )


async def confirmation_queued(
    connection: AsyncConnection, subscription_id: int, *, now: datetime
) -> None:
    """Note when the last confirmation request was queued."""
    await _CONFIRMATION_QUEUED.rows(connection, which=subscription_id, at=now)


_CONFIRMATION_QUEUED = Prepared(
    lambda _: (
        update(subscription)
        .where(subscription.c.id == bindparam("which"))
        .values(confirmation_queued_at=bindparam("at"))
    )
)


async def prefer(
    connection: AsyncConnection,
    subscriber_id: int,
    *,
    now: datetime,
    language: str | None = None,
    timezone: str | None = None,
) -> None:
    """Set what a person prefers; None leaves a preference as it is."""
    wanted = {"language": language, "timezone": timezone}
    changes = {key: value for key, value in wanted.items() if value is not None}
    await connection.execute(
        update(subscriber).where(subscriber.c.id == subscriber_id).values(updated_at=now, **changes)
    )


async def pause(
    connection: AsyncConnection, subscription_id: int, *, until: datetime | None
) -> None:
    """No programme mail until then; None ends a pause."""
    await connection.execute(
        update(subscription).where(subscription.c.id == subscription_id).values(paused_until=until)
    )


async def note_consent(
    connection: AsyncConnection,
    subscription_id: int,
    *,
    act: Act,
    channel: Channel,
    evidence: str,
    now: datetime,
) -> None:
    """Keep what was said, by which way, and what shows it (a Message-ID, an organiser's words)."""
    await _NOTE_CONSENT.rows(
        connection,
        which=subscription_id,
        when=now,
        what=act,
        by=channel,
        shown_by=evidence,
    )


_NOTE_CONSENT = Prepared(
    lambda insert: insert(consent).values(
        subscription_id=bindparam("which"),
        at=bindparam("when"),
        act=bindparam("what"),
        channel=bindparam("by"),
        evidence=bindparam("shown_by"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    at: datetime
    act: Act
    channel: str
    evidence: str


async def consents(connection: AsyncConnection, subscription_id: int) -> tuple[Consent, ...]:
    """The consent record of a subscription, oldest first."""
    rows = await connection.execute(
        select(consent.c.at, consent.c.act, consent.c.channel, consent.c.evidence)
        .where(consent.c.subscription_id == subscription_id)
        .order_by(consent.c.id)
    )
    return tuple(
        Consent(at=row.at, act=Act(row.act), channel=row.channel, evidence=row.evidence)
        for row in rows
    )


async def lapse(connection: AsyncConnection, *, before: datetime, now: datetime) -> int:
    """Erase who never confirmed since ``before``; who had been subscribed once goes back to having
    left. Returns how many were pending too long. The time to answer begins when the question went
    out: it may have waited behind a large import or for the mail server."""
    may_answer = (
        exists()
        .where(
            subscriber.c.id == subscription.c.subscriber_id,
            outbox.c.announcement_id.is_(None),
            outbox.c.recipient_key == subscriber.c.address_key,
            outbox.c.subscription_id == subscription.c.id,
            outbox.c.kind == "confirmation",
            outbox.c.generation == subscription.c.generation,
            outbox.c.state.in_(("queued", "sending"))
            | ((outbox.c.state == "sent") & (outbox.c.settled_at >= before)),
        )
        .correlate(subscription)
    )
    stale = (
        (subscription.c.state == State.PENDING)
        & (subscription.c.requested_at < before)
        & ~may_answer
    )
    returned = await connection.execute(
        update(subscription)
        .where(stale, subscription.c.ended_at.is_not(None))
        .values(state=State.UNSUBSCRIBED, generation=subscription.c.generation + 1)
    )
    gone = select(subscription.c.id).where(stale)
    await connection.execute(delete(consent).where(consent.c.subscription_id.in_(gone)))
    await connection.execute(delete(renewal).where(renewal.c.subscription_id.in_(gone)))
    erased = await connection.execute(delete(subscription).where(stale))
    await connection.execute(
        delete(subscriber).where(
            subscriber.c.id.not_in(select(subscription.c.subscriber_id)),
            subscriber.c.created_at < before,
        )
    )
    return returned.rowcount + erased.rowcount
