"""Help, status and programme: answers that change nothing."""

from __future__ import annotations

from mailer.intake import answering
from mailer.intake.context import Asker, Context, Outcome
from mailer.intake.limiting import HELD_BACK
from mailer.message.facts import WebinarFacts
from mailer.store import registration
from mailer.store.registration import State as Choice

_PROGRAMME_WEBINARS = 10


async def help_(context: Context, asker: Asker) -> Outcome:
    """Say what can be written to the address."""
    return _answered(await answering.reply(context, asker, "reply-help"))


async def status(context: Context, asker: Asker) -> Outcome:
    """Say what is kept about the person who asks; it goes to nobody else."""
    current = asker.subscription
    detail: dict[str, str | int | bool] = {
        "state": current.state if current else "",
        "since": current.since.isoformat() if current and current.since else "",
        "paused_until": (
            current.paused_until.isoformat() if current and current.paused_until else ""
        ),
        "language": (current.language or "") if current else "",
        "zone": (current.timezone or "") if current else "",
    }
    registered = () if current is None else await _registered(context, current.subscriber_id)
    return _answered(
        await answering.reply(context, asker, "reply-status", detail=detail, webinars=registered)
    )


async def _registered(context: Context, subscriber_id: int) -> tuple[WebinarFacts, ...]:
    """The coming webinars that a person is registered for."""
    chosen = {
        one.webinar
        for one in await registration.listing(context.connection, subscriber_id=subscriber_id)
        if one.state is Choice.REGISTERED
    }
    coming = await context.next_webinars(_PROGRAMME_WEBINARS)
    return tuple(webinar for webinar in coming if webinar.id in chosen)


async def programme(context: Context, asker: Asker) -> Outcome:
    """Say what is coming."""
    webinars = await context.next_webinars(_PROGRAMME_WEBINARS)
    return _answered(await answering.reply(context, asker, "reply-programme", webinars=webinars))


def _answered(queued: bool) -> Outcome:
    return Outcome(word="answered" if queued else f"answer {HELD_BACK}")
