"""The ledger of what goes out: one row per envelope, from queued to its last word.

``queued → sending → sent | queued (deferred) | failed | suppressed | expired | cancelled``. Here
rows are queued; `lease` claims them, `settlement` writes what became of them, `withdrawal` closes
what must not go out any more, `retention` erases what is old.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.prepared import Prepared
from mailer.store.schema import Instant, outbox


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def is_queued() -> ColumnElement[bool]:
    """Written out, as the indexes of queued rows have it: with a parameter a plan that uses them
    would hold for one value only, and be made anew for the next."""
    return outbox.c.state == literal_column(f"'{State.QUEUED}'")


def is_leased() -> ColumnElement[bool]:
    """Written out, as the index of leased rows has it."""
    return outbox.c.state == literal_column(f"'{State.SENDING}'")


# A row that may not go out before this is parked: its announcement is paused (`halt`).
PARKED_FROM = datetime(2150, 1, 1, tzinfo=UTC)


class Priority(IntEnum):
    """Lower goes first. Up to `PERSONAL` somebody is waiting for it now."""

    ANSWER = 0
    PERSONAL = 1
    BULK = 5
    INVITATION = 7  # confirmations that an import asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A row to be queued. ``generation`` goes into confirm tokens, and is what an approve or a
    sign-in token names; ``data`` is the letter as JSON for a personal mail, empty for one of an
    announcement; ``answered`` the Message-ID that it answers."""

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


async def queue(
    connection: AsyncConnection, envelopes: Sequence[Envelope], *, now: datetime
) -> None:
    """Insert rows; the caller made sure that they are owed."""
    if envelopes:
        await connection.execute(insert(outbox), [_values(one, now) for one in envelopes])


async def queue_one(connection: AsyncConnection, envelope: Envelope, *, now: datetime) -> int:
    """Insert one row; its id, from which a personal mail's Message-ID is made."""
    values = {f"new_{name}": value for name, value in _values(envelope, now).items()}
    made = await _QUEUE_ONE.row(connection, **values)
    assert made is not None
    return int(made[0])


_QUEUED = (*Envelope.__dataclass_fields__, "state", "queued_at")
_QUEUE_ONE = Prepared(
    lambda insert: (
        insert(outbox)
        .values({name: bindparam(f"new_{name}") for name in _QUEUED})
        .returning(outbox.c.id)
    )
)


async def name(connection: AsyncConnection, row_id: int, *, message_id: str) -> None:
    """Give a row its Message-ID, for good."""
    await _NAME.rows(connection, row=row_id, given=message_id)


_NAME = Prepared(
    lambda _: (
        update(outbox).where(outbox.c.id == bindparam("row")).values(message_id=bindparam("given"))
    )
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


async def retry(connection: AsyncConnection, *, now: datetime) -> int:
    """Make every deferred row due now. Returns how many."""
    due = await connection.execute(
        update(outbox)
        .where(
            is_queued(),
            outbox.c.priority.in_([int(one) for one in Priority]),  # ix_outbox_claim, part by part
            outbox.c.not_before > now,
            outbox.c.not_before < PARKED_FROM,
            outbox.c.attempts > 0,
        )
        .values(not_before=now)
    )
    return due.rowcount


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When the earliest queued row may go out."""
    firsts = [
        select(func.min(outbox.c.not_before))
        .where(is_queued(), outbox.c.priority == int(one))
        .scalar_subquery()
        for one in Priority
    ]
    row = (await connection.execute(select(*firsts))).one()
    return min((instant for instant in row if instant is not None), default=None)


def at_once(now: datetime) -> ColumnElement[datetime]:
    """The time of a row that is tried again at once; one that is parked stays so."""
    return case((outbox.c.not_before > now, outbox.c.not_before), else_=literal(now, Instant()))
