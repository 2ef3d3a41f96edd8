"""Pauses, resumes and cancels any announcement: the programme's, and what organisers wrote."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import partial

from mailer.errors import AnnouncementRefused
from mailer.intake.announcing import AT_ONCE
from mailer.store import announcement, halt, setting, written
from mailer.store.announcement import State
from mailer.store.engine import Connection, Store
from mailer.store.halt import Left


class Act(StrEnum):
    """What can be done to an announcement on its way."""

    PAUSE = "paused"
    RESUME = "resumed"
    CANCEL = "cancelled"


async def halting(store: Store, announcement_id: int, act: Act, *, who: str, now: datetime) -> Left:
    """Do it, exact to the recipient, and say how far the announcement is then. Raises
    AnnouncementRefused.

    Nothing more is let go once the first transaction is over; its rows follow in slices.
    """
    await store.write(lambda c: _begin(c, announcement_id, act, who=who, now=now))
    after: int | None = 0
    while after is not None:
        follow = partial(
            halt.follow, announcement_id=announcement_id, after=after, limit=AT_ONCE, now=now
        )
        after = await store.write(follow)
    return await store.read(lambda c: halt.left(c, announcement_id))


async def _begin(
    connection: Connection, announcement_id: int, act: Act, *, who: str, now: datetime
) -> None:
    item = await announcement.by_id(connection, announcement_id)
    if item is None:
        raise AnnouncementRefused(f"there is no announcement {announcement_id}")
    if item.state is State.DONE and act is not Act.RESUME:
        left = await halt.left(connection, announcement_id)
        if not left.waiting and not left.under_way:
            raise AnnouncementRefused(f"announcement {announcement_id} has gone out already")
    if not await _done(connection, announcement_id, act, now):
        raise AnnouncementRefused(
            f"announcement {announcement_id} is {item.state}: it cannot be {act}"
        )
    await written.note(connection, announcement_id, who=who, act=act, now=now)
    await setting.bump(connection)


async def _done(connection: Connection, announcement_id: int, act: Act, now: datetime) -> bool:
    match act:
        case Act.PAUSE:
            return await halt.pause(connection, announcement_id)
        case Act.RESUME:
            return await halt.resume(connection, announcement_id, now=now)
        case Act.CANCEL:
            return await halt.cancel(connection, announcement_id)
