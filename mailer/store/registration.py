"""Who comes to which webinar, and who said they do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import registration, subscriber, webinar
from mailer.store.statement import upsert

REPORT = "report-registrations"  # the mail that brings organisers the list


class State(StrEnum):
    REGISTERED = "registered"
    WAITING = "waiting"  # all places are taken (`seat`)
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    webinar: str
    address: str
    name: str
    state: State
    at: datetime


async def choose(
    connection: AsyncConnection,
    subscriber_id: int,
    webinar_id: int,
    state: State,
    *,
    now: datetime,
) -> None:
    """Store what a person said last about a webinar."""
    statement = upsert(connection, registration).values(
        subscriber_id=subscriber_id, webinar_id=webinar_id, state=state, at=now
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[registration.c.webinar_id, registration.c.subscriber_id],
            set_={"state": state, "at": now},
        )
    )


async def of(connection: AsyncConnection, subscriber_id: int, webinar_id: int) -> State | None:
    """What a person said last about a webinar, None if nothing."""
    found = await connection.scalar(
        select(registration.c.state).where(
            registration.c.subscriber_id == subscriber_id, registration.c.webinar_id == webinar_id
        )
    )
    return None if found is None else State(found)


async def listing(
    connection: AsyncConnection,
    *,
    webinar_id: int | None = None,
    subscriber_id: int | None = None,
    series_id: str | None = None,
) -> tuple[Registration, ...]:
    """Registrations of a webinar or of a person, in one series or all, oldest first."""
    statement = (
        select(
            webinar.c.slug,
            subscriber.c.mailbox,
            subscriber.c.name,
            registration.c.state,
            registration.c.at,
        )
        .join(webinar, webinar.c.id == registration.c.webinar_id)
        .join(subscriber, subscriber.c.id == registration.c.subscriber_id)
        .order_by(registration.c.at, registration.c.id)
    )
    if webinar_id is not None:
        statement = statement.where(registration.c.webinar_id == webinar_id)
    if subscriber_id is not None:
        statement = statement.where(registration.c.subscriber_id == subscriber_id)
    if series_id is not None:
        statement = statement.where(webinar.c.series_id == series_id)
    return tuple(
        Registration(
            webinar=row.slug,
            address=row.mailbox,
            name=row.name,
            state=State(row.state),
            at=row.at,
        )
        for row in await connection.execute(statement)
    )
