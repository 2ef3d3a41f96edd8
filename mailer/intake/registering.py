"""Register for one webinar, or skip it: by a token that names person and webinar, by number, or by
the answer to an invitation."""

from __future__ import annotations

from dataclasses import replace

from mailer.intake import answering, seating
from mailer.intake.context import Asker, Context, Outcome
from mailer.intake.seating import Seated
from mailer.message.address import Purpose
from mailer.message.command import AnswerInvitation, Register, Skip
from mailer.message.invite import Method
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
        comes = choice is Choice.REGISTERED
        wish = f"{'register' if comes else 'skip'} {webinar.number}"
        seat_in = webinar if comes else None
        return await answering.ask_to_prove(context, asker, current, wish, seat_in=seat_in)
    elsewhere = bool(webinar.registration_url)
    before = await registration.of(context.connection, current.subscriber_id, webinar.id)
    seated = Seated(state=choice)
    if choice is Choice.DECLINED:
        await seating.decline(context, webinar, current)
    elif not elsewhere:
        seated = await seating.take(context, webinar, current)
    here = seated.state is Choice.REGISTERED and not elsewhere
    facts = webinar.facts(base_url=context.base_url, registered=here)
    # The entry in their calendar comes and goes several times under one revision: each is newer.
    await answering.reply(
        context,
        asker,
        template,
        webinar=replace(facts, stamp=context.now),
        webinar_id=webinar.id,
        registered=here,
        detail={"place": seated.place} if seated.place else None,
        calendar=_invitation(here=here, before=before),
    )
    return Outcome(word=seated.state, subscription_id=current.id)


async def answer_invitation(context: Context, asker: Asker, command: AnswerInvitation) -> Outcome:
    """Note what a calendar program says of its owner, if that is sure to be who sends it.

    Silent whatever comes of it. An answer to what the webinar was before says nothing of what it is
    now (RFC 5546 §2.1.5).
    """
    answer, current = command.answer, asker.subscription
    if current is None or current.state is not State.ACTIVE:
        return Outcome(word="not subscribed")
    if not asker.proven or answer.attendee.key != current.address.key:
        return Outcome(word="not proven", subscription_id=current.id)
    webinar = await programme.by_uid(context.connection, context.series.id, answer.uid)
    if webinar is None or webinar.status_at(context.now) is not Status.SCHEDULED:
        return Outcome(word="no such webinar", subscription_id=current.id)
    if answer.sequence is not None and answer.sequence < webinar.sequence:
        return Outcome(word="outdated", subscription_id=current.id)
    choice = Choice.REGISTERED if answer.comes else Choice.DECLINED
    if choice is Choice.REGISTERED and webinar.registration_url:
        return Outcome(word="registration elsewhere", subscription_id=current.id)
    if choice is Choice.DECLINED:
        await seating.decline(context, webinar, current)
    else:
        choice = (await seating.take(context, webinar, current)).state
    return Outcome(word=choice, subscription_id=current.id)


def _invitation(*, here: bool, before: Choice | None) -> Method | None:
    """An invitation for who has a place, and its withdrawal for who had one."""
    if here:
        return "REQUEST"
    return "CANCEL" if before is Choice.REGISTERED else None


def _proven(asker: Asker, subscriber: Subscription) -> Asker:
    return Asker(
        address=subscriber.address,
        channel=asker.channel,
        evidence=asker.evidence,
        in_reply_to=asker.in_reply_to,
        language=asker.language,
        stated_language=asker.stated_language,
        proven=True,
        subscription=subscriber,
    )
