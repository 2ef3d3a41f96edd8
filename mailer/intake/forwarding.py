"""A person's own words: from a stranger a wish to subscribe, from a subscriber a mail for people.

Nothing a person wrote is swallowed: what goes to the organisers is kept until it has expired there.
"""

from __future__ import annotations

from dataclasses import replace

from mailer.intake import answering
from mailer.intake.context import Asker, Context, Outcome, facts_for
from mailer.intake.subscribing import subscribe
from mailer.message.address import Address, parse_address
from mailer.message.command import FreeText, Subscribe, ToOwner
from mailer.message.incoming import Incoming
from mailer.store import journal
from mailer.store.people import State

MANY_WORDS = 40


async def free_text(context: Context, asker: Asker, command: FreeText, mail: Incoming) -> Outcome:
    """Subscribe a stranger, forward a subscriber; a stranger's long text does both."""
    current = asker.subscription
    blob_id: int | None = None
    if current is not None and current.state is State.ACTIVE:
        if not (command.words or command.attachments or mail.subject):
            return await subscribe(context, asker, Subscribe(explicit=True))
        kept = await _forward(context, asker, mail, _organisers(context))
        if not mail.spam:
            await answering.reply(context, asker, "reply-forwarded")
        return Outcome(word="forwarded", subscription_id=current.id, blob_id=kept)
    if mail.spam:
        return Outcome(word="ignored: spam")
    if command.words > MANY_WORDS or command.attachments:
        blob_id = await _forward(context, asker, mail, _organisers(context))
    wish = Subscribe(explicit=False, language=asker.language)
    return replace(await subscribe(context, asker, wish), blob_id=blob_id)


async def to_owner(context: Context, asker: Asker, command: ToOwner, mail: Incoming) -> Outcome:
    """Send a mail to the organisers, or what is for the postmaster to the operator."""
    operator = parse_address(context.config.operator.address)
    wanted = (operator,) if command.postmaster and operator else _organisers(context)
    blob_id = await _forward(context, asker, mail, wanted)
    return Outcome(word="forwarded", blob_id=blob_id)


def _organisers(context: Context) -> tuple[Address, ...]:
    named = (*context.series.organisers, context.config.operator.address)
    found = tuple(address for name in named if (address := parse_address(name)))
    return found[: len(context.series.organisers) or 1]


async def _forward(
    context: Context, asker: Asker, mail: Incoming, recipients: tuple[Address, ...]
) -> int:
    blob_id = await journal.keep(
        context.connection, mail.content, until=context.now + context.config.retention.inbound
    )
    author = asker.address.mailbox if asker.address else "somebody without an address"
    organisers_view = Asker(address=None, channel=asker.channel)
    facts = facts_for(context, organisers_view, detail={"author": author, "subject": mail.subject})
    await answering.to_organisers(context, facts=facts, blob_id=blob_id, recipients=recipients)
    return blob_id
