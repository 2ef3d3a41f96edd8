"""Many people at once: how they stand with a series, and making subscriptions of them.

The number of statements does not depend on the number of people. Nothing is decided here about who
may come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.files.people_csv import PersonRow
from mailer.message.command import Channel
from mailer.store.people import Act, State, Subscription, by_id, from_row, selection
from mailer.store.schema import Instant, consent, subscriber, subscription
from mailer.store.statement import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``asked`` when a confirmation of the present generation was queued."""

    state: State
    asked: bool


async def standings(
    connection: AsyncConnection, series_id: str, address_keys: Sequence[str]
) -> dict[str, Standing]:
    """How each of these addresses stands with a series; who never wrote is not in it."""
    rows = await connection.execute(
        select(
            subscriber.c.address_key, subscription.c.state, subscription.c.confirmation_queued_at
        )
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .where(subscriber.c.address_key.in_(address_keys), subscription.c.series_id == series_id)
    )
    return {
        row.address_key: Standing(
            state=State(row.state), asked=row.confirmation_queued_at is not None
        )
        for row in rows
    }


async def enrol(
    connection: AsyncConnection,
    people: Sequence[PersonRow],
    *,
    series_id: str,
    confirmed: bool,
    channel: Channel,
    evidence: str,
    now: datetime,
) -> tuple[Subscription, ...]:
    """Make people pending (they are about to be asked), or active if ``confirmed``, with a note of
    the consent. Who is active, or was asked and is to be asked, is left alone and not returned."""
    if not people:
        return ()
    await _remember(connection, people, now)
    keys = [person.address.key for person in people]
    changed = await _subscribe(connection, keys, series_id, confirmed=confirmed, now=now)
    if not changed:
        return ()
    await connection.execute(
        insert(consent),
        [
            {
                "subscription_id": one,
                "at": now,
                "act": Act.STATED if confirmed else Act.ASKED,
                "channel": channel,
                "evidence": evidence,
            }
            for one in changed
        ],
    )
    rows = await connection.execute(
        selection().where(subscription.c.id.in_(changed)).order_by(subscription.c.id)
    )
    return tuple(from_row(row) for row in rows)


async def ask_anew(
    connection: AsyncConnection, subscription_id: int, *, now: datetime
) -> Subscription:
    """A new generation of a pending subscription, about to be asked: older answers are void."""
    own = subscription.c
    await connection.execute(
        update(subscription)
        .where(own.id == subscription_id, own.state == State.PENDING)
        .values(generation=own.generation + 1, requested_at=now, confirmation_queued_at=now)
    )
    found = await by_id(connection, subscription_id)
    assert found is not None  # it was read in this transaction
    return found


async def _remember(
    connection: AsyncConnection, people: Sequence[PersonRow], now: datetime
) -> None:
    """Persons for all of them; for who is known only what was left empty is filled in."""
    statement = upsert(connection, subscriber)
    new, own = statement.excluded, subscriber.c
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[own.address_key],
            set_={
                "name": case((own.name == "", new.name), else_=own.name),
                "language": func.coalesce(own.language, new.language),
                "timezone": func.coalesce(own.timezone, new.timezone),
            },
        ),
        [
            {
                "address_key": person.address.key,
                "mailbox": person.address.mailbox,
                "name": person.name or "",
                "language": person.language,
                "timezone": person.timezone,
                "created_at": now,
                "updated_at": now,
            }
            for person in people
        ],
    )


async def _subscribe(
    connection: AsyncConnection,
    address_keys: Sequence[str],
    series_id: str,
    *,
    confirmed: bool,
    now: datetime,
) -> list[int]:
    """Subscriptions for all of these; the ids of those that changed."""
    at = literal(now, Instant())
    nothing = literal(None, Instant())
    fields = {
        "series_id": literal(series_id),
        "state": literal(State.ACTIVE if confirmed else State.PENDING),
        "generation": literal(1),
        "since": at if confirmed else nothing,
        "requested_at": at,
        "confirmation_queued_at": nothing if confirmed else at,
    }
    chosen = (
        select(subscriber.c.id, *fields.values())
        .where(subscriber.c.address_key.in_(address_keys))
        .order_by(subscriber.c.id)
    )
    own = subscription.c
    if confirmed:
        changes: dict[str, object] = {"since": now, "ended_at": None, "paused_until": None}
        open_ = own.state != State.ACTIVE
    else:
        again = case((own.state == State.PENDING, own.generation), else_=own.generation + 1)
        changes = {"generation": again, "confirmation_queued_at": now}
        not_asked = (own.state == State.PENDING) & own.confirmation_queued_at.is_(None)
        open_ = or_(own.state.not_in((State.ACTIVE, State.PENDING)), not_asked)
    made = await connection.execute(
        upsert(connection, subscription)
        .from_select(["subscriber_id", *fields], chosen)
        .on_conflict_do_update(
            index_elements=[own.subscriber_id, own.series_id],
            set_={
                "state": State.ACTIVE if confirmed else State.PENDING,
                "requested_at": now,
                **changes,
            },
            where=open_,
        )
        .returning(own.id)
    )
    return [row.id for row in made]
