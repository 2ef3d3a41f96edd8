"""A person's own words: from a stranger a wish to subscribe, from a subscriber a mail for people.

Nothing a person wrote is swallowed: what goes to the organisers is kept until it has expired there.
A mail in doubt (marked as spam, or forged as far as the server before us can tell) reaches people
as well, but gets no answer and subscribes nobody.
"""

from __future__ import annotations

from dataclasses import replace

from mailer.intake import answering, briefing
from mailer.intake.context import Asker, Context, Outcome, facts_for
from mailer.intake.subscribing import subscribe
from mailer.log import get_logger
from mailer.message.address import Address, parse_address
from mailer.message.command import FreeText, Subscribe, ToOwner
from mailer.message.header import is_answerable
from mailer.message.incoming import Authentication, Incoming
from mailer.message.letter import Author
from mailer.store import journal
from mailer.store.people import State, Subscription

MANY_WORDS = 40
UNFORWARDED = "kept: nobody to forward to"

_log = get_logger(__name__)


async def free_text(context: Context, asker: Asker, command: FreeText, mail: Incoming) -> Outcome:
    """Subscribe a stranger, forward a subscriber; a stranger's long text does both."""
    current = asker.subscription
    doubt = _doubt(mail)
    long = command.words > MANY_WORDS or command.attachments
    if current is not None and current.state is State.ACTIVE:
        if long or command.words or mail.subject:
            return await _from_subscriber(context, asker, mail, current, answer=not doubt)
    elif long:
        passed_on = await _forward(context, asker, mail, _organisers(context))
        return passed_on if doubt else await _wish(context, asker, blob_id=passed_on.blob_id)
    return Outcome(word=f"ignored: {doubt}") if doubt else await _wish(context, asker)


def _doubt(mail: Incoming) -> str | None:
    """Why nobody may hear from us because of this mail."""
    if mail.spam:
        return "spam"
    return "authentication" if mail.authentication is Authentication.FAIL else None


async def _from_subscriber(
    context: Context, asker: Asker, mail: Incoming, current: Subscription, *, answer: bool
) -> Outcome:
    outcome = await _forward(context, asker, mail, _organisers(context))
    if answer and outcome.word != UNFORWARDED:
        await answering.reply(context, asker, "reply-forwarded")
    return replace(outcome, subscription_id=current.id)


async def _wish(context: Context, asker: Asker, *, blob_id: int | None = None) -> Outcome:
    language = asker.language or asker.stated_language
    wish = Subscribe(explicit=False, language=language)
    return replace(await subscribe(context, asker, wish), blob_id=blob_id)


async def to_owner(context: Context, asker: Asker, command: ToOwner, mail: Incoming) -> Outcome:
    """Send a mail to the organisers, or what is for the postmaster to the operator."""
    operator = parse_address(context.config.operator.address)
    wanted = (operator,) if command.postmaster and operator else _organisers(context)
    return await _forward(context, asker, mail, wanted)


def _organisers(context: Context) -> tuple[Address, ...]:
    named = (*context.series.organisers, context.config.operator.address)
    found = tuple(address for name in named if (address := parse_address(name)))
    return found[: len(context.series.organisers) or 1]


async def _forward(
    context: Context, asker: Asker, mail: Incoming, recipients: tuple[Address, ...]
) -> Outcome:
    """Keep the mail and send it on; where there is nobody to send it to, say so in the log."""
    blob_id = await journal.keep(
        context.connection, mail.content, until=context.now + context.config.retention.inbound
    )
    if not recipients:
        _log.error(
            "kept a mail that nobody gets, for there is neither organiser nor operator",
            action="mail.unforwarded",
            series=context.series.id,
            blob=blob_id,
        )
        return Outcome(word=UNFORWARDED, blob_id=blob_id)
    address = asker.address.mailbox if asker.address else ""
    detail: dict[str, str | int | bool] = {
        "author": address or "somebody without an address",
        "subject": mail.subject,
        "answerable": is_answerable(address),
    }
    await briefing.to_organisers(
        context,
        facts=facts_for(context, Asker(address=None, channel=asker.channel), detail=detail),
        author=Author(address=address, name=mail.author_name),
        blob_id=blob_id,
        recipients=recipients,
    )
    return Outcome(word="forwarded", blob_id=blob_id)
