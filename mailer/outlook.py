"""What the rules will send from now on, or would have sent before. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mailer.parts import Parts
from mailer.store import announcement, ledger, programme
from mailer.store.announcement import Announcement
from mailer.store.announcement import State as AnnouncementState
from mailer.store.engine import Connection
from mailer.store.forecast import LONG_AGO
from mailer.store.ledger import Waiting
from mailer.store.programme import WebinarRecord
from scheduler.model import Due, Kind
from scheduler.plan import plan

_VOID_IF = {
    Kind.ANNOUNCEMENT: "the webinar moves, is cancelled, or its first reminder falls due",
    Kind.REMINDER: "the webinar moves, is cancelled, or has begun",
    Kind.FOLLOW_UP: "there are no materials within 30 days of its end",
    Kind.UPDATE: "the change is taken back",
    Kind.CANCELLATION: "the webinar is revived",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    at: datetime
    series: str
    kind: str
    webinar: str
    audience: str
    recipients: int
    void_if: str


async def outlook(
    parts: Parts, *, start: datetime | None, until: datetime | None
) -> tuple[Outlook, ...]:
    """Every mailing due from ``start`` to ``until``, both included, in that order: what is planned,
    and what is queued already and has not gone out.

    With a ``start`` in the past everything counts as present before it and nothing as sent.
    """
    now = parts.clock.now()

    async def unit(connection: Connection) -> tuple[Outlook, ...]:
        past = start is not None and start < now
        since = start if start is not None and past else now
        dues = await _dues(connection, parts, since, anew=past)
        found = []
        for record, due in dues:
            at = max(due.due_at, since)
            too_early = start is not None and due.due_at < start
            if too_early or (until is not None and at > until):
                continue
            count = await announcement.count_readers(
                connection, _item(record, due, anew=past), now=at
            )
            found.append(_outlook(record, due, at, count))
        if past:
            return tuple(found)
        queued = [_queued(one, now) for one in await ledger.waiting(connection, now=now)]
        found += [one for one in queued if _within(one.at, start, until)]
        return tuple(sorted(found, key=lambda one: one.at))

    return await parts.store.read(unit)


def _within(at: datetime, start: datetime | None, until: datetime | None) -> bool:
    return (start is None or at >= start) and (until is None or at <= until)


def _queued(waiting: Waiting, now: datetime) -> Outlook:
    return Outlook(
        at=max(waiting.at, now),
        series=waiting.series,
        kind=waiting.kind,
        webinar=waiting.webinar or "",
        audience=waiting.audience,
        recipients=waiting.recipients,
        void_if=_VOID_IF[Kind(waiting.kind)],
    )


async def _dues(
    connection: Connection, parts: Parts, since: datetime, *, anew: bool
) -> list[tuple[WebinarRecord, Due]]:
    records = {one.id: one for one in await programme.listing(connection)}
    releases = () if anew else await announcement.releases(connection)
    gone = {(one.webinar_id, one.notice_id, one.sequence) for one in releases}
    webinars = [one.for_planning() for one in records.values()]
    if anew:
        webinars = [replace(one, published_at=one.published_at and LONG_AGO) for one in webinars]
    notices = {series.id: series.notices for series in parts.config.series}
    return [
        (records[due.webinar_id], due)
        for due in plan(webinars, notices, since, releases)
        if (due.webinar_id, due.notice_id, due.sequence) not in gone
    ]


def _item(record: WebinarRecord, due: Due, *, anew: bool) -> Announcement:
    """The announcement that this would become, for counting its readers; a late joiner of the past
    counts as present."""
    return Announcement(
        id=0,
        key=due.key,
        series_id=record.series_id,
        webinar_id=due.webinar_id,
        notice_id="" if anew else due.notice_id,  # of which nobody was told yet
        kind=due.kind,
        audience=due.audience,
        sequence=due.sequence,
        due_at=due.due_at,
        released_at=due.expires_at.max.replace(tzinfo=due.due_at.tzinfo)
        if anew
        else due.released_at,
        expires_at=due.expires_at,
        state=AnnouncementState.PLANNED,
        reason="",
        expanded_to=0,
        total=0,
    )


def _outlook(record: WebinarRecord, due: Due, at: datetime, count: int) -> Outlook:
    return Outlook(
        at=at,
        series=record.series_id,
        kind=due.kind,
        webinar=record.slug,
        audience=due.audience,
        recipients=count,
        void_if=_VOID_IF[due.kind],
    )
