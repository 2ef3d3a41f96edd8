"""Planned mailings, from the plan to their end.

One row per webinar × notice × sequence, or for what an organiser wrote (`written`), which may be
*waiting* for approval first. It is *planned* until it falls due, *sending* from the first slice of
recipients to the last (`expansion`), then *done*; *paused* and cancelled by hand: `halt`. What was
let go once is never planned again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, RowMapping, Select, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import announcement
from scheduler.model import Audience, Due, Kind, Release


class State(StrEnum):
    WAITING = "waiting"
    PLANNED = "planned"
    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


BY_HAND = "cancelled by an organiser"  # the reason of what the plan must not bring back
TOO_LATE = "too late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    id: int
    key: str
    series_id: str
    webinar_id: int | None
    notice_id: str
    kind: Kind
    audience: Audience
    sequence: int
    due_at: datetime
    released_at: datetime
    expires_at: datetime
    state: State
    reason: str
    expanded_to: int
    total: int


async def plan(
    connection: AsyncConnection, dues: Sequence[tuple[str, Due]], *, now: datetime
) -> None:
    """Make the planned rows equal to what is due: ``dues`` pairs a series id with each.

    New keys are inserted, planned rows follow a changed time, planned rows that are no longer due
    are cancelled. Rows already let go are not touched. Idempotent.
    """
    known = {
        row.key: row
        for row in await connection.execute(
            select(
                announcement.c.key,
                announcement.c.state,
                announcement.c.due_at,
                announcement.c.released_at,
                announcement.c.expires_at,
                announcement.c.audience,
                announcement.c.reason,
            ).where(
                announcement.c.key.in_([due.key for _, due in dues])
                | (announcement.c.state == State.PLANNED) & (announcement.c.kind != Kind.MESSAGE)
            )
        )
    }
    wanted = {due.key: (series_id, due) for series_id, due in dues}
    fresh = [_values(sid, due, now) for key, (sid, due) in wanted.items() if key not in known]
    if fresh:
        await connection.execute(insert(announcement), fresh)
    for key, (_, due) in wanted.items():
        row = known.get(key)
        if row is not None and _is_stale(row._mapping, due):
            await connection.execute(
                update(announcement)
                .where(announcement.c.key == key)
                .values(
                    due_at=due.due_at,
                    released_at=due.released_at,
                    expires_at=due.expires_at,
                    audience=due.audience,
                    state=State.PLANNED,
                    reason="",
                )
            )
    void = [key for key, row in known.items() if key not in wanted and row.state == State.PLANNED]
    await _close(connection, void, now)
    await _lapse(connection, now)


def _values(series_id: str, due: Due, now: datetime) -> dict[str, object]:
    return {
        "key": due.key,
        "series_id": series_id,
        "webinar_id": due.webinar_id,
        "notice_id": due.notice_id,
        "kind": due.kind,
        "audience": due.audience,
        "sequence": due.sequence,
        "due_at": due.due_at,
        "released_at": due.released_at,
        "expires_at": due.expires_at,
        "state": State.PLANNED,
        "created_at": now,
    }


def _is_stale(fields: RowMapping, due: Due) -> bool:
    """Whether a row that was never let go tells another story than the rule does now."""
    if fields["state"] not in (State.PLANNED, State.CANCELLED, State.EXPIRED):
        return False
    if fields["reason"] == BY_HAND:
        return False
    told = (fields["due_at"], fields["released_at"], fields["expires_at"], fields["audience"])
    return fields["state"] != State.PLANNED or told != (
        due.due_at,
        due.released_at,
        due.expires_at,
        due.audience,
    )


async def _close(connection: AsyncConnection, keys: Sequence[str], now: datetime) -> None:
    if not keys:
        return
    late = announcement.c.expires_at <= now
    await connection.execute(
        update(announcement)
        .where(announcement.c.key.in_(keys), announcement.c.state == State.PLANNED)
        .values(
            state=case((late, State.EXPIRED), else_=State.CANCELLED),
            reason=case((late, TOO_LATE), else_="no longer in the plan"),
        )
    )


async def _lapse(connection: AsyncConnection, now: datetime) -> None:
    """Close what waited, was paused or was half let go until it was too late."""
    unfinished = announcement.c.state.in_((State.WAITING, State.SENDING, State.PAUSED))
    written = (announcement.c.state == State.PLANNED) & (announcement.c.kind == Kind.MESSAGE)
    nobody = "nobody approved it in time"
    await connection.execute(
        update(announcement)
        .where(unfinished | written, announcement.c.expires_at <= now)
        .values(
            state=State.EXPIRED,
            reason=case((announcement.c.state == State.WAITING, nobody), else_=TOO_LATE),
        )
    )


async def releases(connection: AsyncConnection) -> tuple[Release, ...]:
    """What was let go already, for the planner."""
    rows = await connection.execute(
        select(
            announcement.c.webinar_id,
            announcement.c.notice_id,
            announcement.c.sequence,
            announcement.c.released_at,
        ).where(
            announcement.c.webinar_id.is_not(None),
            announcement.c.state.in_((State.SENDING, State.DONE, State.FAILED)),
        )
    )
    return tuple(Release(**row._mapping) for row in rows)


async def held_back(connection: AsyncConnection) -> frozenset[str]:
    """Keys of what does not go out although the rules say so: paused, or cancelled by hand."""
    by_hand = (announcement.c.state == State.CANCELLED) & (announcement.c.reason == BY_HAND)
    rows = await connection.execute(
        select(announcement.c.key).where(by_hand | (announcement.c.state == State.PAUSED))
    )
    return frozenset(row.key for row in rows)


async def due(connection: AsyncConnection, *, now: datetime) -> tuple[Announcement, ...]:
    """What is to be let go now or is half let go, in the order of falling due."""
    rows = await connection.execute(
        _selection()
        .where(
            announcement.c.state.in_((State.PLANNED, State.SENDING)),
            announcement.c.due_at <= now,
            announcement.c.expires_at > now,
        )
        .order_by(announcement.c.due_at, announcement.c.id)
    )
    return tuple(_announcement(row) for row in rows)


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When the next planned row falls due."""
    found: datetime | None = await connection.scalar(
        select(func.min(announcement.c.due_at)).where(announcement.c.state == State.PLANNED)
    )
    return found


async def by_id(connection: AsyncConnection, announcement_id: int) -> Announcement | None:
    """The announcement with this id."""
    row = (
        await connection.execute(_selection().where(announcement.c.id == announcement_id))
    ).one_or_none()
    return None if row is None else _announcement(row)


async def listing(connection: AsyncConnection) -> tuple[Announcement, ...]:
    """Every announcement, by when it is due."""
    rows = await connection.execute(_selection().order_by(announcement.c.due_at, announcement.c.id))
    return tuple(_announcement(row) for row in rows)


async def cancel(connection: AsyncConnection, announcement_id: int, *, reason: str) -> None:
    """Let no more of it go."""
    await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id)
        .values(state=State.CANCELLED, reason=reason)
    )


async def fail(connection: AsyncConnection, announcement_id: int, *, reason: str) -> None:
    """Its template does not render: nobody gets any of it."""
    await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id)
        .values(state=State.FAILED, reason=reason)
    )


async def revive(connection: AsyncConnection, *, now: datetime) -> int:
    """Plan again what has failed and is not too late; the next tick lets it go. Returns how many.

    What is no longer in the plan is cancelled by the same tick.
    """
    back = await connection.execute(
        update(announcement)
        .where(announcement.c.state == State.FAILED, announcement.c.expires_at > now)
        .values(state=State.PLANNED, reason="")
    )
    return back.rowcount


def _selection() -> Select[tuple[object, ...]]:
    return select(*(announcement.c[name] for name in Announcement.__dataclass_fields__))


def _announcement(row: Row[tuple[object, ...]]) -> Announcement:
    fields = dict(row._mapping)
    return Announcement(
        **{
            **fields,
            "kind": Kind(fields["kind"]),
            "audience": Audience(fields["audience"]),
            "state": State(fields["state"]),
        }
    )
