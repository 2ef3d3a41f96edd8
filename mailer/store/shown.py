"""The programme as everybody may see it: no drafts. Only reads.

What comes stands first, the next on top; behind it what was, the latest on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.prepared import Prepared
from mailer.store.schema import series, webinar
from mailer.store.webinar import WebinarRecord, record_of


async def page(
    connection: AsyncConnection, series_id: str, *, now: datetime, first: int, limit: int
) -> tuple[tuple[WebinarRecord, ...], int]:
    """The webinars of a series from the ``first`` on, counted from 0, and how many there are."""
    total = await connection.scalar(
        select(func.count()).select_from(webinar).where(*_public(series_id))
    )
    comes = webinar.c.ends_at > now
    rows = await connection.execute(
        select(webinar)
        .where(*_public(series_id))
        .order_by(
            case((comes, 0), else_=1),
            case((comes, webinar.c.starts_at)),
            webinar.c.starts_at.desc(),
            webinar.c.id,
        )
        .offset(first)
        .limit(limit)
    )
    return tuple(record_of(row) for row in rows), total or 0


async def next_end(
    connection: AsyncConnection, series_id: str, *, now: datetime
) -> datetime | None:
    """When the next webinar of a series ends: then it goes from what comes to what was."""
    ends: datetime | None = await connection.scalar(
        select(func.min(webinar.c.ends_at)).where(*_public(series_id), webinar.c.ends_at > now)
    )
    return ends


_EDITIONS = Prepared(lambda _: select(series.c.id, series.c.edition))


async def editions(connection: AsyncConnection) -> Mapping[str, int]:
    """The edition of each series' programme by the series' id: another number after each change of
    any of its webinars. One prepared statement, for `How.ALONE`."""
    return {str(row[0]): int(row[1]) for row in await _EDITIONS.rows(connection)}


async def all_of(
    connection: AsyncConnection, series_id: str, *, ends_after: datetime, limit: int
) -> tuple[WebinarRecord, ...]:
    """For feeds: the webinars that were not over by then, the latest ``limit`` of them by start."""
    rows = await connection.execute(
        select(webinar)
        .where(*_public(series_id), webinar.c.ends_at > ends_after)
        .order_by(webinar.c.starts_at.desc(), webinar.c.id.desc())
        .limit(limit)
    )
    return tuple(record_of(row) for row in reversed(rows.all()))


async def one(connection: AsyncConnection, series_id: str, slug: str) -> WebinarRecord | None:
    """The webinar of that id, if everybody may see it."""
    rows = await connection.execute(
        select(webinar).where(*_public(series_id), webinar.c.slug == slug)
    )
    row = rows.one_or_none()
    return None if row is None else record_of(row)


def _public(series_id: str) -> tuple[ColumnElement[bool], ...]:
    return (webinar.c.series_id == series_id, webinar.c.published_at.is_not(None))
