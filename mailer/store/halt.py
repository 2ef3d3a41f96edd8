"""Pauses, resumes and cancels an announcement, exact to the recipient.

The announcement's state is the truth; its rows follow in slices, so that nobody waits for a
million of them. A row of a paused announcement is *parked*: its time is moved ahead by a fixed span
and back when it goes on. So the claim never sees it, its order and its wait after a deferral are
kept, and whatever else closes rows (a deadline, somebody who leaves) still does. A mail under way
is parked as well: if it is deferred, settling never moves its time back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.announcement import BY_HAND, State
from mailer.store.outbox import PARKED_FROM
from mailer.store.outbox import State as RowState
from mailer.store.schema import Instant, announcement, outbox
from mailer.store.withdrawal import CHANGED, is_outdated

PARKED_FOR = timedelta(days=73_050)
PAUSED = "its announcement is paused"

_SPAN = PARKED_FOR // timedelta(milliseconds=1)
_CAN_PAUSE = (State.PLANNED, State.SENDING, State.DONE)
_CAN_CANCEL = (State.WAITING, State.FAILED, State.PAUSED, *_CAN_PAUSE)


def is_parked() -> ColumnElement[bool]:
    """Whether a row waits for its announcement to go on."""
    return outbox.c.not_before >= PARKED_FROM


def unparked_time() -> ColumnElement[datetime]:
    """When a parked row may go out as soon as its announcement goes on."""
    moved = type_coerce(outbox.c.not_before, BigInteger) - _SPAN
    return type_coerce(moved, outbox.c.not_before.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Of an announcement: mails that are sent, rows that still wait, mails under way just now."""

    sent: int
    waiting: int
    under_way: int


async def left(connection: AsyncConnection, announcement_id: int) -> Left:
    """How far an announcement has gone out."""
    rows = await connection.execute(
        select(outbox.c.state, func.count().label("n"))
        .where(outbox.c.announcement_id == announcement_id)
        .group_by(outbox.c.state)
    )
    found = {row.state: row.n for row in rows}
    return Left(
        sent=found.get(RowState.SENT, 0),
        waiting=found.get(RowState.QUEUED, 0),
        under_way=found.get(RowState.SENDING, 0),
    )


async def may_go(connection: AsyncConnection, announcement_id: int) -> bool:
    """Whether an announcement is neither paused nor ended; nobody changes that until the end of
    this transaction."""
    return await _locked(connection, announcement_id) in (State.PLANNED, State.SENDING)


async def _locked(connection: AsyncConnection, announcement_id: int) -> State:
    rows = await connection.execute(
        select(announcement.c.state).where(announcement.c.id == announcement_id).with_for_update()
    )
    return State(rows.scalar_one())


async def pause(connection: AsyncConnection, announcement_id: int) -> bool:
    """Let no more of it go until `resume`; False if it cannot be paused as it stands."""
    return await _become(connection, announcement_id, State.PAUSED, _CAN_PAUSE)


async def resume(connection: AsyncConnection, announcement_id: int, *, now: datetime) -> bool:
    """Go on where it stopped; False if it is not paused, or too late."""
    changed = await connection.execute(
        update(announcement)
        .where(
            announcement.c.id == announcement_id,
            announcement.c.state == State.PAUSED,
            announcement.c.expires_at > now,
        )
        .values(state=announcement.c.paused_from, lagging=True)
    )
    return changed.rowcount == 1


async def cancel(connection: AsyncConnection, announcement_id: int) -> bool:
    """Let no more of it go, ever; False if it has ended already."""
    return await _become(connection, announcement_id, State.CANCELLED, _CAN_CANCEL, BY_HAND)


async def _become(
    connection: AsyncConnection,
    announcement_id: int,
    state: State,
    before: tuple[State, ...],
    reason: str = "",
) -> bool:
    changed = await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id, announcement.c.state.in_(before))
        .values(state=state, reason=reason, paused_from=announcement.c.state, lagging=True)
    )
    return changed.rowcount == 1


async def lagging(connection: AsyncConnection) -> tuple[int, ...]:
    """Announcements whose rows have yet to follow their state."""
    rows = await connection.execute(
        select(announcement.c.id).where(announcement.c.lagging).order_by(announcement.c.id)
    )
    return tuple(row.id for row in rows)


async def follow(
    connection: AsyncConnection, announcement_id: int, *, after: int, limit: int, now: datetime
) -> int | None:
    """Bring a slice of rows in line with their announcement's state, and with the webinar that it
    tells of, in the order in which they were queued; where the next slice begins, None after the
    last."""
    state = await _locked(connection, announcement_id)
    outdated = await connection.scalar(
        select(announcement.c.id).where(announcement.c.id == announcement_id, is_outdated())
    )
    if outdated is not None and state is not State.CANCELLED:
        which, values = _outdated(now)
    else:
        which, values = _following(state, now)
    of_it = (
        outbox.c.announcement_id == announcement_id,
        outbox.c.state.in_((RowState.QUEUED, RowState.SENDING)),
        *which,
    )
    place = outbox.c.subscription_id
    # So many rows in whatever state: to look for others takes the longer the more of it is sent.
    last: int | None = await connection.scalar(
        select(place)
        .where(outbox.c.announcement_id == announcement_id, place > after)
        .order_by(place)
        .offset(limit - 1)
        .limit(1)
    )
    slice_ = place > after if last is None else place.between(after + 1, last)
    if after == 0:  # a webinar's speakers, who are few, have no subscription
        slice_ = or_(slice_, place.is_(None))
    await connection.execute(update(outbox).where(*of_it, slice_).values(**values))
    if last is None:
        await connection.execute(
            update(announcement).where(announcement.c.id == announcement_id).values(lagging=False)
        )
    return last


_Rows = tuple[tuple[ColumnElement[bool], ...], dict[str, object]]


def _outdated(now: datetime) -> _Rows:
    """What waits to tell what is not true any more; what is under way ends as it ends."""
    gone = {"state": RowState.CANCELLED, "reason": CHANGED, "settled_at": now}
    return (outbox.c.state == RowState.QUEUED,), gone


def _following(state: State, now: datetime) -> _Rows:
    """Which of its unsettled rows an announcement's state changes, and how."""
    if state is State.PAUSED:
        parked = type_coerce(outbox.c.not_before, BigInteger) + _SPAN
        return (~is_parked(),), {"not_before": parked}
    if state is State.CANCELLED:
        queued, at = outbox.c.state == RowState.QUEUED, literal(now, Instant())
        return (), {
            "state": case((queued, RowState.CANCELLED), else_=outbox.c.state),
            "reason": case((queued, BY_HAND), else_=outbox.c.reason),
            "settled_at": case((queued, at), else_=outbox.c.settled_at),
            # What is under way may still arrive; if it is deferred it is not tried again.
            "expires_at": case((queued, outbox.c.expires_at), else_=at),
        }
    return (is_parked(),), {"not_before": unparked_time()}
