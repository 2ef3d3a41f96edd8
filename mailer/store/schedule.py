"""What goes out of a series and when, and what has gone out, page by page. Only reads.

Everything is found by its announcement: the ledger is looked at for the few that are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.announcement import BY_HAND, State
from mailer.store.halt import Left
from mailer.store.outbox import State as RowState
from mailer.store.people import State as SubscriptionState
from mailer.store.registration import State as Choice
from mailer.store.schema import announcement, outbox, registration, subscription, webinar, written
from scheduler.model import Audience, Kind

_AHEAD = (State.WAITING, State.PLANNED, State.SENDING, State.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One mailing. ``writer`` is None for one of the programme's rules, empty for the command line;
    ``webinar`` is the id that people see and ``title`` its title, or None."""

    id: int
    kind: Kind
    audience: Audience
    subject: str
    webinar_id: int | None
    webinar: str | None
    title: str | None
    due_at: datetime
    due_given: bool
    expires_at: datetime
    state: State
    reason: str
    total: int
    writer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Some of them, and how many there are in all."""

    entries: tuple[Entry, ...]
    total: int


async def ahead(
    connection: AsyncConnection, series_id: str, *, first: int = 0, limit: int
) -> Listed:
    """What has yet to be let go, or is half let go, the next one first."""
    which = _of_series(series_id) & announcement.c.state.in_(_AHEAD)
    return await _listed(
        connection, which, (announcement.c.due_at, announcement.c.id), first, limit
    )


async def behind(
    connection: AsyncConnection, series_id: str, *, first: int = 0, limit: int
) -> Listed:
    """What was let go, was cancelled by hand, has failed or was too late, the last one first."""
    by_hand = (announcement.c.state == State.CANCELLED) & (announcement.c.reason == BY_HAND)
    over = announcement.c.state.in_((State.DONE, State.FAILED, State.EXPIRED))
    order = (announcement.c.due_at.desc(), announcement.c.id.desc())
    return await _listed(
        connection, _of_series(series_id) & or_(over, by_hand), order, first, limit
    )


async def by_hand(
    connection: AsyncConnection, series_id: str, *, first: int = 0, limit: int
) -> Listed:
    """What organisers wrote, the last one first."""
    which = _of_series(series_id) & written.c.announcement_id.is_not(None)
    return await _listed(connection, which, (announcement.c.id.desc(),), first, limit)


async def one(connection: AsyncConnection, series_id: str, announcement_id: int) -> Entry | None:
    """The mailing of a series with this id, None if there is none."""
    which = _of_series(series_id) & (announcement.c.id == announcement_id)
    row = (await connection.execute(_selection().where(which))).one_or_none()
    return None if row is None else _entry(row)


async def far(connection: AsyncConnection, ids: Sequence[int]) -> Mapping[int, Left]:
    """How far each of these has gone out."""
    rows = await connection.execute(
        select(outbox.c.announcement_id, outbox.c.state, func.count().label("n"))
        .where(outbox.c.announcement_id.in_(ids), outbox.c.announcement_id.is_not(None))
        .group_by(outbox.c.announcement_id, outbox.c.state)
    )
    counted: dict[int, dict[str, int]] = {}
    for row in rows:
        counted.setdefault(row.announcement_id, {})[row.state] = row.n
    return {
        announcement_id: Left(
            sent=found.get(RowState.SENT, 0),
            waiting=found.get(RowState.QUEUED, 0),
            under_way=found.get(RowState.SENDING, 0),
        )
        for announcement_id, found in counted.items()
    }


async def crowd(connection: AsyncConnection, series_id: str) -> int:
    """How many are subscribed, read from the index alone: quick for a million."""
    found = await connection.scalar(
        select(func.count())
        .select_from(subscription)
        .where(
            subscription.c.series_id == series_id, subscription.c.state == SubscriptionState.ACTIVE
        )
    )
    return found or 0


async def registered(
    connection: AsyncConnection, webinar_ids: Collection[int]
) -> Mapping[int, int]:
    """How many are registered for each of these webinars."""
    rows = await connection.execute(
        select(registration.c.webinar_id, func.count().label("n"))
        .where(
            registration.c.webinar_id.in_(webinar_ids), registration.c.state == Choice.REGISTERED
        )
        .group_by(registration.c.webinar_id)
    )
    return {row.webinar_id: row.n for row in rows}


def _of_series(series_id: str) -> ColumnElement[bool]:
    return announcement.c.series_id == series_id


async def _listed(
    connection: AsyncConnection,
    which: ColumnElement[bool],
    order: Sequence[ColumnElement[object]],
    first: int,
    limit: int,
) -> Listed:
    total = await connection.scalar(
        select(func.count())
        .select_from(announcement)
        .outerjoin(written, written.c.announcement_id == announcement.c.id)
        .where(which)
    )
    rows = await connection.execute(
        _selection().where(which).order_by(*order).offset(first).limit(limit)
    )
    return Listed(entries=tuple(map(_entry, rows)), total=total or 0)


def _selection() -> Select[tuple[object, ...]]:
    own = ("id", "kind", "audience", "subject", "webinar_id", "due_at", "expires_at", "state")
    return (
        select(
            *(announcement.c[name] for name in (*own, "reason", "total")),
            webinar.c.slug.label("webinar"),
            webinar.c.title,
            written.c.writer,
            func.coalesce(written.c.due_given, true()).label("due_given"),
        )
        .select_from(announcement)
        .outerjoin(webinar, webinar.c.id == announcement.c.webinar_id)
        .outerjoin(written, written.c.announcement_id == announcement.c.id)
    )


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    fields = dict(row._mapping)
    fields |= {
        "kind": Kind(fields["kind"]),
        "audience": Audience(fields["audience"]),
        "state": State(fields["state"]),
    }
    return Entry(**fields)
