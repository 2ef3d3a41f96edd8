"""Queues the mails to people that a command causes, within the limits on automatic answers."""

from __future__ import annotations

from dataclasses import replace

from mailer.intake.context import Asker, Context, Outcome, facts_for
from mailer.intake.limiting import DAY, HELD_BACK, HOUR, quotas, within_limits
from mailer.intake.posting import post
from mailer.message.command import Channel
from mailer.message.facts import WebinarFacts
from mailer.message.invite import Method
from mailer.message.letter import Letter
from mailer.message.mark import Personal
from mailer.store import people, quota
from mailer.store.outbox import Priority
from mailer.store.people import Subscription
from mailer.store.quota import Quota
from mailer.store.webinar import WebinarRecord

CONFIRMATION_PAUSE = HOUR
WELCOME_WEBINARS = 3
# Who is subscribed is told to the owner of the mailbox alone (S14), and only they can prove a wish.
_NOT_SAID_BY_PAGES = frozenset({"reply-already-subscribed", "reply-authorise"})


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
    if not await within_limits(context, asker.address, proven=asker.proven):
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
    await post(
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


async def ask_to_prove(
    context: Context,
    asker: Asker,
    current: Subscription,
    wish: str,
    *,
    seat_in: WebinarRecord | None = None,
) -> Outcome:
    """Ask the owner of the mailbox whether they really wrote ``wish``; a reply does it, and for a
    seat in a webinar their page as well."""
    asked = await reply(
        context,
        asker,
        "reply-authorise",
        detail={"command": wish, "seat": seat_in is not None},
        webinar_id=seat_in.id if seat_in else None,
        reply_to=Personal.PREFERENCES,
    )
    word = "asked to prove" if asked else f"not asked to prove: {HELD_BACK}"
    return Outcome(word=word, subscription_id=current.id)


async def confirmation(
    context: Context, asker: Asker, wanted: Subscription, *, detail: dict[str, str | int | bool]
) -> bool:
    """Ask a person to confirm; False if they were asked within the hour or a limit holds."""
    last = wanted.confirmation_queued_at
    if last is not None and context.now - last < CONFIRMATION_PAUSE:
        return False
    who = context.address_hash(wanted.address).hex()
    per_day = context.config.limits.confirmations_per_address_per_day
    limits = (
        Quota(scope=f"confirmation:{who}", limit=per_day, span=DAY),
        *quotas(context, wanted.address, proven=asker.proven),
    )
    if await quota.take(context.connection, limits, context.now):
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
    await post(
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
    await post(
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
    await post(
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
    if not await within_limits(context, ended.address, proven=asker.proven):
        return False
    letter = Letter(
        template="farewell",
        facts=facts_for(context, _as_subscriber(asker, ended)),
        answers=True,
        refers=bool(asker.in_reply_to),
    )
    await post(
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
    await post(context, "question", letter, current.address, current, priority=Priority.BULK)


async def farewell_unanswered(context: Context, ended: Subscription) -> None:
    """Tell somebody who did not say that they want to stay that they are off, with the way back."""
    asker = _as_subscriber(Asker(address=None, channel=Channel.MAIL), ended)
    letter = Letter(
        template="farewell",
        facts=facts_for(context, asker, detail={"unanswered": True}),
        unsubscribe=False,
    )
    await post(context, "farewell", letter, ended.address, ended, priority=Priority.BULK)


async def probe(context: Context, current: Subscription) -> None:
    """Test a subscriber's mailbox: whether this mail comes back too decides."""
    asker = _as_subscriber(Asker(address=None, channel=Channel.MAIL), current)
    letter = Letter(template="probe", facts=facts_for(context, asker))
    await post(context, "probe", letter, current.address, current, priority=Priority.BULK)


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
