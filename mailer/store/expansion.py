"""Who is owed an announcement, slice by slice, and how far letting it go has come.

A slice is so many subscriptions of the series, not so many readers: its cost is the same for a
small audience and a large one, in a small ledger and a large one. Everything is found by key
(tests/store/test_plans.py). What makes a reader says `audience`, their rows are `copies`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import audience, history
from mailer.store.announcement import Announcement, State
from mailer.store.audience import Question
from mailer.store.outbox import is_leased
from mailer.store.schema import announcement, outbox, subscriber, webinar
from scheduler.change import outdated
from scheduler.model import Kind, Status


class Reader(NamedTuple):
    """Somebody who is owed an announcement, with what their copy depends on. ``paused_until`` is
    set for who is told of a change after a pause only; it may lie beyond the deadline."""

    subscription_id: int
    mailbox: str
    address_key: str
    language: str | None
    timezone: str | None
    registered: bool
    told_sequence: int
    paused_until: datetime | None


Group = tuple[str | None, str | None, bool, int]  # language, zone, registered, told_sequence


async def _wrong(
    connection: AsyncConnection, item: Announcement, *, own_links: bool
) -> frozenset[tuple[int, bool]]:
    """Which readers a correction is for: the sequence they were told, and whether registered."""
    if item.kind not in history.CORRECTS or item.webinar_id is None:
        return frozenset()
    histories = await history.of_webinars(connection, [item.webinar_id], {}, own_links=own_links)
    found = histories.get(item.webinar_id)
    if found is None:
        return frozenset()
    return frozenset(
        (sequence, registered)
        for registered in (False, True)
        for sequence in outdated(found, registered=registered)
    )


@cache
def _slice(question: Question) -> Select[Any]:
    """The statement of `readers`: everybody in the slice, and whether they are owed it."""
    people = audience.next_slice()
    return (
        select(
            people.c.id,
            subscriber.c.mailbox,
            subscriber.c.address_key,
            subscriber.c.language,
            subscriber.c.timezone,
            audience.said(people, "registered").label("registered"),
            *audience.particulars(people, question),
            audience.owed(people, question).label("owed"),
        )
        .join(subscriber, subscriber.c.id == people.c.subscriber_id)
        .order_by(people.c.id)
    )


async def readers(
    connection: AsyncConnection,
    item: Announcement,
    *,
    after: int,
    limit: int,
    now: datetime,
    own_links: bool = False,
) -> tuple[tuple[Reader, ...], int | None]:
    """Who is owed it among the next ``limit`` subscriptions behind an id, and where the slice after
    that begins, None if this was the last. Corrections have to know of ``own_links``, as `History`
    has them."""
    found = await connection.execute(
        _slice(audience.question_of(item)),
        {**audience.parameters(item, now), "after": after, "limit": limit},
    )
    rows = found.all()
    is_owed = _judge(item, await _wrong(connection, item, own_links=own_links))
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
def _groups(question: Question) -> Select[Any]:
    """The statement of `groups`."""
    people = audience.next_slice()
    told, _ = audience.particulars(people, question)
    kinds = (
        subscriber.c.language,
        subscriber.c.timezone,
        audience.said(people, "registered").label("registered"),
        told,
        audience.owed(people, question).label("owed"),
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
    connection: AsyncConnection,
    item: Announcement,
    *,
    after: int,
    limit: int,
    now: datetime,
    own_links: bool = False,
) -> tuple[frozenset[Group], int | None]:
    """Every language, zone and registration there is among those who are owed it in a slice, and
    where the next slice begins; slices as in `readers`."""
    found = await connection.execute(
        _groups(audience.question_of(item)),
        {**audience.parameters(item, now), "after": after, "limit": limit},
    )
    rows = found.all()
    is_owed = _judge(item, await _wrong(connection, item, own_links=own_links))
    owed = frozenset(
        (row.language, row.timezone, bool(row.registered), row.told) for row in rows if is_owed(row)
    )
    seen = sum(row.n for row in rows)
    return owed, max(row.last for row in rows) if seen == limit else None


@cache
def _count(question: Question) -> Select[Any]:
    """The statement of `count_readers`: how many there are of each kind."""
    people = audience.subscribed().order_by(None).cte("people")
    told, _ = audience.particulars(people, question)
    owed = audience.owed(people, question)
    kinds = (
        audience.said(people, "registered").label("registered"),
        told,
        (and_(owed, audience.hears_in_time(people)) if question.corrects else owed).label("owed"),
    )
    each = select(*kinds).select_from(people).subquery()
    columns = [each.c[name] for name in ("registered", "told", "owed")]
    return select(*columns, func.count().label("n")).group_by(*columns)


async def count_readers(
    connection: AsyncConnection, item: Announcement, *, now: datetime, own_links: bool = False
) -> int:
    """How many would get it if it were let go now. Goes through everybody at once: for reading."""
    found = await connection.execute(
        _count(audience.question_of(item)), audience.parameters(item, now)
    )
    is_owed = _judge(item, await _wrong(connection, item, own_links=own_links))
    return sum(row.n for row in found if is_owed(row))


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
