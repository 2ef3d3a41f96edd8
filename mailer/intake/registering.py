"""Register for one webinar, or skip it: by a token that names person and webinar, or by number."""

from __future__ import annotations

from mailer.intake import answering
from mailer.intake.context import Asker, Context, Outcome
from mailer.message.address import Purpose
from mailer.message.command import Register, Skip
from mailer.message.mark import Personal
from mailer.store import people, programme, registration
from mailer.store.people import State, Subscription
from mailer.store.programme import WebinarRecord
from mailer.store.registration import State as Choice
from scheduler.model import Status


async def register(context: Context, asker: Asker, command: Register) -> Outcome:
    """Give the person a place, or the link where registration is elsewhere."""
    return await _choose(context, asker, command, Choice.REGISTERED)


async def skip(context: Context, asker: Asker, command: Skip) -> Outcome:
    """Note that the person does not come; no more reminders of that webinar."""
    return await _choose(context, asker, command, Choice.DECLINED)


async def _choose(
    context: Context, asker: Asker, command: Register | Skip, choice: Choice
) -> Outcome:
    if command.token is not None:
        purpose = Purpose.REGISTER if choice is Choice.REGISTERED else Purpose.SKIP
        token = context.mint.read(purpose, command.token)
        subscriber = (
            None if token is None else await people.by_id(context.connection, token.subject)
        )
        if token is None or subscriber is None or subscriber.series_id != context.series.id:
            await answering.reply(context, await asker.known(context), "reply-expired")
            return Outcome(word="unknown token")
        asker = _proven(asker, subscriber)
        webinar = await programme.by_id(context.connection, token.context)
        number = 0 if webinar is None else webinar.number
    else:
        number = command.number or 0
        webinar = await programme.by_number(context.connection, context.series.id, number)
    if (
        webinar is None
        or webinar.series_id != context.series.id
        or (webinar.status_at(context.now) is not Status.SCHEDULED)
    ):
        await answering.reply(context, asker, "reply-no-webinar", detail={"number": number})
        return Outcome(word="no such webinar")
    return await _settle(context, asker, webinar, choice)


async def _settle(
    context: Context, asker: Asker, webinar: WebinarRecord, choice: Choice
) -> Outcome:
    template = "reply-register" if choice is Choice.REGISTERED else "reply-skip"
    current = asker.subscription
    if current is None or current.state is not State.ACTIVE:
        await answering.reply(context, asker, "reply-not-subscribed")
        return Outcome(word="not subscribed")
    if not asker.proven:
        word = "register" if choice is Choice.REGISTERED else "skip"
        await answering.reply(
            context,
            asker,
            "reply-authorise",
            detail={"command": f"{word} {webinar.number}"},
            reply_to=Personal.PREFERENCES,
        )
        return Outcome(word="asked to prove", subscription_id=current.id)
    elsewhere = bool(webinar.registration_url)
    if choice is Choice.DECLINED or not elsewhere:
        await registration.choose(
            context.connection, current.subscriber_id, webinar.id, choice, now=context.now
        )
    here = choice is Choice.REGISTERED and not elsewhere
    facts = webinar.facts(base_url=context.base_url, registered=here)
    await answering.reply(
        context, asker, template, webinar=facts, webinar_id=webinar.id, registered=here
    )
    return Outcome(word=choice, subscription_id=current.id)


def _proven(asker: Asker, subscriber: Subscription) -> Asker:
    return Asker(
        address=subscriber.address,
        channel=asker.channel,
        evidence=asker.evidence,
        in_reply_to=asker.in_reply_to,
        language=asker.language,
        proven=True,
        subscription=subscriber,
    )
