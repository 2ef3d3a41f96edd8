"""Who is owed an announcement, slice by slice, and their rows in the ledger.

A slice is so many subscriptions of the series, not so many readers: its cost is the same for a
small audience and a large one, in a small ledger and a large one. Everything is found by key
(tests/store/test_plans.py), and a slice is written by one statement (bench/ledger.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    CTE,
    ColumnElement,
    Insert,
    Integer,
    Label,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import history
from mailer.store.announcement import Announcement, State
from mailer.store.outbox import Priority, is_leased
from mailer.store.outbox import State as RowState
from mailer.store.people import State as SubscriptionState
from mailer.store.schema import (
    Instant,
    announcement,
    mention,
    outbox,
    registration,
    subscriber,
    subscription,
    webinar,
)
from mailer.store.statement import field, given_rows, larger
from scheduler.change import outdated
from scheduler.model import Audience, Kind, Status


class Reader(NamedTuple):
    """Somebody who is owed an announcement, with what their copy depends on. ``paused_until`` is
    set for who is told of a change after a pause only."""

    subscription_id: int
    mailbox: str
    address_key: str
    language: str | None
    timezone: str | None
    registered: bool
    told_sequence: int
    paused_until: datetime | None


class Copy(NamedTuple):
    """A reader's row of the ledger, as far as it is theirs alone."""

    subscription_id: int
    recipient: str
    recipient_key: str
    language: str
    zone: str
    registered: bool
    told_sequence: int
    message_id: str
    not_before: int  # in milliseconds, as it is stored


Group = tuple[str | None, str | None, bool, int]  # language, zone, registered, told_sequence

NEVER_TOLD = -1  # the told_sequence of who was told nothing yet, and where it does not matter


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What the statements differ in; the rest are parameters."""

    audience: Audience
    of_webinar: bool
    by_time: bool  # a reminder: one of another time reminds nobody of this one
    corrects: bool  # for who was told something else, whenever they subscribed


def _question(item: Announcement) -> _Question:
    return _Question(
        audience=item.audience,
        of_webinar=item.webinar_id is not None,
        by_time=item.kind is Kind.REMINDER,
        corrects=item.kind in history.CORRECTS,
    )


def _parameters(item: Announcement, now: datetime) -> dict[str, object]:
    return {
        "series": item.series_id,
        "webinar": item.webinar_id,
        "notice": item.notice_id,
        "sequence": item.sequence,
        "due_at": item.due_at,
        "released_at": item.released_at,
        "expires_at": item.expires_at,
        "now": now,
    }


async def _wrong(connection: AsyncConnection, item: Announcement) -> frozenset[tuple[int, bool]]:
    """Which readers a correction is for: the sequence they were told, and whether registered."""
    if item.kind not in history.CORRECTS or item.webinar_id is None:
        return frozenset()
    histories = await history.of_webinars(connection, [item.webinar_id], {})
    found = histories.get(item.webinar_id)
    if found is None:
        return frozenset()
    return frozenset(
        (sequence, registered)
        for registered in (False, True)
        for sequence in outdated(found, registered=registered)
    )


def _active() -> Select[Any]:
    """The subscriptions of the series, in the order in which they are gone through."""
    return (
        select(
            subscription.c.id,
            subscription.c.subscriber_id,
            subscription.c.since,
            subscription.c.paused_until,
        )
        .where(
            subscription.c.series_id == bindparam("series"),
            subscription.c.state == literal_column(f"'{SubscriptionState.ACTIVE}'"),
        )
        .order_by(subscription.c.id)
    )


def _next() -> CTE:
    """A slice of them."""
    after = subscription.c.id > bindparam("after")
    slice_ = _active().where(after).limit(bindparam("limit")).cte("slice")
    return slice_.prefix_with("MATERIALIZED", dialect="postgresql")


def _said(people: CTE, what: str) -> ColumnElement[bool]:
    """Whether a person has said this of the webinar."""
    return exists().where(
        registration.c.webinar_id == bindparam("webinar"),
        registration.c.subscriber_id == people.c.subscriber_id,
        registration.c.state == what,
    )


def _told(people: CTE, question: _Question) -> ColumnElement[bool]:
    """Whether a person has got, or will get, what the same notice says of the webinar.

    A correction that is queued when a reminder is due already, after an outage, is that reminder.
    """
    about: ColumnElement[Any] = bindparam("webinar") if question.of_webinar else null()
    due_at = bindparam("due_at", type_=Instant())
    same: ColumnElement[bool] = announcement.c.notice_id == bindparam("notice")
    if question.by_time:
        corrected = and_(
            announcement.c.kind.in_([literal_column(f"'{kind}'") for kind in history.CORRECTS]),
            announcement.c.sequence == bindparam("sequence"),
            outbox.c.queued_at >= due_at,
        )
        same = or_(and_(same, announcement.c.due_at == due_at), corrected)
    return exists().where(
        announcement.c.webinar_id == about,
        same,
        outbox.c.announcement_id == announcement.c.id,
        outbox.c.subscription_id == people.c.id,
        history.tells(announcement.c.sequence),
    )


def _told_sequence(people: CTE) -> ColumnElement[int]:
    """As of which sequence a person was told of the webinar last, by whatever mail."""
    announced = select(func.max(announcement.c.sequence)).where(
        announcement.c.webinar_id == bindparam("webinar"),
        announcement.c.kind.in_([literal_column(f"'{kind}'") for kind in history.TELLS]),
        outbox.c.announcement_id == announcement.c.id,
        outbox.c.subscription_id == people.c.id,
        history.tells(announcement.c.sequence),
    )
    mentioned = select(func.max(mention.c.sequence)).where(
        mention.c.webinar_id == bindparam("webinar"),
        mention.c.subscription_id == people.c.id,
        outbox.c.id == mention.c.outbox_id,
        or_(history.may_have_told(), outbox.c.state == RowState.QUEUED),
    )
    return larger(
        func.coalesce(announced.correlate(people).scalar_subquery(), NEVER_TOLD),
        func.coalesce(mentioned.correlate(people).scalar_subquery(), NEVER_TOLD),
    )


def _owed(people: CTE, question: _Question) -> ColumnElement[bool]:
    """Subscribed no later than its release, not paused, in its audience, not told yet.

    A correction is for everybody who does not stay away; a pause only puts it off.
    """
    registered, declined = _said(people, "registered"), _said(people, "declined")
    if question.corrects:
        until = people.c.paused_until
        return and_(
            ~declined, or_(until.is_(None), until < bindparam("expires_at", type_=Instant()))
        )
    audience = {
        Audience.REGISTERED: registered,
        Audience.UNREGISTERED: and_(~registered, ~declined),
        Audience.SUBSCRIBED: ~declined,
    }
    return and_(
        people.c.since <= bindparam("released_at", type_=Instant()),
        or_(
            people.c.paused_until.is_(None),
            people.c.paused_until <= bindparam("now", type_=Instant()),
        ),
        audience[question.audience],
        ~_told(people, question),
    )


def _particulars(people: CTE, question: _Question) -> tuple[Label[int], Label[datetime | None]]:
    """What a correction has to know of each reader, and nothing else does."""
    never: ColumnElement[int] = literal_column(str(NEVER_TOLD), Integer())
    at_once: ColumnElement[datetime | None] = literal_column("NULL", Instant())
    if question.corrects:
        return _told_sequence(people).label("told"), people.c.paused_until.label("paused_until")
    return never.label("told"), at_once.label("paused_until")


@cache
def _slice(question: _Question) -> Select[Any]:
    """The statement of `readers`: everybody in the slice, and whether they are owed it."""
    people = _next()
    return (
        select(
            people.c.id,
            subscriber.c.mailbox,
            subscriber.c.address_key,
            subscriber.c.language,
            subscriber.c.timezone,
            _said(people, "registered").label("registered"),
            *_particulars(people, question),
            _owed(people, question).label("owed"),
        )
        .join(subscriber, subscriber.c.id == people.c.subscriber_id)
        .order_by(people.c.id)
    )


async def readers(
    connection: AsyncConnection, item: Announcement, *, after: int, limit: int, now: datetime
) -> tuple[tuple[Reader, ...], int | None]:
    """Who is owed it among the next ``limit`` subscriptions behind an id, and where the slice after
    that begins, None if this was the last."""
    found = await connection.execute(
        _slice(_question(item)), {**_parameters(item, now), "after": after, "limit": limit}
    )
    rows = found.all()
    is_owed = _judge(item, await _wrong(connection, item))
    owed = tuple(Reader._make(row[:-1]) for row in rows if is_owed(row))
    return owed, rows[-1].id if len(rows) == limit else None


def _judge(
    item: Announcement, wrong: frozenset[tuple[int, bool]]
) -> Callable[[Row[tuple[Any, ...]]], bool]:
    """Whether the person or group of a row is owed it, by what they were told too."""
    if item.kind in history.CORRECTS:
        return lambda row: bool(row.owed) and (row.told, bool(row.registered)) in wrong
    return lambda row: bool(row.owed)


@cache
def _groups(question: _Question) -> Select[Any]:
    """The statement of `groups`."""
    people = _next()
    told, _ = _particulars(people, question)
    kinds = (
        subscriber.c.language,
        subscriber.c.timezone,
        _said(people, "registered").label("registered"),
        told,
        _owed(people, question).label("owed"),
    )
    names = ("language", "timezone", "registered", "told", "owed")
    each = (
        select(people.c.id, *kinds)
        .join(subscriber, subscriber.c.id == people.c.subscriber_id)
        .subquery()
    )
    return select(
        *(each.c[name] for name in names),
        func.count().label("n"),
        func.max(each.c.id).label("last"),
    ).group_by(*(each.c[name] for name in names))


async def groups(
    connection: AsyncConnection, item: Announcement, *, after: int, limit: int, now: datetime
) -> tuple[frozenset[Group], int | None]:
    """Every language, zone and registration there is among those who are owed it in a slice, and
    where the next slice begins; slices as in `readers`."""
    found = await connection.execute(
        _groups(_question(item)), {**_parameters(item, now), "after": after, "limit": limit}
    )
    rows = found.all()
    is_owed = _judge(item, await _wrong(connection, item))
    owed = frozenset(
        (row.language, row.timezone, bool(row.registered), row.told) for row in rows if is_owed(row)
    )
    seen = sum(row.n for row in rows)
    return owed, max(row.last for row in rows) if seen == limit else None


@cache
def _count(question: _Question) -> Select[Any]:
    """The statement of `count_readers`: how many there are of each kind."""
    people = _active().order_by(None).cte("people")
    told, _ = _particulars(people, question)
    kinds = (
        _said(people, "registered").label("registered"),
        told,
        _owed(people, question).label("owed"),
    )
    each = select(*kinds).select_from(people).subquery()
    columns = [each.c[name] for name in ("registered", "told", "owed")]
    return select(*columns, func.count().label("n")).group_by(*columns)


async def count_readers(connection: AsyncConnection, item: Announcement, *, now: datetime) -> int:
    """How many would get it if it were let go now. Goes through everybody at once: for reading."""
    found = await connection.execute(_count(_question(item)), _parameters(item, now))
    is_owed = _judge(item, await _wrong(connection, item))
    return sum(row.n for row in found if is_owed(row))


# What all rows of an announcement have in common.
_SHARED = (
    "series_id",
    "announcement_id",
    "webinar_id",
    "kind",
    "template",
    "priority",
    "state",
    "queued_at",
    "expires_at",
)


def _queue() -> Insert:
    """The statement of `queue_copies`."""
    given = given_rows("copies")
    theirs = {
        name: field(given, place, outbox.c[name].type) for place, name in enumerate(Copy._fields)
    }
    shared = {name: bindparam(f"all_{name}", type_=outbox.c[name].type) for name in _SHARED}
    return insert(outbox).from_select(
        [*theirs, *shared], select(*theirs.values(), *shared.values())
    )


_QUEUE = _queue()


async def queue_copies(
    connection: AsyncConnection, item: Announcement, copies: Sequence[Copy], *, now: datetime
) -> None:
    """Queue the rows of a slice's readers."""
    if not copies:
        return
    await connection.execute(
        _QUEUE,
        {
            "copies": msgspec.json.encode(copies).decode(),
            "all_series_id": item.series_id,
            "all_announcement_id": item.id,
            "all_webinar_id": item.webinar_id,
            "all_kind": item.kind,
            "all_template": item.kind,
            "all_priority": int(Priority.BULK),
            "all_state": RowState.QUEUED,
            "all_queued_at": now,
            "all_expires_at": item.expires_at,
        },
    )


async def advance(
    connection: AsyncConnection,
    announcement_id: int,
    *,
    expanded_to: int,
    added: int,
    done: bool,
) -> None:
    """Note how far the expansion has come."""
    await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id)
        .values(
            expanded_to=expanded_to,
            total=announcement.c.total + added,
            state=State.DONE if done else State.SENDING,
        )
    )


async def is_current(connection: AsyncConnection, item: Announcement) -> bool:
    """Whether the webinar is still as it was when this was planned."""
    if item.webinar_id is None:
        return True
    found = await connection.scalar(
        select(webinar.c.id).where(
            webinar.c.id == item.webinar_id,
            webinar.c.sequence == item.sequence,
            webinar.c.status
            == (Status.CANCELLED if item.kind is Kind.CANCELLATION else Status.SCHEDULED),
        )
    )
    return found is not None


async def older_under_way(connection: AsyncConnection, item: Announcement) -> bool:
    """Whether a mail that tells what was true of the webinar before is being sent at this moment:
    nobody knows yet whether its reader will have been told."""
    if item.webinar_id is None or item.sequence == 0:
        return False
    older = select(announcement.c.id).where(
        announcement.c.webinar_id == item.webinar_id, announcement.c.sequence < item.sequence
    )
    found = await connection.scalar(
        select(outbox.c.id).where(is_leased(), outbox.c.announcement_id.in_(older)).limit(1)
    )
    return found is not None
