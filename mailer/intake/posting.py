"""Queues one personal mail: its row in the ledger, its Message-ID, what it tells of webinars.

Decides neither what is written nor whether it may be. Message-IDs are made once (RFC 5322 §3.6.4).
"""

from __future__ import annotations

from datetime import datetime

from mailer.intake.context import Context
from mailer.message.address import Address, Purpose
from mailer.message.letter import Letter, to_json
from mailer.store import history, outbox
from mailer.store.outbox import Envelope, Priority
from mailer.store.people import Subscription


async def post(
    context: Context,
    kind: str,
    letter: Letter,
    to: Address,
    subscription: Subscription | None,
    *,
    priority: Priority,
    answered: str = "",
    blob_id: int | None = None,
    webinar_id: int | None = None,
    named_id: int = 0,  # what a token in it names, where that is no subscription
    expires_at: datetime | None = None,
) -> None:
    """Queue a letter to somebody, who may be nobody's subscriber."""
    envelope = Envelope(
        series_id=context.series.id,
        kind=kind,
        template=letter.template,
        priority=priority,
        recipient=to.mailbox,
        recipient_key=to.key,
        language=letter.facts.language,
        zone=letter.facts.zone,
        message_id="",
        subscription_id=None if subscription is None else subscription.id,
        generation=named_id if subscription is None else subscription.generation,
        webinar_id=webinar_id,
        data=to_json(letter),
        answered=answered,
        blob_id=blob_id,
        expires_at=expires_at,
    )
    row_id = await outbox.queue_one(context.connection, envelope, now=context.now)
    message_id = _message_id(context, kind, subscription, row_id)
    await outbox.name(context.connection, row_id, message_id=message_id)
    if subscription is not None:
        await history.mentions(
            context.connection, context.series.id, [(to.key, message_id)], letter.facts.told
        )


def _message_id(context: Context, kind: str, subscription: Subscription | None, row_id: int) -> str:
    """The left part of a new Message-ID.

    A confirmation's names its subscription and generation in a form that only its recipient has
    seen: a plain "yes" in reply to it is as good as the token.
    """
    day = context.now.date()
    if kind == "confirmation" and subscription is not None:
        token = context.mint.mint(
            Purpose.MESSAGE, subject=subscription.id, context=subscription.generation, day=day
        )
        return f"confirmation.{row_id}.{token}"
    return f"{kind}.{context.mint.mint(Purpose.MESSAGE, subject=row_id, day=day)}"
