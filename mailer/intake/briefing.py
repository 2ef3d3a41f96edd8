"""Queues what organisers are mailed: about announcements, reports, links, what people write them.

Decides nothing: who calls says what happened and who is to know. No limit holds here but the
callers', for nobody else can cause such a mail without a token or an organiser's address.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from mailer.intake.context import Asker, Context, facts_for
from mailer.intake.posting import post
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.message.facts import Facts, Item
from mailer.message.letter import Author, Letter
from mailer.message.mark import Personal
from mailer.store.outbox import Priority
from mailer.store.webinar import WebinarRecord


async def to_organiser(
    context: Context,
    asker: Asker,
    to: Address,
    template: str,
    *,
    detail: dict[str, str | int | bool],
    approval_id: int = 0,
) -> None:
    """Tell an organiser about an announcement, in answer to ``asker`` if it is their mail; the
    token in it, if there is one, names the approval."""
    answers = asker.address is not None and asker.address.key == to.key
    view = asker if answers else Asker(address=to, channel=asker.channel)
    letter = Letter(
        template=template,
        facts=facts_for(context, view, detail=detail),
        answers=answers,
        refers=bool(view.in_reply_to),
        reply_to=Personal.APPROVE if approval_id else None,
        unsubscribe=False,
    )
    await post(
        context,
        "reply" if answers else "report",
        letter,
        to,
        None,
        priority=Priority.ANSWER if answers else Priority.PERSONAL,
        answered=view.in_reply_to,
        named_id=approval_id,
    )


async def key(
    context: Context,
    to: Address,
    template: str,
    *,
    detail: dict[str, str | int | bool],
    named_id: int,
    expires_at: datetime,
) -> None:
    """Send an organiser a link that opens something, for as long as it does."""
    nobody = Asker(address=None, channel=Channel.WEB)
    letter = Letter(
        template=template, facts=facts_for(context, nobody, detail=detail), unsubscribe=False
    )
    await post(
        context,
        "reply",
        letter,
        to,
        None,
        priority=Priority.ANSWER,
        named_id=named_id,
        expires_at=expires_at,
    )


async def report(
    context: Context,
    recipients: tuple[Address, ...],
    template: str,
    *,
    detail: dict[str, str | int | bool],
    items: tuple[Item, ...] = (),
    webinar: WebinarRecord | None = None,
) -> None:
    """Tell organisers, in the language of the series, what they did not ask about just now."""
    nobody = Asker(address=None, channel=Channel.MAIL)
    shown = None if webinar is None else webinar.facts(base_url=context.base_url, registered=False)
    facts = facts_for(context, nobody, webinar=shown, detail=detail)
    letter = Letter(template=template, facts=replace(facts, items=items), unsubscribe=False)
    for recipient in recipients:
        await post(
            context,
            "report",
            letter,
            recipient,
            None,
            priority=Priority.PERSONAL,
            webinar_id=None if webinar is None else webinar.id,
        )


async def try_out(context: Context, letter: Letter, to: Address) -> None:
    """Send one copy of an announcement to somebody who looks at it; what it offers to do is for
    nobody."""
    await post(context, "message", letter, to, None, priority=Priority.PERSONAL)


async def to_organisers(
    context: Context,
    *,
    facts: Facts,
    author: Author,
    blob_id: int,
    recipients: tuple[Address, ...],
) -> None:
    """Send a person's mail on to the people who look after the series; they answer its author."""
    letter = Letter(template="forward", facts=facts, passes_on=author, unsubscribe=False)
    for recipient in recipients:
        await post(
            context, "report", letter, recipient, None, priority=Priority.PERSONAL, blob_id=blob_id
        )
