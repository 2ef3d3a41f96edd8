"""Everything that is known of one person: consent, mails and why, what comes and what does not.

The rules are the planner's, asked for one person: who subscribed after a notice was let go is not
owed it, a pause holds the programme back, an audience may leave somebody out. Only reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.config.model import Config
from mailer.intake.context import hash_address
from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import (
    announcement,
    bounce,
    journal,
    ledger,
    people,
    programme,
    registration,
    suppression,
)
from mailer.store.engine import Connection
from mailer.store.journal import Entry
from mailer.store.ledger import Mail
from mailer.store.people import Consent, State, Subscription
from mailer.store.programme import WebinarRecord
from mailer.store.registration import State as Choice
from scheduler.model import Audience, Due
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
class Dossier:
    """``known`` is False if nothing but perhaps a suppression is kept."""

    address: str
    name: str
    known: bool
    subscriptions: tuple[Held, ...]
    registrations: tuple[Chosen, ...]
    mails: tuple[Mail, ...]
    next: tuple[Coming, ...]
    not_next: tuple[Missed, ...]
    suppressions: tuple[suppression.Entry, ...]
    received: tuple[Entry, ...]
    bounces: tuple[bounce.Entry, ...]


async def dossier(parts: Parts, address: Address) -> Dossier:
    """All that is kept of an address, on one snapshot."""
    now = parts.clock.now()
    address_hash = hash_address(parts.secrets.hash_key, address)

    async def unit(connection: Connection) -> Dossier:
        person = await ledger.person(connection, address.key)
        current = await people.of_person(connection, address.key)
        mails = await ledger.mails(connection, address.key)
        received = await journal.of_author(connection, address.key, limit=RECEIVED)
        coming, missed = await _prospect(connection, parts.config, address, current, now)
        return Dossier(
            address=person.mailbox if person else address.mailbox,
            name=person.name if person else "",
            known=bool(person or mails or received),
            subscriptions=tuple([await _held(connection, parts.config, one) for one in current]),
            registrations=await _chosen(connection, person.id) if person else (),
            mails=mails,
            next=tuple(sorted((*_queued(mails, now), *coming), key=lambda one: one.at)),
            not_next=missed,
            suppressions=await suppression.of_address(connection, address_hash),
            received=received,
            bounces=await bounce.of_person(connection, address.key),
        )

    return await parts.store.read(unit)


_WAITS = ("queued", "deferred", "in_doubt")


def _queued(mails: tuple[Mail, ...], now: datetime) -> Iterator[Coming]:
    for one in mails:
        if one.state in _WAITS:
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


async def _chosen(connection: Connection, subscriber_id: int) -> tuple[Chosen, ...]:
    found = await registration.listing(connection, subscriber_id=subscriber_id)
    return tuple(Chosen(webinar=one.webinar, state=one.state, at=one.at) for one in found)


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
    coming: list[Coming] = []
    missed: list[Missed] = []
    for due in plan([one.for_planning() for one in records.values()], notices, now, releases):
        record = records[due.webinar_id]
        reader = active.get(record.series_id)
        if reader is None or (reader.id, due.webinar_id, due.notice_id) in told:
            continue
        at = max(due.due_at, now)
        why = why_not(due, reader, chosen.get(due.webinar_id), at=at)
        if why is None and (due.webinar_id, due.notice_id, due.sequence) in gone:
            at, why = due.released_at, "when it went out they were paused, or not in its audience"
        if why is None:
            coming.append(_coming(record, due, at))
        else:
            missed.append(_missed(record, due, at, why))
    return tuple(coming), tuple(missed)


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
