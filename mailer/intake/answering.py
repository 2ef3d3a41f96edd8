"""Queues the mails that a command causes, within the limits on automatic answers.

The limits hold per address, per the address's domain and overall, so that forged mails cannot turn
the answers against third parties (RFC 3834 §3.1.1; S1, S3, S4). What a limit holds back is silence,
counted in the journal.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mailer.intake.context import Asker, Context, facts_for
from mailer.message.address import Address, Purpose
from mailer.message.command import Channel
from mailer.message.facts import Facts, Item, WebinarFacts
from mailer.message.invite import Method
from mailer.message.letter import Letter, to_json
from mailer.message.mark import Personal
from mailer.store import history, outbox, people, quota
from mailer.store.outbox import Envelope, Priority
from mailer.store.people import Subscription
from mailer.store.quota import Quota
from mailer.store.webinar import WebinarRecord

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
CONFIRMATION_PAUSE = _HOUR
WELCOME_WEBINARS = 3
# Who is subscribed is told to the owner of the mailbox alone (S14), and only they can prove a wish.
_NOT_SAID_BY_PAGES = frozenset({"reply-already-subscribed", "reply-authorise"})


def _quotas(context: Context, address: Address) -> tuple[Quota, ...]:
    limits = context.config.limits
    who = context.address_hash(address).hex()
    return (
        Quota(scope=f"address:{who}", limit=limits.answers_per_address_per_day, span=_DAY),
        Quota(
            scope=f"domain:{address.domain}", limit=limits.answers_per_domain_per_hour, span=_HOUR
        ),
        Quota(scope="all", limit=limits.answers_per_hour, span=_HOUR),
    )


async def reply(
    context: Context,
    asker: Asker,
    template: str,
    *,
    detail: dict[str, str | int | bool] | None = None,
    webinars: tuple[WebinarFacts, ...] = (),
    webinar: WebinarFacts | None = None,
    webinar_id: int | None = None,
    registered: bool = False,
    reply_to: Personal | None = None,
    calendar: Method | None = None,
) -> bool:
    """Answer a command; False if a limit or a missing address keeps it silent, or a page that says
    the same. What goes into a calendar is mailed in any case."""
    if asker.address is None:
        return False
    on_page = asker.channel is Channel.WEB and template not in _NOT_SAID_BY_PAGES
    if on_page and calendar is None:
        return False
    if await quota.take(context.connection, _quotas(context, asker.address), context.now):
        return False
    facts = facts_for(
        context,
        asker,
        webinars=webinars,
        webinar=webinar,
        registered=registered,
        detail=detail,
    )
    letter = Letter(
        template=template,
        facts=facts,
        answers=True,
        refers=bool(asker.in_reply_to),
        reply_to=reply_to,
        unsubscribe=asker.subscription is not None,
        calendar=calendar,
    )
    await _queue(
        context,
        "reply",
        letter,
        asker.address,
        asker.subscription,
        priority=Priority.ANSWER,
        answered=asker.in_reply_to,
        webinar_id=webinar_id,
    )
    return True


async def confirmation(
    context: Context, asker: Asker, wanted: Subscription, *, detail: dict[str, str | int | bool]
) -> bool:
    """Ask a person to confirm; False if they were asked within the hour or a limit holds."""
    last = wanted.confirmation_queued_at
    if last is not None and context.now - last < CONFIRMATION_PAUSE:
        return False
    who = context.address_hash(wanted.address).hex()
    per_day = context.config.limits.confirmations_per_address_per_day
    quotas = (
        Quota(scope=f"confirmation:{who}", limit=per_day, span=_DAY),
        *_quotas(context, wanted.address),
    )
    if await quota.take(context.connection, quotas, context.now):
        return False
    asker = _as_subscriber(asker, wanted)
    days = context.config.retention.pending.days
    letter = Letter(
        template="confirmation",
        facts=facts_for(context, asker, detail={"days": days, **detail}),
        answers=True,
        refers=bool(asker.in_reply_to),
        reply_to=Personal.CONFIRM,
    )
    await _queue(
        context,
        "confirmation",
        letter,
        wanted.address,
        wanted,
        priority=Priority.ANSWER,
        answered=asker.in_reply_to,
    )
    await people.confirmation_queued(context.connection, wanted.id, now=context.now)
    return True


async def welcome(context: Context, asker: Asker, active: Subscription) -> None:
    """Greet a new subscriber with the next webinars; those of the past they are not owed."""
    asker = _as_subscriber(asker, active)
    letter = Letter(
        template="welcome",
        facts=facts_for(context, asker, webinars=await context.next_webinars(WELCOME_WEBINARS)),
        answers=True,
        refers=bool(asker.in_reply_to),
    )
    await _queue(
        context,
        "welcome",
        letter,
        active.address,
        active,
        priority=Priority.PERSONAL,
        answered=asker.in_reply_to,
    )


async def moved_up(context: Context, current: Subscription, webinar: WebinarRecord) -> None:
    """Tell somebody who waited that they have a place now."""
    asker = _as_subscriber(Asker(address=None, channel=Channel.MAIL), current)
    facts = webinar.facts(base_url=context.base_url, registered=True)
    letter = Letter(
        template="reply-register",
        facts=facts_for(
            context,
            asker,
            webinar=replace(facts, stamp=context.now),
            registered=True,
            detail={"moved_up": True},
        ),
        calendar="REQUEST",
    )
    await _queue(
        context,
        "reply",
        letter,
        current.address,
        current,
        priority=Priority.ANSWER,
        webinar_id=webinar.id,
    )


async def farewell(context: Context, asker: Asker, ended: Subscription) -> bool:
    """Confirm to who left by mail that they are off, and offer the way back."""
    if await quota.take(context.connection, _quotas(context, ended.address), context.now):
        return False
    letter = Letter(
        template="farewell",
        facts=facts_for(context, _as_subscriber(asker, ended)),
        answers=True,
        refers=bool(asker.in_reply_to),
    )
    await _queue(
        context,
        "farewell",
        letter,
        ended.address,
        ended,
        priority=Priority.ANSWER,
        answered=asker.in_reply_to,
    )
    return True


async def question(
    context: Context, current: Subscription, *, detail: dict[str, str | int | bool]
) -> None:
    """Ask a subscriber whether they still want the mails; an answer to it says yes."""
    asker = _as_subscriber(Asker(address=None, channel=Channel.MAIL), current)
    letter = Letter(
        template="question",
        facts=facts_for(context, asker, detail=detail),
        reply_to=Personal.CONFIRM,
    )
    await _queue(context, "question", letter, current.address, current, priority=Priority.BULK)


async def farewell_unanswered(context: Context, ended: Subscription) -> None:
    """Tell somebody who did not say that they want to stay that they are off, with the way back."""
    asker = _as_subscriber(Asker(address=None, channel=Channel.MAIL), ended)
    letter = Letter(
        template="farewell",
        facts=facts_for(context, asker, detail={"unanswered": True}),
        unsubscribe=False,
    )
    await _queue(context, "farewell", letter, ended.address, ended, priority=Priority.BULK)


async def probe(context: Context, current: Subscription) -> None:
    """Test a subscriber's mailbox: whether this mail comes back too decides."""
    asker = _as_subscriber(Asker(address=None, channel=Channel.MAIL), current)
    letter = Letter(template="probe", facts=facts_for(context, asker))
    await _queue(context, "probe", letter, current.address, current, priority=Priority.BULK)


async def within_limits(context: Context, address: Address) -> bool:
    """Whether this address may be answered once more; counts it if so."""
    return not await quota.take(context.connection, _quotas(context, address), context.now)


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
    await _queue(
        context,
        "reply" if answers else "report",
        letter,
        to,
        None,
        priority=Priority.ANSWER if answers else Priority.PERSONAL,
        answered=view.in_reply_to,
        approval_id=approval_id,
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
        await _queue(
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
    await _queue(context, "message", letter, to, None, priority=Priority.PERSONAL)


async def to_organisers(
    context: Context, *, facts: Facts, blob_id: int, recipients: tuple[Address, ...]
) -> None:
    """Send a person's mail on to the people who look after the series."""
    letter = Letter(template="forward", facts=facts, unsubscribe=False)
    for recipient in recipients:
        await _queue(
            context, "report", letter, recipient, None, priority=Priority.PERSONAL, blob_id=blob_id
        )


def _as_subscriber(asker: Asker, subscription: Subscription) -> Asker:
    return Asker(
        address=subscription.address,
        channel=asker.channel,
        evidence=asker.evidence,
        in_reply_to=asker.in_reply_to,
        language=asker.language,
        stated_language=asker.stated_language,
        proven=asker.proven,
        subscription=subscription,
    )


async def _queue(
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
    approval_id: int = 0,
) -> None:
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
        generation=approval_id if subscription is None else subscription.generation,
        webinar_id=webinar_id,
        data=to_json(letter),
        answered=answered,
        blob_id=blob_id,
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
