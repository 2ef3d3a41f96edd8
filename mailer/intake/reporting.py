"""What organisers are mailed without asking: the week, what became of an announcement, who
registered, and what needs somebody.

Each is sent once, whatever process notices it first (`store/errand`). Never writes to subscribers.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b

from mailer.intake import alarming, briefing
from mailer.intake.braking import Brake
from mailer.intake.context import Context
from mailer.log import get_logger
from mailer.message.address import Address, parse_address
from mailer.message.facts import Item
from mailer.store import delivery, digest, errand, registration
from mailer.store.delivery import Failure
from mailer.store.digest import Mailing
from mailer.store.registration import State as Choice
from mailer.store.webinar import WebinarRecord

REASONS = 8  # of mails that did not arrive, the most frequent
SAID_CHARS = 160  # of what a server said

_log = get_logger(__name__)


async def week(context: Context, *, start: datetime, end: datetime, until: datetime) -> None:
    """What changed from ``start`` to ``end``, and what goes out before ``until``."""
    series = context.series.id
    moved = await digest.movement(context.connection, series, start=start, end=end)
    coming = await digest.planned(context.connection, series, after=context.now, until=until)
    await _send(
        context,
        "report-week",
        detail={"start": start.isoformat(), "end": end.isoformat(), **asdict(moved)},
        items=tuple(Item(text=one.title, at=one.at.isoformat(), kind=one.kind) for one in coming),
    )


async def delivered(context: Context, mailing: Mailing) -> None:
    """What became of an announcement's mails."""
    found = await delivery.outcome(context.connection, mailing.id)
    states = found.states
    await _send(
        context,
        "report-delivery",
        detail={
            "command": f"mailer announcement show {mailing.id}",
            "kind": mailing.kind,
            "subject": mailing.title,
            "at": mailing.at.isoformat(),
            "total": mailing.total,
            "sent": states.sent,
            "came_back": found.came_back,
            "refused": states.failed,
            "left_out": states.suppressed + states.cancelled,
            "late": states.expired,
            "waiting": states.queued + states.deferred + states.sending + states.in_doubt,
        },
        items=tuple(_reason(one) for one in found.failures[:REASONS]),
    )


def _reason(failure: Failure) -> Item:
    said = failure.example or failure.reason
    known = " ".join(filter(None, (failure.cls, failure.status)))
    text = f"{known}: {said}" if known and said else known or said or failure.state
    return Item(text=text[:SAID_CHARS], count=failure.count)


async def registrations(context: Context, webinar: WebinarRecord) -> None:
    """Who registered; the list itself goes along as a file, made when the mail leaves."""
    found = await registration.listing(context.connection, webinar_id=webinar.id)
    counts = {state: sum(one.state is state for one in found) for state in Choice}
    await _send(
        context,
        registration.REPORT,
        detail={
            "registered": counts[Choice.REGISTERED],
            "places": webinar.capacity,
            "waiting": counts[Choice.WAITING],
            "declined": counts[Choice.DECLINED],
        },
        webinar=webinar,
    )


async def missing_link(context: Context, webinar: WebinarRecord) -> None:
    """A webinar is near, and nobody could get in."""
    command = f"mailer webinar edit {webinar.slug} --join-url https://…"
    await _send(context, "report-no-link", detail={"command": command}, webinar=webinar)


async def failed(context: Context, mailing: Mailing) -> None:
    """A template has a fault: nobody got any of a mailing."""
    detail: dict[str, str | int | bool] = {
        "subject": mailing.title,
        "kind": mailing.kind,
        "cause": mailing.reason,
        "command": "mailer outbox retry",
    }
    await _send(context, "report-failed", detail=detail)


async def wave(context: Context, brake: Brake) -> None:
    """So much comes back that nobody is charged with it until somebody has had a look."""
    domain = "'*'" if brake.domain == "*" else brake.domain
    detail: dict[str, str | int | bool] = {
        "domain": brake.domain,
        "since": (brake.since or context.now).isoformat(),
        "command": f"mailer bounces accept {domain}",
    }
    recipients = alarming.operators(context)
    await briefing.report(context, recipients, "report-bounces", detail=detail)


def cause_key(mailing: Mailing) -> str:
    """Names one fault of one mailing: mended and failing otherwise, it is told again."""
    return blake2b(mailing.reason.encode(), digest_size=6).hexdigest()


async def once(context: Context, key: str) -> bool:
    """Whether this is to be sent now, by this transaction; True once and never again."""
    begun = await errand.begin(context.connection, key, now=context.now)
    if begun:
        _log.info("tells the organisers", action="report.queued", report=key.partition(":")[0])
    return begun


async def _send(
    context: Context,
    template: str,
    *,
    detail: dict[str, str | int | bool],
    items: tuple[Item, ...] = (),
    webinar: WebinarRecord | None = None,
) -> None:
    recipients = organisers(context)
    await briefing.report(
        context, recipients, template, detail=detail, items=items, webinar=webinar
    )


def organisers(context: Context) -> tuple[Address, ...]:
    """Who looks after the series, each once."""
    found = (parse_address(name) for name in context.series.organisers)
    return tuple({address.key: address for address in found if address}.values())
