"""Subscribe, confirm, unsubscribe: the only places where consent changes.

Nobody is subscribed without one confirmation that only the owner of the mailbox can give; everybody
is unsubscribed at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from mailer.intake import answering, speaking
from mailer.intake.context import Asker, Context, Outcome
from mailer.message.address import Purpose
from mailer.message.command import Channel, Confirm, Subscribe, Unsubscribe
from mailer.message.token import Token
from mailer.store import people, renewal, seat, suppression, withdrawal
from mailer.store.people import Act, State, Subscription
from mailer.store.suppression import Reason

# Somebody else may have used the address; after this the owner may have changed their mind.
_DECLINED_FOR = timedelta(days=30)
_REQUEST = "<confirmation."  # how the Message-ID of a confirmation request begins


async def subscribe(context: Context, asker: Asker, command: Subscribe) -> Outcome:
    """Note the wish and ask for one confirmation, unless the person is subscribed already.

    Who answers our request has confirmed, whatever they wrote and to whichever address.
    """
    if asker.address is None:
        return Outcome(word="no address to answer")
    request = _request_answered(context, asker)
    if request:
        outcome = await confirm(context, replace(asker, replies_to=(request,)), Confirm())
        assert outcome is not None
        return outcome
    if asker.subscription is not None and asker.subscription.state is State.ACTIVE:
        await answering.reply(context, asker, "reply-already-subscribed")
        return Outcome(word="already subscribed", subscription_id=asker.subscription.id)
    address_hash = context.address_hash(asker.address)
    barred = await suppression.find(
        context.connection, address_hash=address_hash, series_id=context.series.id
    )
    if (
        barred is not None
        and barred.reason is Reason.DECLINED
        and not asker.proven
        and context.now - barred.at < _DECLINED_FOR
    ):
        return Outcome(word="declined before")
    wanted = await people.ask(
        context.connection,
        series_id=context.series.id,
        address=asker.address,
        language=command.language,
        now=context.now,
    )
    await people.note_consent(
        context.connection,
        wanted.id,
        act=Act.ASKED,
        channel=asker.channel,
        evidence=asker.evidence,
        now=context.now,
    )
    asked = await answering.confirmation(
        context, asker, wanted, detail={"wish": not command.explicit, "imported": False}
    )
    word = "asked to confirm" if asked else "asked to confirm before"
    return Outcome(word=word, subscription_id=wanted.id)


async def confirm(context: Context, asker: Asker, command: Confirm) -> Outcome | None:
    """Make a pending subscription active, or take back an unsubscription, by token.

    Without a token the mail must be a reply to our own confirmation request; None if it is not. A
    token of an older generation or past its days changes nothing and gets one kind answer.
    """
    token = _read(context, command, asker)
    if token is None and command.token is None:
        return None
    if token is None:
        return await _refuse_stale(context, asker, "unknown token")
    wanted = await people.by_id(context.connection, token.subject)
    if wanted is None or wanted.series_id != context.series.id:
        return await _refuse_stale(context, asker, "unknown token")
    if wanted.state is State.ACTIVE:
        stays = await renewal.answered(context.connection, wanted.id, now=context.now)
        return Outcome(word="stays" if stays else "confirmed before", subscription_id=wanted.id)
    valid_for = context.config.retention.pending
    if not is_good(token, wanted, today=context.now.date(), valid_for=valid_for):
        return await _refuse_stale(context, asker, "expired token")
    returning = wanted.state is not State.PENDING
    await people.activate(context.connection, wanted.id, now=context.now)
    await suppression.lift(
        context.connection,
        address_hash=context.address_hash(wanted.address),
        series_id=context.series.id,
    )
    await people.note_consent(
        context.connection,
        wanted.id,
        act=Act.RETURNED if returning else Act.CONFIRMED,
        channel=asker.channel,
        evidence=asker.evidence,
        now=context.now,
    )
    await answering.welcome(context, asker, wanted)
    return Outcome(word="confirmed", subscription_id=wanted.id)


def _read(context: Context, command: Confirm, asker: Asker) -> Token | None:
    if command.token is not None:
        return context.mint.read(Purpose.CONFIRM, command.token)
    for message_id in asker.replies_to:
        if message_id.startswith(_REQUEST):
            return _requested(context, message_id)
    return None


def _requested(context: Context, message_id: str) -> Token | None:
    """What the Message-ID of a confirmation request of ours says."""
    if not message_id.startswith(_REQUEST):
        return None
    left = message_id.strip("<>").partition("@")[0]
    return context.mint.read(Purpose.MESSAGE, left.rpartition(".")[2])


def _request_answered(context: Context, asker: Asker) -> str | None:
    """The Message-ID of a request to the pending asker, still good, that their mail answers."""
    wanted = asker.subscription
    if wanted is None or wanted.state is not State.PENDING:
        return None
    for message_id in asker.replies_to:
        token = _requested(context, message_id)
        if token is None or _is_old(context, token):
            continue
        if (token.subject, token.context) == (wanted.id, wanted.generation):
            return message_id
    return None


def is_good(token: Token, wanted: Subscription, *, today: date, valid_for: timedelta) -> bool:
    """Whether a confirmation's token still confirms this subscription."""
    return wanted.generation == token.context and today - token.day <= valid_for


def _is_old(context: Context, token: Token) -> bool:
    return context.now.date() - token.day > context.config.retention.pending


async def _refuse_stale(context: Context, asker: Asker, word: str) -> Outcome:
    if asker.channel is Channel.MAIL:
        asker = await asker.known(context)
        await answering.reply(context, asker, "reply-expired")
    return Outcome(word=word)


async def unsubscribe(context: Context, asker: Asker, command: Unsubscribe) -> Outcome:
    """End a subscription at once. By From there is one farewell; by token there is no answer."""
    if command.token is not None:
        return await _unsubscribe_by_token(context, asker, command.token)
    current = asker.subscription
    if current is None or current.state in _GONE:
        await answering.reply(context, asker, "reply-not-subscribed")
        return Outcome(word="not subscribed")
    ended = await end(context, asker, current, state=State.UNSUBSCRIBED, reason=Reason.LEFT)
    await answering.farewell(context, asker, ended)
    return Outcome(word="unsubscribed", subscription_id=ended.id)


_GONE = (State.UNSUBSCRIBED, State.BOUNCED, State.COMPLAINED)


async def _unsubscribe_by_token(context: Context, asker: Asker, text: str) -> Outcome:
    token = context.mint.read(Purpose.UNSUBSCRIBE, text)
    if token is not None and token.subject == speaking.NOBODY:
        return await speaking.stop(context, token.context)
    current = None if token is None else await people.by_id(context.connection, token.subject)
    if current is None or current.series_id != context.series.id:
        return Outcome(word="unknown token")
    if current.state in _GONE:
        return Outcome(word="unsubscribed before", subscription_id=current.id)
    # Leaving before ever confirming means: I did not ask, and do not ask me again.
    reason = Reason.DECLINED if current.state is State.PENDING else Reason.LEFT
    ended = await end(context, asker, current, state=State.UNSUBSCRIBED, reason=reason)
    return Outcome(word="unsubscribed", subscription_id=ended.id)


async def end(
    context: Context,
    asker: Asker,
    current: Subscription,
    *,
    state: State,
    reason: Reason,
    scope: str | None = None,
    detail: str = "",
) -> Subscription:
    """End a subscription: nothing queued for it goes out any more, imports leave it alone.

    The address is suppressed for its series, or for ``scope``; ``detail`` says more of the reason.
    """
    await suppression.add(
        context.connection,
        address_hash=context.address_hash(current.address),
        scope=scope or current.series_id,
        reason=reason,
        detail=detail,
        now=context.now,
    )
    return await close(
        context,
        current,
        state=state,
        reason=reason,
        act=Act.LEFT,
        channel=asker.channel,
        evidence=asker.evidence,
    )


async def close(
    context: Context,
    current: Subscription,
    *,
    state: State,
    reason: str,
    act: Act,
    channel: Channel,
    evidence: str,
) -> Subscription:
    """What every end has: nothing queued for it goes out any more, its places are free, and it is
    kept who said what. Says nothing against the address, which imports may bring back."""
    await people.end(context.connection, current.id, state=state, now=context.now)
    await seat.give_up(
        context.connection, current.subscriber_id, current.series_id, now=context.now
    )
    await withdrawal.cancel_for(
        context.connection,
        subscription_id=current.id,
        recipient_key=current.address.key,
        reason=reason,
        now=context.now,
    )
    await people.note_consent(
        context.connection, current.id, act=act, channel=channel, evidence=evidence, now=context.now
    )
    ended = await people.by_id(context.connection, current.id)
    assert ended is not None
    return ended
