"""Mails that came back: one row per mail, whatever number of reports speak of it.

A row says why and who told: a report, or the server that refused the recipient. What it means for
its reader is decided elsewhere; those that nobody has looked at yet are in `unjudged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, bindparam, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.address import Address
from mailer.message.bounce_policy import Mail
from mailer.message.judgement import BounceClass
from mailer.store import recipient
from mailer.store.prepared import Prepared
from mailer.store.schema import Instant, bounce, outbox, subscriber, subscription
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
    row = await _RETURNED.row(connection, which=outbox_id)
    if row is None:
        return None
    series_id, subscription_id, recipient = row
    return Returned(
        outbox_id=outbox_id,
        series_id=series_id,
        subscription_id=subscription_id,
        recipient=recipient,
    )


_RETURNED = Prepared(
    lambda _: select(outbox.c.series_id, outbox.c.subscription_id, outbox.c.recipient).where(
        outbox.c.id == bindparam("which")
    )
)


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
    made = await _NOTE.row(
        connection,
        new_mail=mail.outbox_id,
        new_reader=mail.subscription_id,
        new_at=now,
        new_class=cls,
        new_status=status,
        new_detail=detail,
    )
    return made is not None


_NOTE = Prepared(
    lambda insert: (
        insert(bounce)
        .values(
            {
                "outbox_id": bindparam("new_mail"),
                "subscription_id": bindparam("new_reader"),
                "at": bindparam("new_at"),
                "class": bindparam("new_class"),
                "status": bindparam("new_status"),
                "source": Source.REPORT,
                "detail": bindparam("new_detail"),
                "judged": True,
            }
        )
        .on_conflict_do_nothing(index_elements=[bounce.c.outbox_id])
        .returning(bounce.c.id)
    )
)


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


async def hold(connection: AsyncConnection, subscription_id: int) -> Address | None:
    """Whose subscription this is, None if nobody's any more. Waits until no other unit decides
    about this person, and keeps others waiting."""
    row = await _HOLD.row(connection, which=subscription_id)
    return None if row is None else Address(key=row[0], mailbox=row[1])


_HOLD = Prepared(
    lambda _: (
        select(subscriber.c.address_key, subscriber.c.mailbox)
        .where(
            subscriber.c.id
            == select(subscription.c.subscriber_id)
            .where(subscription.c.id == bindparam("which"))
            .scalar_subquery()
        )
        .with_for_update()
    )
)


async def mails_to(
    connection: AsyncConnection, address: Address, *, since: datetime, now: datetime
) -> tuple[Mail, ...]:
    """What became of the mails to a subscriber's mailbox since then, in every series.

    Mails to an address that the person had before are left out; they tell nothing of this one.
    """
    rows = await _MAILS_TO.rows(connection, key=address.key, since=since)
    wanted = address.mailbox.casefold()
    found = (
        _mail(kind, state, at, cls, now)
        for recipient, kind, state, at, cls in rows
        if recipient.casefold() == wanted
    )
    return tuple(one for one in found if one is not None)


# The newest first, up to the limit.
_MAILS_TO = Prepared(
    lambda _: (
        select(
            outbox.c.recipient,
            outbox.c.kind,
            outbox.c.state,
            func.coalesce(outbox.c.settled_at, bounce.c.at, type_=Instant()),
            bounce.c["class"],
        )
        .outerjoin(bounce, bounce.c.outbox_id == outbox.c.id)
        .where(
            recipient.mails_to(bindparam("key")),
            outbox.c.subscription_id.is_not(None),
            outbox.c.queued_at >= bindparam("since"),
        )
        .order_by(outbox.c.id.desc())
        .limit(_LOOKED_AT)
    )
)


def _mail(
    kind: str, state: str, at: datetime | None, cls: str | None, now: datetime
) -> Mail | None:
    probe = kind == "probe"
    if cls is not None and at is not None:
        return Mail(at=at, cls=BounceClass(cls), probe=probe)
    if state == "sent" and at is not None:
        return Mail(at=at, probe=probe)
    if probe and state in ("queued", "sending"):
        return Mail(at=now, probe=True)
    return None


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
        .where(recipient.mails_to(address_key))
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
