"""Mails to the people whom an organiser brings in: would you like this, or welcome.

They answer nobody, so the limits on answers do not count them: they leave after all other mail, at
the pace of bulk. Who calls sees to it that a person is asked once per generation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailer.intake.answering import WELCOME_WEBINARS
from mailer.intake.context import Asker, Context, facts_for
from mailer.message.address import Purpose
from mailer.message.command import Channel
from mailer.message.facts import Facts, WebinarFacts
from mailer.message.letter import Letter, to_json
from mailer.message.mark import Personal
from mailer.store import history, outbox
from mailer.store.outbox import Envelope, Priority
from mailer.store.people import Subscription

_Write = Callable[[Facts], Letter]


async def ask(context: Context, wanted: Sequence[Subscription]) -> None:
    """Ask each of them to confirm."""
    detail: dict[str, str | int | bool] = {
        "days": context.config.retention.pending.days,
        "wish": False,
        "imported": True,
    }

    def letter(facts: Facts) -> Letter:
        return Letter(template="confirmation", facts=facts, reply_to=Personal.CONFIRM)

    await _queue(context, "confirmation", wanted, letter=letter, detail=detail)


async def welcome(context: Context, active: Sequence[Subscription]) -> None:
    """Greet each of them with the next webinars."""
    webinars = await context.next_webinars(WELCOME_WEBINARS)

    def letter(facts: Facts) -> Letter:
        return Letter(template="welcome", facts=facts)

    await _queue(context, "welcome", active, letter=letter, webinars=webinars)


async def _queue(
    context: Context,
    kind: str,
    people: Sequence[Subscription],
    *,
    letter: _Write,
    detail: dict[str, str | int | bool] | None = None,
    webinars: tuple[WebinarFacts, ...] = (),
) -> None:
    """One row for each; who has the same language and zone gets the same letter."""
    written: dict[tuple[str | None, str | None], tuple[Facts, str]] = {}
    envelopes = []
    for one in people:
        group = (one.language, one.timezone)
        if group not in written:
            reader = Asker(address=one.address, channel=Channel.COMMAND_LINE, subscription=one)
            facts = facts_for(context, reader, detail=detail, webinars=webinars)
            written[group] = (facts, to_json(letter(facts)))
        envelopes.append(_envelope(context, kind, one, *written[group]))
    await outbox.queue(context.connection, envelopes, now=context.now)
    mails = [(one.recipient_key, one.message_id) for one in envelopes]
    await history.mentions(context.connection, context.series.id, mails, webinars)


def _envelope(context: Context, kind: str, to: Subscription, facts: Facts, data: str) -> Envelope:
    # Unlike an answer's, this token can be made before the row is there: one a generation. A plain
    # "yes" in reply to a confirmation is read from it.
    token = context.mint.mint(
        Purpose.MESSAGE, subject=to.id, context=to.generation, day=context.now.date()
    )
    return Envelope(
        series_id=context.series.id,
        kind=kind,
        template=kind,
        priority=Priority.INVITATION,
        recipient=to.address.mailbox,
        recipient_key=to.address.key,
        language=facts.language,
        zone=facts.zone,
        message_id=f"{kind}.invited.{token}",
        subscription_id=to.id,
        generation=to.generation,
        data=data,
    )
