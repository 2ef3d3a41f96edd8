"""What is done about a reader whose mails come back: nothing, one test mail, or an end everywhere.

The policy decides (`mailer.message.bounce_policy`); here it gets the facts and its decision is
carried out, in the transaction in which the bounce was written down. Never mails anybody but the
mailbox in question.
"""

from __future__ import annotations

from dataclasses import replace

from mailer.intake import answering, braking, subscribing
from mailer.intake.context import Asker, Context
from mailer.log import get_logger
from mailer.message.bounce_policy import Decision, decide
from mailer.message.command import Channel
from mailer.message.judgement import BounceClass
from mailer.store import bounce, people, wave
from mailer.store.people import State, Subscription
from mailer.store.suppression import EVERYWHERE, Reason

_log = get_logger(__name__)


async def weigh(
    context: Context, subscription_id: int, *, cls: BounceClass, status: str, evidence: str
) -> Decision:
    """Decide about the reader of a mail that came back, and do it.

    ``cls`` and ``status`` are those of this bounce, ``evidence`` is kept if it ends a consent.
    """
    address = await bounce.hold(context.connection, subscription_id)
    if address is None:
        return Decision.KEEP
    if cls is BounceClass.HARD:
        await wave.count(context.connection, address.domain, now=context.now)
    theirs = await people.of_person(context.connection, address.key)
    active = [one for one in theirs if one.state is State.ACTIVE]
    began = max((one.since for one in active if one.since is not None), default=None)
    if began is None:  # who has not confirmed lapses by themselves
        return Decision.KEEP
    mails = await bounce.mails_to(context.connection, address, since=began, now=context.now)
    decision = decide(mails, context.config.bounces, now=context.now)
    if decision is not Decision.KEEP and await braking.holds(context, address.domain):
        return Decision.HOLD
    match decision:
        case Decision.PROBE:
            decision = await _test(
                context, sorted(active, key=lambda one: one.id != subscription_id)
            )
        case Decision.END:
            said = " ".join(filter(None, (cls, status)))
            await _end(context, theirs, said=said, evidence=evidence)
    return decision


async def _test(context: Context, active: list[Subscription]) -> Decision:
    """Send the test for the first of a person's subscriptions whose series is still there."""
    series = {one.id: one for one in context.config.series}
    for one in active:
        if one.series_id in series:
            await answering.probe(replace(context, series=series[one.series_id]), one)
            _log.info("tests a mailbox", action="bounce.probed", subscription=one.id)
            return Decision.PROBE
    return Decision.KEEP


async def _end(
    context: Context, theirs: tuple[Subscription, ...], *, said: str, evidence: str
) -> None:
    asker = Asker(address=None, channel=Channel.MAIL, evidence=evidence)
    for one in theirs:
        if one.state in (State.ACTIVE, State.PENDING):
            await subscribing.end(
                context,
                asker,
                one,
                state=State.BOUNCED,
                reason=Reason.BOUNCE,
                scope=EVERYWHERE,
                detail=said,
            )
            _log.info("ended: mails came back", action="bounce.ended", subscription=one.id)
