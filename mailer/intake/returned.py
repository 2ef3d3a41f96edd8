"""What comes back to the return path of our own mails: reports of delivery, and people's replies.

Never answered. A report counts once, against the one whose mail the token names, and only while the
token is young; what the report says of itself decides why, never who (S25, F40). Delays, successes
and automatic replies count nothing.
"""

from __future__ import annotations

from datetime import timedelta

from mailer.intake import bouncing, forwarding
from mailer.intake.context import Asker, Context, Outcome
from mailer.message.address import Purpose, parse_address
from mailer.message.bounce_policy import Decision
from mailer.message.command import ReturnPath, ToOwner
from mailer.message.incoming import Incoming
from mailer.message.judgement import Bounce, BounceClass, Judgement, Verdict
from mailer.message.report import judge
from mailer.message.text import clean
from mailer.message.token import Token
from mailer.store import bounce
from mailer.store.bounce import Returned

COUNTS_FOR = timedelta(days=30)  # after the mail was sent; reports come within days
DETAIL_CHARS = 500


async def take(context: Context, asker: Asker, command: ReturnPath, mail: Incoming) -> Outcome:
    """Count a bounce; pass a person's own words on to the organisers."""
    token = context.mint.read(Purpose.BOUNCE, command.token)
    if token is None:
        return Outcome(word="ignored: forged return path")
    told = judge(mail.content)
    if told is None:
        return await _words(context, asker, mail)
    if told.verdict is not Verdict.BOUNCE:
        return Outcome(word=f"noted: {told.verdict}")
    sent = await _mail_of(context, token)
    if sent is None:
        return Outcome(word="ignored: stale return path")
    return await _count(context, sent, told, mail)


async def _words(context: Context, asker: Asker, mail: Incoming) -> Outcome:
    if mail.machine is not None:
        return Outcome(word=f"ignored: {mail.machine}")
    if mail.spam or not (mail.words or mail.attachments):
        return Outcome(word="ignored: spam" if mail.spam else "ignored: empty")
    return await forwarding.to_owner(context, asker, ToOwner(), mail)


async def _mail_of(context: Context, token: Token) -> Returned | None:
    """The mail that came back, if it is one of this series, not too old, and still known."""
    age = context.now.date() - token.day
    if age > min(COUNTS_FOR, context.config.retention.ledger):
        return None
    found = await bounce.returned(context.connection, token.subject)
    return found if found and found.series_id == context.series.id else None


async def _count(context: Context, sent: Returned, told: Judgement, mail: Incoming) -> Outcome:
    about = _about(sent, told)
    cls = about.cls if about else BounceClass.UNKNOWN
    status = about.status if about else ""
    detail = " ".join(clean(about.diagnostic).split())[:DETAIL_CHARS] if about else ""
    new = await bounce.note_report(
        context.connection, sent, cls=cls, status=status, detail=detail, now=context.now
    )
    said = " ".join(filter(None, (cls, status)))
    if not new:
        return Outcome(word="bounce: known before", subscription_id=sent.subscription_id)
    decision = Decision.KEEP
    if sent.subscription_id is not None and cls is not BounceClass.BLOCK:
        decision = await bouncing.weigh(
            context,
            sent.subscription_id,
            cls=cls,
            status=status,
            evidence=f"report {mail.message_id}: {said}",
        )
    return Outcome(word=f"bounce: {said}{_DONE[decision]}", subscription_id=sent.subscription_id)


_DONE = {
    Decision.KEEP: "",
    Decision.PROBE: ", tested",
    Decision.END: ", ended",
    Decision.HOLD: ", held",
}


def _about(sent: Returned, told: Judgement) -> Bounce | None:
    """What the report says of our recipient: under their address, else its first entry."""
    own = parse_address(sent.recipient)
    for one in told.bounces:
        found = parse_address(one.address)
        if own and found and found.key == own.key:
            return one
    return next(iter(told.bounces), None)
