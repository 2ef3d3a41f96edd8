"""How a series has gone week by week, and its last mailings side by side. Only reads.

Weeks begin on Monday, in UTC, and are numbered from that of 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, case, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.judgement import BounceClass
from mailer.store import tally
from mailer.store.outbox import State as RowState
from mailer.store.people import Act, State
from mailer.store.schema import announcement, bounce, consent, outbox, subscription, webinar
from mailer.store.tally import Counts
from scheduler.model import Kind

_WEEK = timedelta(days=7) // timedelta(milliseconds=1)
_MONDAY = timedelta(days=3) // timedelta(milliseconds=1)  # the epoch was a Thursday
_JOINS = (Act.CONFIRMED, Act.STATED, Act.RETURNED)
_ENDS = (Act.LEFT, Act.LAPSED)


def week_of(instant: datetime) -> int:
    """The number of the week in which an instant lies."""
    return (int(instant.timestamp() * 1000) + _MONDAY) // _WEEK


def monday_of(week: int) -> date:
    """The day on which a week begins."""
    return datetime.fromtimestamp((week * _WEEK - _MONDAY) / 1000, UTC).date()


def _week(column: ColumnElement[datetime]) -> ColumnElement[int]:
    return (type_coerce(column, BigInteger) + _MONDAY) // _WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What happened in a week: who came and who went, how many mails to subscribers were let go,
    and how many came back in it by why; ``subscribers`` there were at its end."""

    number: int
    subscribers: int
    joined: int
    left: int
    mails: int
    came_back: Mapping[BounceClass, int]


async def weeks(
    connection: AsyncConnection, series_id: str, *, now: datetime, count: int
) -> tuple[Week, ...]:
    """The last weeks of a series, the present one last."""
    last = week_of(now)
    first = last - count + 1
    joined = await _people(connection, series_id, _JOINS, first)
    left = await _people(connection, series_id, _ENDS, first)
    mails = await _mails(connection, series_id, first)
    back = await _came_back(connection, series_id, first)
    there = await _subscribers(connection, series_id)
    found: list[Week] = []
    for number in range(last, first - 1, -1):  # back from how many there are now
        came, went = joined.get(number, 0), left.get(number, 0)
        found.append(
            Week(
                number=number,
                subscribers=max(0, there),
                joined=came,
                left=went,
                mails=mails.get(number, 0),
                came_back=back.get(number, {}),
            )
        )
        there -= came - went
    return tuple(reversed(found))


async def _people(
    connection: AsyncConnection, series_id: str, acts: tuple[Act, ...], first: int
) -> dict[int, int]:
    """How many subscriptions began or ended, by week. Who never confirmed ended nothing."""
    week = _week(consent.c.at).label("week")
    rows = await connection.execute(
        select(week, func.count().label("n"))
        .join(subscription, subscription.c.id == consent.c.subscription_id)
        .where(
            subscription.c.series_id == series_id,
            subscription.c.since.is_not(None),
            consent.c.act.in_(acts),
            type_coerce(consent.c.at, BigInteger) >= first * _WEEK - _MONDAY,
        )
        .group_by(week)
    )
    return {int(row.week): row.n for row in rows}


async def _mails(connection: AsyncConnection, series_id: str, first: int) -> dict[int, int]:
    """How many mails were made of mailings, by the week in which they were let go."""
    week = _week(announcement.c.released_at).label("week")
    rows = await connection.execute(
        select(week, func.sum(announcement.c.total).label("n"))
        .where(
            announcement.c.series_id == series_id,
            announcement.c.total > 0,
            type_coerce(announcement.c.released_at, BigInteger) >= first * _WEEK - _MONDAY,
        )
        .group_by(week)
    )
    return {int(row.week): int(row.n) for row in rows}


async def _came_back(
    connection: AsyncConnection, series_id: str, first: int
) -> dict[int, dict[BounceClass, int]]:
    """How many mails came back or were refused for their recipient, by week and why."""
    week = _week(bounce.c.at).label("week")
    rows = await connection.execute(
        select(week, bounce.c["class"].label("cls"), func.count().label("n"))
        .join(outbox, outbox.c.id == bounce.c.outbox_id)
        .where(
            outbox.c.series_id == series_id,
            type_coerce(bounce.c.at, BigInteger) >= first * _WEEK - _MONDAY,
        )
        .group_by(week, bounce.c["class"])
    )
    found: dict[int, dict[BounceClass, int]] = {}
    for row in rows:
        found.setdefault(int(row.week), {})[BounceClass(row.cls)] = row.n
    return found


async def _subscribers(connection: AsyncConnection, series_id: str) -> int:
    found = await connection.scalar(
        select(func.count())
        .select_from(subscription)
        .where(subscription.c.series_id == series_id, subscription.c.state == State.ACTIVE)
    )
    return found or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """A mailing and what became of it: its rows by state, and how many of those that were sent came
    back. ``title`` is its subject, or that of its webinar."""

    id: int
    kind: Kind
    title: str
    at: datetime
    state: str
    counts: Counts
    came_back: int


async def mailings(
    connection: AsyncConnection, series_id: str, *, now: datetime, limit: int
) -> tuple[Mailing, ...]:
    """The mailings that were let go last, the newest first."""
    title = case((announcement.c.subject != "", announcement.c.subject), else_=webinar.c.title)
    rows = (
        await connection.execute(
            select(
                announcement.c.id,
                announcement.c.kind,
                func.coalesce(title, "").label("title"),
                announcement.c.released_at,
                announcement.c.state,
            )
            .outerjoin(webinar, webinar.c.id == announcement.c.webinar_id)
            .where(
                announcement.c.series_id == series_id,
                announcement.c.total > 0,
                announcement.c.released_at <= now,
            )
            .order_by(announcement.c.released_at.desc(), announcement.c.id.desc())
            .limit(limit)
        )
    ).all()
    ids = [row.id for row in rows]
    counted = await tally.counts_of(connection, ids)
    back = await _back_of(connection, ids)
    return tuple(
        Mailing(
            id=row.id,
            kind=Kind(row.kind),
            title=row.title,
            at=row.released_at,
            state=row.state,
            counts=counted[row.id],
            came_back=back.get(row.id, 0),
        )
        for row in rows
    )


async def _back_of(connection: AsyncConnection, ids: list[int]) -> dict[int, int]:
    rows = await connection.execute(
        select(outbox.c.announcement_id, func.count().label("n"))
        .join(bounce, bounce.c.outbox_id == outbox.c.id)
        .where(outbox.c.announcement_id.in_(ids), outbox.c.state == RowState.SENT)
        .group_by(outbox.c.announcement_id)
    )
    return {row.announcement_id: row.n for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why mails came back: ``count`` of them, and what a server said of one."""

    cls: BounceClass
    status: str
    count: int
    example: str


async def reasons(
    connection: AsyncConnection, series_id: str, *, since: datetime, limit: int
) -> tuple[Reason, ...]:
    """Why mails of a series came back, or were refused for their recipient, the most frequent
    reason first."""
    number = func.count()
    rows = await connection.execute(
        select(
            bounce.c["class"].label("cls"),
            bounce.c.status,
            number.label("n"),
            func.min(bounce.c.detail).label("example"),
        )
        .join(outbox, outbox.c.id == bounce.c.outbox_id)
        .where(outbox.c.series_id == series_id, bounce.c.at >= since)
        .group_by(bounce.c["class"], bounce.c.status)
        .order_by(number.desc(), bounce.c["class"], bounce.c.status)
        .limit(limit)
    )
    return tuple(
        Reason(cls=BounceClass(row.cls), status=row.status, count=row.n, example=row.example)
        for row in rows
    )
