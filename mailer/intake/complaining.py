"""Complaints (RFC 5965): whoever calls our mail spam gets no more of it, at once and unasked.

Only a token of ours says who complains: the address in a report is often redacted and can be
anybody's. Without one a person gets to read the report and nobody is changed. Never answered.
"""

from __future__ import annotations

from datetime import timedelta

from mailer.intake import forwarding, subscribing
from mailer.intake.context import Asker, Context, Outcome
from mailer.intake.limiting import HELD_BACK
from mailer.message.address import Purpose
from mailer.message.command import Complaint, ToOwner
from mailer.message.incoming import Incoming
from mailer.store import bounce, people, quota
from mailer.store.people import State, Subscription
from mailer.store.quota import Quota
from mailer.store.suppression import Reason

FORWARDED_PER_DAY = 20  # of each series: reports can come by the thousand (F40)
_OPT_OUT = "opt-out"
_GONE = (State.UNSUBSCRIBED, State.BOUNCED, State.COMPLAINED)


async def take(context: Context, asker: Asker, command: Complaint, mail: Incoming) -> Outcome:
    """End the subscription of whoever complains; every other kind of feedback changes nothing."""
    word = f"complaint: {command.feedback}"
    match command.feedback:
        case "not-spam":
            return Outcome(word=word)
        case "auth-failure":
            return await _forward(context, asker, mail, f"{word}, for the operator", operator=True)
    is_ours, current = await _complainant(context, command)
    if not is_ours:
        return await _forward(context, asker, mail, f"{word}, without a token")
    if current is None:
        return Outcome(word=f"{word}, from nobody subscribed")
    if current.state in _GONE:
        return Outcome(word=f"{word}, {current.state} before", subscription_id=current.id)
    opted_out = command.feedback.startswith(_OPT_OUT)
    ended = await subscribing.end(
        context,
        Asker(address=None, channel=asker.channel, evidence=f"{word} {mail.message_id}"),
        current,
        state=State.UNSUBSCRIBED if opted_out else State.COMPLAINED,
        reason=Reason.LEFT if opted_out else Reason.COMPLAINT,
        detail=command.feedback,
    )
    return Outcome(word=f"{word}, {ended.state}", subscription_id=ended.id)


async def _complainant(context: Context, command: Complaint) -> tuple[bool, Subscription | None]:
    """Whether a token was made by us, and whose it is; the first that names a subscription."""
    is_ours = False
    for text in command.unsubscribe:
        token = context.mint.read(Purpose.UNSUBSCRIBE, text)
        if token:
            is_ours = True
            found = await people.by_id(context.connection, token.subject)
            if found:
                return True, found
    for text in command.return_path:
        token = context.mint.read(Purpose.BOUNCE, text)
        if token:
            is_ours = True
            sent = await bounce.returned(context.connection, token.subject)
            if sent and sent.subscription_id is not None:
                return True, await people.by_id(context.connection, sent.subscription_id)
    return is_ours, None


async def _forward(
    context: Context, asker: Asker, mail: Incoming, word: str, *, operator: bool = False
) -> Outcome:
    """Let a person read the report, up to a limit."""
    limit = Quota(
        scope=f"complaints:{context.series.id}", limit=FORWARDED_PER_DAY, span=timedelta(days=1)
    )
    if await quota.take(context.connection, (limit,), context.now):
        return Outcome(word=f"{word}, {HELD_BACK}")
    sent = await forwarding.to_owner(context, asker, ToOwner(postmaster=operator), mail)
    return Outcome(word=word, blob_id=sent.blob_id)
