"""What the rules will send from now on, or would have sent before; and what a change of the
programme makes go out, before it is stored or after. Changes nothing by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailer.intake.editing import Action, Edited
from mailer.intake.speaking import addresses
from mailer.parts import Parts
from mailer.store import announcement, expansion, history, ledger, programme, speaking, written
from mailer.store.announcement import Announcement
from mailer.store.announcement import State as AnnouncementState
from mailer.store.engine import Connection
from mailer.store.forecast import LONG_AGO
from mailer.store.ledger import Waiting
from mailer.store.programme import WebinarRecord
from scheduler.model import Due, Kind
from scheduler.pace import WarmUp, days_taken
from scheduler.plan import plan

_VOID_IF = {
    Kind.ANNOUNCEMENT: "the webinar moves, is cancelled, or its first reminder falls due",
    Kind.REMINDER: "the webinar moves, is cancelled, or has begun",
    Kind.FOLLOW_UP: "there are no materials within 30 days of its end",
    Kind.UPDATE: "the change is taken back, or another one follows",
    Kind.CANCELLATION: "the webinar is revived",
    Kind.MESSAGE: "an organiser cancels it, or the webinar that it is about changes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One mailing."""

    at: datetime
    series: str
    kind: str
    webinar: str
    audience: str
    recipients: int
    days: int  # on which it leaves, by the warm-up; more if others leave as well
    void_if: str

    @property
    def whom(self) -> str:
        """Its readers, for people to read."""
        corrects = self.kind in history.CORRECTS
        return "who were told otherwise" if corrects else f"{self.audience}"


async def outlook(
    parts: Parts, *, start: datetime | None, until: datetime | None
) -> tuple[Outlook, ...]:
    """Every mailing due from ``start`` to ``until``, both included, in that order: what is planned,
    and what is queued already and has not gone out.

    With a ``start`` in the past everything counts as present before it and nothing as sent.
    """
    now = parts.clock.now()
    warm_up = parts.config.outbound.warm_up

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
            count = await _readers(connection, parts, record, _item(record, due, anew=past), at)
            found.append(_outlook(record, due, at, count, warm_up))
        if past:
            return tuple(found)
        waiting = await ledger.waiting(connection, now=now)
        queued = [_queued(one, now, warm_up) for one in waiting]
        texts = await _written(connection, now, warm_up)
        found += [one for one in (*queued, *texts) if _within(one.at, start, until)]
        return tuple(sorted(found, key=lambda one: one.at))

    return await parts.store.read(unit)


async def of_webinars(
    connection: Connection, parts: Parts, webinar_ids: Collection[int], *, at_once: bool
) -> tuple[Outlook, ...]:
    """What somebody would get about these webinars as this transaction sees them. ``at_once``
    leaves out what the rules bring later: then it is what a change of them makes go out."""
    now = parts.clock.now()
    found = []
    for record, due in await _dues(connection, parts, now, anew=False):
        at = max(due.due_at, now)
        later = due.kind not in history.CORRECTS and at > now
        if record.id not in webinar_ids or (at_once and later):
            continue
        count = await _readers(connection, parts, record, _item(record, due, anew=False), at)
        if count:
            found.append(_outlook(record, due, at, count, parts.config.outbound.warm_up))
    return tuple(found)


Change = Callable[[Connection], Awaitable[Sequence[Edited]]]


async def done(
    parts: Parts, change: Change, *, at_once: bool
) -> tuple[Sequence[Edited], Sequence[Outlook]]:
    """A change, and what goes out about what it changed; that is counted when it is stored."""
    edited = await parts.store.write(change)
    return edited, await parts.store.read(lambda c: _of_changed(c, parts, edited, at_once=at_once))


async def tried(
    parts: Parts, change: Change, *, at_once: bool
) -> tuple[Sequence[Edited], Sequence[Outlook]]:
    """What a change would do and what would go out then; nothing is stored."""

    async def attempt(connection: Connection) -> tuple[Sequence[Edited], Sequence[Outlook]]:
        async with connection.begin_nested() as savepoint:
            edited = await change(connection)
            news = await _of_changed(connection, parts, edited, at_once=at_once)
            await savepoint.rollback()
            return edited, news

    return await parts.store.write(attempt)


async def _of_changed(
    connection: Connection, parts: Parts, edited: Sequence[Edited], *, at_once: bool
) -> Sequence[Outlook]:
    changed = {one.record.id for one in edited if one.action is not Action.UNCHANGED}
    return await of_webinars(connection, parts, changed, at_once=at_once) if changed else ()


async def _readers(
    connection: Connection, parts: Parts, record: WebinarRecord, item: Announcement, at: datetime
) -> int:
    """How many get it: as subscribers, and for taking part in the webinar."""
    own_links = parts.config.own_links
    count = await expansion.count_readers(connection, item, now=at, own_links=own_links)
    found = await addresses(connection, record, item.kind, hash_key=parts.secrets.hash_key)
    owed = await speaking.owed(connection, item, [one.key for one in found])
    if not owed:
        return count
    twice = await speaking.read_as_subscribers(connection, item, tuple(owed), now=at)
    return count + len(owed) - len(twice)


def _within(at: datetime, start: datetime | None, until: datetime | None) -> bool:
    return (start is None or at >= start) and (until is None or at <= until)


def _queued(waiting: Waiting, now: datetime, warm_up: WarmUp | None) -> Outlook:
    at = max(waiting.at, now)
    return Outlook(
        at=at,
        series=waiting.series,
        kind=waiting.kind,
        webinar=waiting.webinar or "",
        audience=waiting.audience,
        recipients=waiting.recipients,
        days=_days(warm_up, waiting.recipients, at),
        void_if=_VOID_IF[Kind(waiting.kind)],
    )


async def _written(connection: Connection, now: datetime, warm_up: WarmUp | None) -> list[Outlook]:
    """What organisers wrote and is planned, or waits for approval."""
    found = []
    for text in await written.waiting(connection):
        item = await announcement.by_id(connection, text.id)
        if item is None:
            continue
        at = max(text.due_at, now)
        count = await expansion.count_readers(connection, item, now=at)
        waits = text.state is AnnouncementState.WAITING
        found.append(
            Outlook(
                at=at,
                series=text.series_id,
                kind=item.kind,
                webinar=text.webinar or "",
                audience=text.audience,
                recipients=count,
                days=_days(warm_up, count, at),
                void_if="nobody approves it" if waits else _VOID_IF[item.kind],
            )
        )
    return found


async def _dues(
    connection: Connection, parts: Parts, since: datetime, *, anew: bool
) -> list[tuple[WebinarRecord, Due]]:
    records = {one.id: one for one in await programme.listing(connection)}
    releases = () if anew else await announcement.releases(connection)
    gone = {(one.webinar_id, one.notice_id, one.sequence) for one in releases}
    held = frozenset() if anew else await announcement.held_back(connection)
    webinars = [one.for_planning() for one in records.values()]
    if anew:
        webinars = [replace(one, published_at=one.published_at and LONG_AGO) for one in webinars]
    notices = {series.id: series.notices for series in parts.config.series}
    windows = {series.id: series.settle for series in parts.config.series}
    own_links = parts.config.own_links
    histories = (
        {} if anew else await history.of_webinars(connection, records, windows, own_links=own_links)
    )
    return [
        (records[due.webinar_id], due)
        for due in plan(webinars, notices, since, releases, histories)
        if (due.webinar_id, due.notice_id, due.sequence) not in gone and due.key not in held
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


def _outlook(
    record: WebinarRecord, due: Due, at: datetime, count: int, warm_up: WarmUp | None
) -> Outlook:
    return Outlook(
        at=at,
        series=record.series_id,
        kind=due.kind,
        webinar=record.slug,
        audience=due.audience,
        recipients=count,
        days=_days(warm_up, count, at),
        void_if=_VOID_IF[due.kind],
    )


def _days(warm_up: WarmUp | None, mails: int, at: datetime) -> int:
    return 1 if warm_up is None else days_taken(warm_up, mails, at)


async def readers(connection: Connection, parts: Parts, item: Announcement) -> int:
    """How many would get an announcement when it is due, or now if that is past."""
    at = max(item.due_at, parts.clock.now())
    about = item.webinar_id
    record = None if about is None else await programme.by_id(connection, about)
    if record is None:
        return await expansion.count_readers(connection, item, now=at)
    return await _readers(connection, parts, record, item, at)
