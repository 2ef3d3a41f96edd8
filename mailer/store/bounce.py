"""Mails that came back: one row per mail, whatever number of reports speak of it.

A row says why and who told: a report, or the server that refused the recipient. What it means for
its reader is decided elsewhere; `unjudged` are those nobody has looked at yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, bindparam, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.bounce_policy import Mail
from mailer.message.judgement import BounceClass
from mailer.store.schema import Instant, bounce, outbox, subscriber
from mailer.store.statement import upsert

_LOOKED_AT = 500  # mails to one mailbox, the newest


class Source(StrEnum):
    REPORT = "report"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The server would not take a mail for its recipient."""

    outbox_id: int
    cls: BounceClass
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The mail that a return path belongs to."""

    outbox_id: int
    series_id: str
    subscription_id: int | None
    recipient: str


async def returned(connection: AsyncConnection, outbox_id: int) -> Returned | None:
    """The mail with this number, None if it is not in the ledger."""
    row = (
        await connection.execute(
            select(outbox.c.series_id, outbox.c.subscription_id, outbox.c.recipient).where(
                outbox.c.id == outbox_id
            )
        )
    ).one_or_none()
    return None if row is None else Returned(outbox_id=outbox_id, **row._mapping)


async def note_report(
    connection: AsyncConnection,
    mail: Returned,
    *,
    cls: BounceClass,
    status: str,
    detail: str,
    now: datetime,
) -> bool:
    """Write down that a mail came back; False if that was known."""
    made = await connection.execute(
        upsert(connection, bounce)
        .values(
            {
                "outbox_id": mail.outbox_id,
                "subscription_id": mail.subscription_id,
                "at": now,
                "class": cls,
                "status": status,
                "source": Source.REPORT,
                "detail": detail,
                "judged": True,
            }
        )
        .on_conflict_do_nothing(index_elements=[bounce.c.outbox_id])
        .returning(bounce.c.id)
    )
    return made.one_or_none() is not None


async def note_refusals(
    connection: AsyncConnection, refusals: Sequence[Refusal], *, now: datetime
) -> None:
    """Write down refused recipients of rows that were settled as failed in this transaction."""
    if not refusals:
        return
    columns = ("outbox_id", "subscription_id", "at", "class", "status", "source", "detail")
    failed = select(
        outbox.c.id,
        outbox.c.subscription_id,
        literal(now, Instant()),
        bindparam("b_class"),
        bindparam("b_status"),
        literal(Source.REFUSAL),
        outbox.c.reply,
        bindparam("b_judged", type_=Boolean()),
    ).where(outbox.c.id == bindparam("b_id"), outbox.c.state == "failed")
    await connection.execute(
        upsert(connection, bounce)
        .from_select([*columns, "judged"], failed)
        .on_conflict_do_nothing(index_elements=[bounce.c.outbox_id]),
        [
            {
                "b_id": one.outbox_id,
                "b_class": one.cls,
                "b_status": one.status,
                "b_judged": one.cls is BounceClass.BLOCK,  # which never counts
            }
            for one in refusals
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A refusal that nobody has looked at; ``detail`` is what the server said."""

    id: int
    subscription_id: int | None
    cls: BounceClass
    status: str
    detail: str


async def any_unjudged(connection: AsyncConnection) -> bool:
    """Whether `unjudged` would find anything."""
    found = select(bounce.c.id).where(bounce.c.judged.is_(False)).limit(1)
    return await connection.scalar(found) is not None


async def unjudged(connection: AsyncConnection, *, limit: int) -> tuple[Unjudged, ...]:
    """The oldest refusals to look at, held for this transaction and marked as looked at."""
    chosen = (
        select(bounce.c.id)
        .where(bounce.c.judged.is_(False))
        .order_by(bounce.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    rows = await connection.execute(
        update(bounce)
        .where(bounce.c.id.in_(select(chosen.c.id)))
        .values(judged=True)
        .returning(
            bounce.c.id,
            bounce.c.subscription_id,
            bounce.c["class"],
            bounce.c.status,
            bounce.c.detail,
        )
    )
    found = [
        Unjudged(id=key, subscription_id=whose, cls=BounceClass(cls), status=status, detail=detail)
        for key, whose, cls, status, detail in rows
    ]
    return tuple(sorted(found, key=lambda one: one.id))


async def hold(connection: AsyncConnection, subscriber_id: int) -> None:
    """Wait until nobody else decides about this person, and keep others waiting."""
    await connection.execute(
        select(subscriber.c.id).where(subscriber.c.id == subscriber_id).with_for_update()
    )


async def mails_to(
    connection: AsyncConnection,
    address_key: str,
    mailbox: str,
    *,
    since: datetime,
    now: datetime,
) -> tuple[Mail, ...]:
    """What became of the mails to a subscriber's mailbox since then, in every series.

    Mails to an address that the person had before are left out; they tell nothing of this one.
    """
    handed_over = func.coalesce(outbox.c.settled_at, bounce.c.at, type_=Instant())
    rows = await connection.execute(
        select(
            outbox.c.recipient,
            outbox.c.kind,
            outbox.c.state,
            handed_over.label("at"),
            bounce.c["class"].label("cls"),
        )
        .outerjoin(bounce, bounce.c.outbox_id == outbox.c.id)
        .where(
            outbox.c.recipient_key == address_key,
            outbox.c.subscription_id.is_not(None),
            outbox.c.queued_at >= since,
        )
        .order_by(outbox.c.id.desc())
        .limit(_LOOKED_AT)
    )
    found = []
    for row in rows:
        if row.recipient.casefold() != mailbox.casefold():
            continue
        probe = row.kind == "probe"
        if row.cls is not None:
            found.append(Mail(at=row.at, cls=BounceClass(row.cls), probe=probe))
        elif row.state == "sent":
            found.append(Mail(at=row.at, probe=probe))
        elif probe and row.state in ("queued", "sending"):
            found.append(Mail(at=now, probe=True))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A mail that came back, and why."""

    at: datetime
    series: str
    kind: str
    cls: BounceClass
    status: str
    source: Source
    detail: str


async def of_person(connection: AsyncConnection, address_key: str) -> tuple[Entry, ...]:
    """Every mail to a person that came back, oldest first."""
    rows = await connection.execute(
        select(
            bounce.c.at,
            outbox.c.series_id,
            outbox.c.kind,
            bounce.c["class"].label("cls"),
            bounce.c.status,
            bounce.c.source,
            bounce.c.detail,
        )
        .join(outbox, outbox.c.id == bounce.c.outbox_id)
        .where(outbox.c.recipient_key == address_key)
        .order_by(bounce.c.at, bounce.c.id)
    )
    return tuple(
        Entry(
            at=row.at,
            series=row.series_id,
            kind=row.kind,
            cls=BounceClass(row.cls),
            status=row.status,
            source=Source(row.source),
            detail=row.detail,
        )
        for row in rows
    )
