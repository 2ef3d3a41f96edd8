"""Erases a person, and moves one to another address.

What is kept, hashed and nulled stands column by column in docs/data-model.md. Rows of the ledger
stay and are counted; nothing in them tells whom they went to. To suppress is for the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.address import Address
from mailer.store.outbox import State
from mailer.store.recipient import mails_to
from mailer.store.schema import (
    blob,
    bounce,
    consent,
    import_row,
    inbound,
    mention,
    outbox,
    registration,
    renewal,
    subscriber,
    subscription,
)

FORGOTTEN = "forgotten"
TO_ORGANISERS = "report"  # their address is not that of a person here
_UNDER_WAY = (State.QUEUED, State.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much there was: ``cancelled`` of the ``mails`` had not gone out yet."""

    subscriptions: int
    mails: int
    cancelled: int
    received: int

    @property
    def anything(self) -> bool:
        """Whether there was anything at all."""
        return bool(self.subscriptions or self.mails or self.received)


async def forwarded(connection: AsyncConnection, mailboxes: Sequence[str]) -> tuple[int, ...]:
    """Ids of the mails by which a person's own words were passed on to organisers.

    Looks at every such row of the ledger: read it apart from the transaction that erases.
    """
    named = [f'"author":{msgspec.json.encode(one).decode()}' for one in mailboxes]
    rows = await connection.execute(
        select(outbox.c.id).where(
            outbox.c.kind == TO_ORGANISERS,
            or_(*(outbox.c.data.icontains(one, autoescape=True) for one in named)),
        )
    )
    return tuple(row.id for row in rows)


async def forget(
    connection: AsyncConnection, address_key: str, *, forwards: Sequence[int], now: datetime
) -> Erased:
    """Erase everything that tells of an address; ``forwards`` as found by `forwarded`."""
    own = select(subscriber.c.id).where(subscriber.c.address_key == address_key)
    subscriptions = select(subscription.c.id).where(subscription.c.subscriber_id.in_(own))
    blobs = [
        row.blob_id
        for row in await connection.execute(
            select(inbound.c.blob_id)
            .where(inbound.c.author_key == address_key, inbound.c.blob_id.is_not(None))
            .union(
                select(outbox.c.blob_id).where(
                    outbox.c.id.in_(forwards), outbox.c.blob_id.is_not(None)
                )
            )
        )
    ]
    to_person = mails_to(address_key)
    cancelled = await _cancel(connection, to_person, now)
    await connection.execute(
        update(bounce)
        .where(bounce.c.outbox_id.in_(select(outbox.c.id).where(to_person)))
        .values(subscription_id=None, detail="", judged=True)
    )
    mails = await connection.execute(
        update(outbox)
        .where(to_person)
        .values(recipient="", recipient_key="", data="", reply="", subscription_id=None)
    )
    of_theirs = or_(outbox.c.id.in_(forwards), outbox.c.blob_id.in_(blobs))
    await _cancel(connection, of_theirs, now)
    await connection.execute(update(outbox).where(of_theirs).values(data="", blob_id=None))
    received = await connection.execute(
        update(inbound)
        .where(inbound.c.author_key == address_key)
        .values(author_key="", message_id="", blob_id=None, subscription_id=None)
    )
    await connection.execute(delete(blob).where(blob.c.id.in_(blobs)))
    await connection.execute(delete(registration).where(registration.c.subscriber_id.in_(own)))
    await connection.execute(delete(consent).where(consent.c.subscription_id.in_(subscriptions)))
    await connection.execute(delete(renewal).where(renewal.c.subscription_id.in_(subscriptions)))
    await connection.execute(delete(mention).where(mention.c.subscription_id.in_(subscriptions)))
    ended = await connection.execute(
        delete(subscription).where(subscription.c.subscriber_id.in_(own))
    )
    await connection.execute(delete(subscriber).where(subscriber.c.address_key == address_key))
    await connection.execute(delete(import_row).where(import_row.c.address_key == address_key))
    return Erased(
        subscriptions=ended.rowcount,
        mails=mails.rowcount,
        cancelled=cancelled,
        received=received.rowcount,
    )


async def _cancel(connection: AsyncConnection, where: ColumnElement[bool], now: datetime) -> int:
    """Stop what has not gone out; what is being sent at this moment is not sent a second time."""
    gone = await connection.execute(
        update(outbox)
        .where(where, outbox.c.state.in_(_UNDER_WAY))
        .values(state=State.CANCELLED, reason=FORGOTTEN, lease_owner=None, settled_at=now)
    )
    return gone.rowcount


def _as_speaker() -> ColumnElement[bool]:
    """What somebody gets for taking part in a webinar goes to the address that stands there."""
    return outbox.c.announcement_id.is_not(None) & outbox.c.subscription_id.is_(None)


async def call_off_confirmations(
    connection: AsyncConnection, address_key: str, *, now: datetime
) -> None:
    """Questions to an address that is about to change; they are asked again at the new one."""
    await connection.execute(
        update(outbox)
        .where(
            mails_to(address_key),
            outbox.c.kind == "confirmation",
            outbox.c.state == State.QUEUED,
        )
        .values(state=State.CANCELLED, reason="the address has changed", settled_at=now)
    )


async def readdress(
    connection: AsyncConnection, subscriber_id: int, old_key: str, new: Address, *, now: datetime
) -> int:
    """Give a person another address; how many queued mails follow there.

    What went out keeps the address it went to, and is the person's still. Nobody may have a
    subscription under the new address; what else was there under it goes.
    """
    leftover = select(subscriber.c.id).where(
        subscriber.c.address_key == new.key, subscriber.c.id != subscriber_id
    )
    await connection.execute(delete(registration).where(registration.c.subscriber_id.in_(leftover)))
    await connection.execute(
        delete(subscriber).where(
            subscriber.c.address_key == new.key, subscriber.c.id != subscriber_id
        )
    )
    theirs = mails_to(old_key) & (outbox.c.kind != TO_ORGANISERS) & ~_as_speaker()
    following = await connection.execute(
        update(outbox)
        .where(theirs, outbox.c.state == State.QUEUED)
        .values(recipient=new.mailbox, recipient_key=new.key)
    )
    await connection.execute(update(outbox).where(theirs).values(recipient_key=new.key))
    await connection.execute(
        update(subscriber)
        .where(subscriber.c.id == subscriber_id)
        .values(address_key=new.key, mailbox=new.mailbox, updated_at=now)
    )
    await connection.execute(
        update(inbound).where(inbound.c.author_key == old_key).values(author_key=new.key)
    )
    return following.rowcount
