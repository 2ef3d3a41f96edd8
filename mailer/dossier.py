"""Everything that is known of one person: consent, mails and why, what comes and what does not.

The rules are the planner's, asked for one person: who subscribed after a notice was let go is not
owed it, a pause holds the programme back, an audience may leave somebody out. Only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from mailer.config.model import Config, Series
from mailer.intake import braking
from mailer.intake.braking import Brake
from mailer.intake.context import hash_address
from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import (
    announcement,
    bounce,
    halt,
    history,
    journal,
    ledger,
    people,
    programme,
    registration,
    suppression,
    written,
)
from mailer.store.announcement import State as AnnouncementState
from mailer.store.engine import Connection
from mailer.store.journal import Entry
from mailer.store.ledger import Mail
from mailer.store.people import Consent, State, Subscription
from mailer.store.programme import WebinarRecord
from mailer.store.registration import State as Choice
from mailer.store.written import Written
from scheduler.change import History, outdated
from scheduler.model import Audience, Due, Kind, Status
from scheduler.plan import FOLLOW_UP_LIVES_FOR, is_late, plan

RECEIVED = 100  # mails from a person that are looked at, the newest
_PAST = FOLLOW_UP_LIVES_FOR + timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One subscription. ``language`` and ``timezone`` are those their mails are in."""

    series: str
    state: State
    since: datetime | None
    language: str
    timezone: str
    paused_until: datetime | None
    requested_at: datetime
    asked_at: datetime | None
    ended_at: datetime | None
    consents: tuple[Consent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What they said of a webinar."""

    webinar: str
    state: Choice
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A mail that is queued for them, or that the plan has for them as things stand now."""

    at: datetime
    series: str
    kind: str
    webinar: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A mail that others get and they do not, and why."""

    at: datetime
    series: str
    kind: str
    webinar: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Knows:
    """What they were told of a webinar last; ``outdated`` if that would mislead them."""

    webinar: str
    series: str
    status: Status
    starts_at: datetime
    outdated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """``known`` is False if nothing but perhaps a suppression is kept."""

    address: str
    name: str
    known: bool
    subscriptions: tuple[Held, ...]
    registrations: tuple[Chosen, ...]
    mails: tuple[Mail, ...]
    told: tuple[Knows, ...]  # of webinars that are not over
    next: tuple[Coming, ...]
    not_next: tuple[Missed, ...]
    suppressions: tuple[suppression.Entry, ...]
    received: tuple[Entry, ...]
    bounces: tuple[bounce.Entry, ...]
    held: tuple[Brake, ...]  # why bounces have no consequences for them now


async def dossier(parts: Parts, address: Address, *, only: Series | None = None) -> Dossier:
    """All that is kept of an address, on one snapshot; or what concerns ``only`` one series."""
    now = parts.clock.now()
    address_hash = hash_address(parts.secrets.hash_key, address)

    async def unit(connection: Connection) -> Dossier:
        person = await ledger.person(connection, address.key)
        current = _within(only, await people.of_person(connection, address.key), _series_id)
        mails = _within(only, await ledger.mails(connection, address.key), _series)
        received = await journal.of_author(
            connection, address.key, limit=RECEIVED, series_id=only.id if only else None
        )
        coming, missed = await _prospect(connection, parts.config, address, current, now)
        owed = await _corrections(connection, parts.config, current, now)
        return Dossier(
            address=person.mailbox if person else address.mailbox,
            name=person.name if person else "",
            known=bool(person or mails or received),
            subscriptions=tuple([await _held(connection, parts.config, one) for one in current]),
            registrations=await _chosen(connection, person.id, only) if person else (),
            mails=mails,
            told=await _told(connection, parts.config, current, now),
            next=_in_order([*_queued(mails, now)], owed, coming),
            not_next=missed,
            suppressions=tuple(
                one
                for one in await suppression.of_address(connection, address_hash)
                if only is None or one.scope in (only.id, suppression.EVERYWHERE)
            ),
            received=received,
            bounces=_within(only, await bounce.of_person(connection, address.key), _series),
            held=await braking.held_at(connection, address.domain, now=now),
        )

    return await parts.store.read(unit)


T = TypeVar("T")


def _within(
    only: Series | None, found: tuple[T, ...], series_of: Callable[[T], str]
) -> tuple[T, ...]:
    """Those of one series, or all."""
    return tuple(one for one in found if only is None or series_of(one) == only.id)


def _series_id(one: Subscription) -> str:
    return one.series_id


def _series(one: Mail | bounce.Entry) -> str:
    return one.series


def _in_order(
    queued: Sequence[Coming], owed: Sequence[Coming], coming: Sequence[Coming]
) -> tuple[Coming, ...]:
    """By time; what is queued already is not owed beside that."""
    there = {(one.kind, one.webinar) for one in queued}
    owed = [one for one in owed if (one.kind, one.webinar) not in there]
    return tuple(sorted((*queued, *owed, *coming), key=lambda one: one.at))


_WAITS = ("queued", "deferred", "in_doubt")


def _queued(mails: tuple[Mail, ...], now: datetime) -> Iterator[Coming]:
    for one in mails:
        if one.state in _WAITS and one.reason != halt.PAUSED:
            at = max(one.at, now)
            yield Coming(at=at, series=one.series, kind=one.kind, webinar=one.webinar)


async def _held(connection: Connection, config: Config, one: Subscription) -> Held:
    language, timezone = preferences(config, one)
    return Held(
        series=one.series_id,
        state=one.state,
        since=one.since,
        language=language,
        timezone=timezone,
        paused_until=one.paused_until,
        requested_at=one.requested_at,
        asked_at=one.confirmation_queued_at,
        ended_at=one.ended_at,
        consents=await people.consents(connection, one.id),
    )


def preferences(config: Config, one: Subscription) -> tuple[str, str]:
    """Language and zone of a person's mails: their own, else the series'."""
    try:
        series = config.series_by_id(one.series_id)
    except KeyError:  # not configured any more
        return one.language or "", one.timezone or ""
    return one.language or series.language, one.timezone or series.timezone


async def _chosen(
    connection: Connection, subscriber_id: int, only: Series | None
) -> tuple[Chosen, ...]:
    found = await registration.listing(
        connection, subscriber_id=subscriber_id, series_id=only.id if only else None
    )
    return tuple(Chosen(webinar=one.webinar, state=one.state, at=one.at) for one in found)


async def _told(
    connection: Connection, config: Config, current: tuple[Subscription, ...], now: datetime
) -> tuple[Knows, ...]:
    """What a person takes to be true of the coming webinars."""
    records = {one.id: one for one in await programme.listing(connection, ends_after=now)}
    known = await history.known_to(connection, [one.id for one in current])
    chosen = await ledger.choices(connection, current[0].subscriber_id) if current else {}
    own_links = config.own_links
    histories = await history.of_webinars(connection, records, {}, own_links=own_links)
    found = []
    for (_, webinar_id), sequence in sorted(known.items()):
        record = records.get(webinar_id)
        told = await history.told(connection, webinar_id, sequence)
        if record is None or told is None:
            continue
        found.append(
            Knows(
                webinar=record.slug,
                series=record.series_id,
                status=told.status,
                starts_at=told.starts_at,
                outdated=_is_outdated(histories.get(webinar_id), sequence, chosen.get(webinar_id)),
            )
        )
    return tuple(found)


def _is_outdated(found: History | None, sequence: int | None, choice: str | None) -> bool:
    registered = choice == Choice.REGISTERED
    return found is not None and sequence in outdated(found, registered=registered)


async def _prospect(
    connection: Connection,
    config: Config,
    address: Address,
    current: tuple[Subscription, ...],
    now: datetime,
) -> tuple[tuple[Coming, ...], tuple[Missed, ...]]:
    """What the plan has for a person, and what it has for others only."""
    active = {one.series_id: one for one in current if one.state is State.ACTIVE}
    if not active:
        return (), ()
    records = {one.id: one for one in await programme.listing(connection, ends_after=now - _PAST)}
    releases = await announcement.releases(connection)
    gone = {(one.webinar_id, one.notice_id, one.sequence) for one in releases}
    told = await ledger.told(connection, address.key)
    chosen = await ledger.choices(connection, current[0].subscriber_id)
    notices = {series.id: series.notices for series in config.series}
    held = await announcement.held_back(connection)
    webinars = [one.for_planning() for one in records.values()]
    coming: list[Coming] = []
    missed: list[Missed] = []
    for due in plan(webinars, notices, now, releases):
        record = records[due.webinar_id]
        reader = active.get(record.series_id)
        if reader is None:
            continue
        at = max(due.due_at, now)
        if (reader.id, due.webinar_id, due.notice_id) in told:
            continue
        why = why_not(due, reader, chosen.get(due.webinar_id), at=at)
        if why is None and due.key in held:
            why = "an organiser paused or cancelled it"
        if why is None and (due.webinar_id, due.notice_id, due.sequence) in gone:
            at, why = due.released_at, "when it went out they were paused, or not in its audience"
        if why is None:
            coming.append(_coming(record, due, at))
        else:
            missed.append(_missed(record, due, at, why))
    for text in await written.waiting(connection):
        reader = active.get(text.series_id)
        choice = chosen.get(text.webinar_id or 0)
        if reader is None or text.state is not AnnouncementState.PLANNED:
            continue
        at = max(text.due_at, now)
        if why_not(_as_due(text), reader, choice, at=at) is None:
            coming.append(
                Coming(at=at, series=text.series_id, kind=Kind.MESSAGE, webinar=text.webinar)
            )
    return tuple(coming), tuple(missed)


async def _corrections(
    connection: Connection, config: Config, current: tuple[Subscription, ...], now: datetime
) -> tuple[Coming, ...]:
    """What is owed them because they were told something else; a pause puts it off."""
    active = {one.series_id: one for one in current if one.state is State.ACTIVE}
    records = {one.id: one for one in await programme.listing(connection, ends_after=now - _PAST)}
    windows = {series.id: series.settle for series in config.series}
    own_links = config.own_links
    histories = await history.of_webinars(connection, records, windows, own_links=own_links)
    known = await history.known_to(connection, [one.id for one in active.values()])
    chosen = await ledger.choices(connection, current[0].subscriber_id) if current else {}
    found = []
    webinars = [records[webinar_id].for_planning() for webinar_id in histories]
    for due in plan(webinars, {}, now, (), histories):
        reader = active.get(records[due.webinar_id].series_id)
        choice = chosen.get(due.webinar_id)
        if reader is None or choice == Choice.DECLINED:
            continue
        if _is_outdated(histories[due.webinar_id], known.get((reader.id, due.webinar_id)), choice):
            at = max(due.due_at, now, reader.paused_until or now)
            found.append(_coming(records[due.webinar_id], due, at))
    return tuple(found)


def _as_due(text: Written) -> Due:
    """What an organiser wrote, as something that is owed."""
    return Due(
        webinar_id=text.webinar_id or 0,
        notice_id="",
        kind=Kind.MESSAGE,
        audience=text.audience,
        sequence=0,
        due_at=text.due_at,
        released_at=text.due_at,
        expires_at=text.expires_at,
    )


def why_not(due: Due, reader: Subscription, choice: str | None, *, at: datetime) -> str | None:
    """Why a subscriber does not get a mailing at that time; None if they do."""
    if reader.since is None or is_late(reader.since, due.released_at):
        return "they subscribed after it had been let go"
    if choice == Choice.DECLINED and due.audience is not Audience.REGISTERED:
        return "they said they do not come"
    if due.audience is Audience.REGISTERED and choice != Choice.REGISTERED:
        return "it is for registered people"
    if due.audience is Audience.UNREGISTERED and choice == Choice.REGISTERED:
        return "it is for people who are not registered"
    if reader.paused_until is not None and reader.paused_until > at:
        return f"they paused until {reader.paused_until:%Y-%m-%d %H:%M} UTC"
    return None


def _coming(record: WebinarRecord, due: Due, at: datetime) -> Coming:
    return Coming(at=at, series=record.series_id, kind=due.kind, webinar=record.slug)


def _missed(record: WebinarRecord, due: Due, at: datetime, why: str) -> Missed:
    return Missed(at=at, series=record.series_id, kind=due.kind, webinar=record.slug, why=why)
