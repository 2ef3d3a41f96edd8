"""Who takes part in a webinar and need not be subscribed: its speakers and hosts with an address.

They get its reminders, and what corrects one. Their rows of the ledger belong to the announcement,
have no subscription, and carry their letter. Whoever gets a mailing as a subscriber gets it once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.address import Address
from mailer.store import history, people
from mailer.store.announcement import Announcement
from mailer.store.audience import NEVER_TOLD
from mailer.store.outbox import State
from mailer.store.schema import announcement, outbox, registration, subscriber, subscription
from scheduler.change import outdated
from scheduler.model import Audience, Kind

KINDS = (Kind.REMINDER, Kind.UPDATE, Kind.CANCELLATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a known person prefers; None where they never said."""

    language: str | None = None
    timezone: str | None = None


def _is_speakers() -> ColumnElement[bool]:
    """Written out, as the index of these rows has it."""
    return and_(
        outbox.c.announcement_id.is_not(None),
        outbox.c.subscription_id.is_(None),
        outbox.c.recipient_key != literal_column("''"),
    )


async def owed(
    connection: AsyncConnection, item: Announcement, keys: Collection[str]
) -> dict[str, int]:
    """Which of these addresses are owed a mailing for taking part, with the sequence of the webinar
    that they were told of last."""
    if item.kind not in KINDS or item.webinar_id is None or not keys:
        return {}
    got = await _got_it(connection, item, keys)
    told = await _told(connection, item, keys)
    if item.kind is Kind.REMINDER:
        return {key: told.get(key, NEVER_TOLD) for key in keys if key not in got}
    found = (await history.of_webinars(connection, [item.webinar_id], {})).get(item.webinar_id)
    wrong = outdated(found, registered=True) if found else ()
    return {key: told[key] for key in keys if key in told and told[key] in wrong and key not in got}


async def _got_it(
    connection: AsyncConnection, item: Announcement, keys: Collection[str]
) -> frozenset[str]:
    """Who has this mailing, or what the same notice said of the same time: as somebody who takes
    part, or as a subscriber."""
    same: ColumnElement[bool] = announcement.c.id == item.id
    if item.kind is Kind.REMINDER:
        same = or_(
            same,
            and_(
                announcement.c.webinar_id == item.webinar_id,
                announcement.c.notice_id == item.notice_id,
                announcement.c.due_at == item.due_at,
            ),
        )
    sequence = {"sequence": item.sequence}
    theirs = await connection.execute(
        select(outbox.c.recipient_key)
        .join(announcement, announcement.c.id == outbox.c.announcement_id)
        .where(same, _is_speakers(), outbox.c.recipient_key.in_(keys))
        .where(history.tells(announcement.c.sequence)),
        sequence,
    )
    subscribed = await connection.execute(
        select(subscriber.c.address_key)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .join(outbox, outbox.c.subscription_id == subscription.c.id)
        .join(announcement, announcement.c.id == outbox.c.announcement_id)
        .where(
            subscriber.c.address_key.in_(keys),
            subscription.c.series_id == item.series_id,
            outbox.c.announcement_id.is_not(None),
            same,
        )
        .where(history.tells(announcement.c.sequence)),
        sequence,
    )
    return frozenset(row[0] for row in (*theirs, *subscribed))


async def _told(
    connection: AsyncConnection, item: Announcement, keys: Collection[str]
) -> dict[str, int]:
    """As of which sequence they were told of the webinar last: for taking part, or as somebody who
    was subscribed then and is not any more. Who is subscribed hears of it as such."""
    taking_part = (
        select(outbox.c.recipient_key, announcement.c.sequence)
        .join(announcement, announcement.c.id == outbox.c.announcement_id)
        .where(
            announcement.c.webinar_id == item.webinar_id,
            _is_speakers(),
            outbox.c.recipient_key.in_(keys),
            history.may_have_told(),
        )
    )
    were_subscribed = (
        select(subscriber.c.address_key, subscription.c.id)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .where(
            subscriber.c.address_key.in_(keys),
            subscription.c.series_id == item.series_id,
            subscription.c.state != people.State.ACTIVE,
        )
    )
    whose = {row.id: row.address_key for row in await connection.execute(were_subscribed)}
    found: dict[str, int] = {}
    for key, sequence in await connection.execute(taking_part):
        found[key] = max(sequence, found.get(key, sequence))
    for (one, about), sequence in (await history.known_to(connection, tuple(whose))).items():
        if about == item.webinar_id:
            found[whose[one]] = max(sequence, found.get(whose[one], sequence))
    return found


async def once_told(connection: AsyncConnection, webinar_id: int) -> tuple[Address, ...]:
    """Everybody who was told of a webinar for taking part in it, whether they still do or not."""
    rows = await connection.execute(
        select(outbox.c.recipient_key, func.max(outbox.c.recipient).label("recipient"))
        .join(announcement, announcement.c.id == outbox.c.announcement_id)
        .where(announcement.c.webinar_id == webinar_id, _is_speakers(), history.may_have_told())
        .group_by(outbox.c.recipient_key)
        .order_by(outbox.c.recipient_key)
    )
    return tuple(Address(key=row.recipient_key, mailbox=row.recipient) for row in rows)


async def read_as_subscribers(
    connection: AsyncConnection, item: Announcement, keys: Collection[str], *, now: datetime
) -> frozenset[str]:
    """Which of these addresses a mailing reaches as subscribers, as things stand."""
    said = {
        state: exists().where(
            registration.c.webinar_id == item.webinar_id,
            registration.c.subscriber_id == subscriber.c.id,
            registration.c.state == state,
        )
        for state in ("registered", "declined")
    }
    audience = {
        Audience.REGISTERED: said["registered"],
        Audience.UNREGISTERED: and_(~said["registered"], ~said["declined"]),
        Audience.SUBSCRIBED: ~said["declined"],
    }
    rows = await connection.execute(
        select(subscriber.c.address_key)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .where(
            subscriber.c.address_key.in_(keys),
            subscription.c.series_id == item.series_id,
            subscription.c.state == people.State.ACTIVE,
            subscription.c.since <= item.released_at,
            or_(subscription.c.paused_until.is_(None), subscription.c.paused_until <= now),
            audience[item.audience],
        )
    )
    return frozenset(row.address_key for row in rows)


async def preferences(
    connection: AsyncConnection, keys: Collection[str]
) -> Mapping[str, Preferences]:
    """What those of them prefer who are known, subscribed or not."""
    rows = await connection.execute(
        select(subscriber.c.address_key, subscriber.c.language, subscriber.c.timezone).where(
            subscriber.c.address_key.in_(keys)
        )
    )
    return {
        row.address_key: Preferences(language=row.language, timezone=row.timezone) for row in rows
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Whom a row of this kind went to, and for which series."""

    series_id: str
    address: Address


async def part(connection: AsyncConnection, row_id: int) -> Part | None:
    """Who takes part, by a row of theirs; None if it is no such row."""
    row = (
        await connection.execute(
            select(outbox.c.series_id, outbox.c.recipient_key, outbox.c.recipient).where(
                outbox.c.id == row_id, _is_speakers()
            )
        )
    ).one_or_none()
    if row is None:
        return None
    address = Address(key=row.recipient_key, mailbox=row.recipient)
    return Part(series_id=row.series_id, address=address)


async def call_off(
    connection: AsyncConnection, address_key: str, series_id: str, *, reason: str, now: datetime
) -> None:
    """Stop what has not gone out to somebody who wants no more of it."""
    await connection.execute(
        update(outbox)
        .where(
            _is_speakers(),
            outbox.c.recipient_key == address_key,
            outbox.c.series_id == series_id,
            outbox.c.state == State.QUEUED,
        )
        .values(state=State.CANCELLED, reason=reason, settled_at=now)
    )
