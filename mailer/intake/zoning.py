"""Follows the time zone database: a webinar keeps its wall clock, and its instant moves if need be.

Governments change their clocks between an announcement and its webinar. Wall clock and zone are
what an organiser meant, so with new rules the instant is worked out anew; that is a move like any
other, told to whoever was told the old time (F27). A program with older rules than those by which
the instants were worked out refuses to start.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mailer.errors import ZonesTooOld
from mailer.log import get_logger
from mailer.store import programme, setting
from mailer.store.engine import Connection
from mailer.store.webinar import Revision, WebinarContent, WebinarRecord
from scheduler.model import Status
from scheduler.recurrence import is_older, to_utc, tzdata_version

_OVER = timedelta(days=2)  # wall clocks are moved by hours

_log = get_logger(__name__)


async def refuse_older(connection: Connection) -> None:
    """Raise `ZonesTooOld` if the database knows newer rules than this program."""
    known = await setting.get(connection, setting.ZONES)
    if known is not None and is_older(tzdata_version(), known):
        raise ZonesTooOld(
            f"the database has times by the rules of zones {known}, this program has "
            f"{tzdata_version()}: upgrade it (the package tzdata)"
        )


async def follow(connection: Connection, *, now: datetime) -> tuple[WebinarRecord, ...]:
    """Work out anew when the webinars to come begin, if the rules are newer than those by which
    that was done; the ones that moved."""
    await refuse_older(connection)
    if await setting.get(connection, setting.ZONES) == tzdata_version():
        return ()
    await setting.put(connection, setting.ZONES, tzdata_version())
    coming = await programme.listing(connection, ends_after=now - _OVER)
    changes = [
        Revision(record=one, content=content)
        for one in coming
        if one.status is not Status.CANCELLED and (content := _anew(one)) != one.content
    ]
    moved = await programme.revise_all(connection, changes, now=now)
    for one in moved:
        _log.warning(
            "the rules of its zone changed: a webinar begins at another instant",
            action="webinar.moved",
            webinar=one.id,
            zone=one.zone,
        )
    return moved


def _anew(record: WebinarRecord) -> WebinarContent:
    starts_at = to_utc(record.wall_start, record.zone)
    ends_at = starts_at + (record.ends_at - record.starts_at)
    return replace(record.content, starts_at=starts_at, ends_at=ends_at)
