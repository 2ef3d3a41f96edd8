"""A dossier as a page: consent, mails and what became of them, what comes next. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk.organiser import Organiser
from mailer.desk.place import Desk
from mailer.desk.sheet import sheet
from mailer.dossier import Coming, Dossier, Held, Knows, Missed
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown, Value
from mailer.store.bounce import Entry as Bounced
from mailer.store.journal import Entry
from mailer.store.ledger import Mail
from mailer.store.people import State

MAILS_SHOWN = 50
COMING_SHOWN = 20
RECEIVED_SHOWN = 20
BOUNCES_SHOWN = 20


def person_sheet(
    desk: Desk,
    organiser: Organiser,
    series: Series,
    found: Dossier,
    *,
    status: int,
    facts: Mapping[str, Value],
) -> Response:
    """The page of somebody who has a subscription to this series."""
    (held,) = found.subscriptions
    return sheet(
        desk,
        organiser,
        "people-person",
        series=series,
        status=status,
        address=found.address,
        called=safe_line(found.name),
        held=_held(held),
        can_end=held.state in (State.ACTIVE, State.PENDING),
        consents=tuple(
            Shown(
                at=one.at.isoformat(),
                act=one.act.value,
                channel=one.channel,
                evidence=safe_line(one.evidence),
            )
            for one in held.consents
        ),
        suppressions=tuple(
            Shown(
                at=one.at.isoformat(),
                reason=one.reason.value,
                detail=safe_line(one.detail),
                everywhere=one.scope != series.id,
            )
            for one in found.suppressions
        ),
        registrations=tuple(
            Shown(webinar=one.webinar, state=one.state.value, at=one.at.isoformat())
            for one in found.registrations
        ),
        told=tuple(map(_told, found.told)),
        next=tuple(map(_coming, found.next[:COMING_SHOWN])),
        not_next=tuple(map(_missed, found.not_next[:COMING_SHOWN])),
        mails=tuple(map(_mail, found.mails[: -MAILS_SHOWN - 1 : -1])),
        all_mails=len(found.mails),
        bounces=tuple(map(_bounce, found.bounces[: -BOUNCES_SHOWN - 1 : -1])),
        brakes=len(found.held),
        received=tuple(map(_received, found.received[:RECEIVED_SHOWN])),
        shared=facts,
    )


def _held(one: Held) -> Shown:
    return Shown(
        state=one.state.value,
        since=one.since.isoformat() if one.since else "",
        requested=one.requested_at.isoformat(),
        asked=one.asked_at.isoformat() if one.asked_at else "",
        ended=one.ended_at.isoformat() if one.ended_at else "",
        paused_until=one.paused_until.isoformat() if one.paused_until else "",
        language=one.language,
        timezone=one.timezone,
    )


def _told(one: Knows) -> Shown:
    return Shown(
        webinar=one.webinar,
        cancelled=one.status == "cancelled",
        starts=one.starts_at.isoformat(),
        outdated=one.outdated,
    )


def _coming(one: Coming) -> Shown:
    return Shown(at=one.at.isoformat(), kind=one.kind, webinar=one.webinar or "")


def _missed(one: Missed) -> Shown:
    return Shown(at=one.at.isoformat(), kind=one.kind, webinar=one.webinar, why=one.why)


def _mail(one: Mail) -> Shown:
    return Shown(
        at=one.at.isoformat(),
        kind=one.kind,
        webinar=one.webinar or "",
        to=one.to,
        state=one.state,
        reason=safe_line(one.reason),
        reply=safe_line(one.reply),
        attempts=one.attempts,
        message_id=one.message_id,
    )


def _bounce(one: Bounced) -> Shown:
    return Shown(
        at=one.at.isoformat(),
        kind=one.kind,
        cls=one.cls.value,
        status=one.status,
        detail=safe_line(one.detail),
    )


def _received(one: Entry) -> Shown:
    return Shown(
        at=one.received_at.isoformat(),
        to=safe_line(one.recipient),
        command=one.command,
        outcome=one.outcome,
    )
