"""The yearly question whether somebody still wants a series' mails, where the series asks it.

Who gave a sign of their own within the year is not asked. Who does not answer is asked once more
after thirty days, and after thirty more gets a farewell with the way back. That is no refusal: the
address is not suppressed. A question that never left ends nothing.
"""

from __future__ import annotations

from mailer.intake import answering, subscribing
from mailer.intake.context import Context
from mailer.log import get_logger
from mailer.message.command import Channel
from mailer.store import renewal
from mailer.store.people import Act, State, Subscription
from mailer.store.renewal import ANSWER_WITHIN, Turn

SLICE = 200  # people a transaction

_UNANSWERED = "no answer to the yearly question"
_log = get_logger(__name__)


async def step(context: Context, turn: Turn, *, after: int) -> int | None:
    """Ask, or let go, some of those whose turn it is; where the next of them begin, None after the
    last."""
    found = await renewal.due(
        context.connection, context.series.id, turn, after=after, now=context.now, limit=SLICE
    )
    for one in found:
        if turn is Turn.END:
            await _end(context, one)
        else:
            await _ask(context, one, turn)
    if found:
        _log.info(
            "asked who still wants the mails" if turn is not Turn.END else "ended: no answer",
            action="renewal.ended" if turn is Turn.END else "renewal.asked",
            series=context.series.id,
            count=len(found),
        )
    return found[-1].id if len(found) == SLICE else None


async def _ask(context: Context, current: Subscription, turn: Turn) -> None:
    since = await renewal.since(context.connection, current.id) or current.since or context.now
    until = context.now + ANSWER_WITHIN
    detail: dict[str, str | int | bool] = {
        "since": since.date().isoformat(),
        "last": turn is Turn.SECOND,
        "until": until.date().isoformat() if turn is Turn.SECOND else "",
    }
    await answering.question(context, current, detail=detail)
    await renewal.asked(context.connection, current.id, turn, now=context.now)


async def _end(context: Context, current: Subscription) -> None:
    ended = await subscribing.close(
        context,
        current,
        state=State.UNSUBSCRIBED,
        reason=_UNANSWERED,
        act=Act.LAPSED,
        channel=Channel.MAIL,
        evidence=_UNANSWERED,
    )
    await answering.farewell_unanswered(context, ended)
