"""Series and their webinars as stored: reading them, adding webinars, storing changes.

Changes are set-based: a whole file of webinars takes as many statements as one. What a change may
be is decided in `mailer.intake.editing`; here it only gets its numbers and is written.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.config.model import Series
from mailer.message.facts import SeriesFacts
from mailer.store import history
from mailer.store.restatement import restate
from mailer.store.schema import series, webinar
from mailer.store.statement import upsert
from mailer.store.webinar import (
    NewWebinar,
    Revision,
    WebinarContent,
    WebinarRecord,
    columns_of,
    record_of,
)
from mailer.store.withdrawal import cancel_outdated
from scheduler.model import Status

__all__ = ["NewWebinar", "Revision", "WebinarContent", "WebinarRecord"]

_UID_SPACE = uuid.UUID("5b9c2f0e-93b1-4f6a-8b52-0c7d1c6de7a4")


def series_facts(settings: Series, *, base_url: str) -> SeriesFacts:
    """What templates may know of a series."""
    local, _, domain = settings.address.rpartition("@")
    return SeriesFacts(
        id=settings.id,
        title=settings.title,
        address=settings.address,
        local=settings.short or local,
        domain=domain,
        zone=settings.timezone,
        language=settings.language,
        imprint=settings.imprint,
        base_url=base_url,
    )


async def import_series(connection: AsyncConnection, settings: Sequence[Series]) -> None:
    """Make the stored series agree with the configuration; a changed one gets a new version."""
    for one in settings:
        encoded = msgspec.json.encode(one, order="deterministic").decode()
        statement = upsert(connection, series).values(
            id=one.id, title=one.title, address=one.address, settings=encoded, version=1
        )
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[series.c.id],
                set_={
                    "title": one.title,
                    "address": one.address,
                    "settings": encoded,
                    "version": series.c.version + 1,
                },
                where=series.c.settings != encoded,
            )
        )


async def lock(connection: AsyncConnection, series_id: str) -> None:
    """Wait until nobody else changes this series' programme; holds until the transaction ends.

    On SQLite there is one writer anyway, and this is a plain read.
    """
    await connection.execute(select(series.c.id).where(series.c.id == series_id).with_for_update())


async def add(
    connection: AsyncConnection,
    *,
    series_id: str,
    slug: str,
    content: WebinarContent,
    draft: bool,
    now: datetime,
) -> WebinarRecord:
    """Store a new webinar under the series' next permanent number."""
    new = NewWebinar(slug=slug, content=content, draft=draft)
    (made,) = await add_all(connection, series_id=series_id, new=(new,), now=now)
    return made


async def add_all(
    connection: AsyncConnection, *, series_id: str, new: Sequence[NewWebinar], now: datetime
) -> tuple[WebinarRecord, ...]:
    """Store new webinars under the series' next permanent numbers, in the order given."""
    if not new:
        return ()
    last = await connection.scalar(
        update(series)
        .where(series.c.id == series_id)
        .values(
            last_number=series.c.last_number + len(new),
            edition=series.c.edition + 1,
        )
        .returning(series.c.last_number)
    )
    assert last is not None  # every series of the configuration is stored at start
    first = last - len(new) + 1
    await connection.execute(
        insert(webinar),
        [
            {
                "series_id": series_id,
                "slug": one.slug,
                "number": number,
                "status": Status.DRAFT if one.draft else Status.SCHEDULED,
                "revision": 0,
                "sequence": 0,
                "uid": str(_uid(series_id, one.slug, now)),
                "stamp": now,
                "published_at": None if one.draft else now,
                "created_at": now,
                "updated_at": now,
                **columns_of(one.content),
            }
            for number, one in enumerate(new, start=first)
        ],
    )
    rows = await connection.execute(
        select(webinar)
        .where(webinar.c.series_id == series_id, webinar.c.number >= first)
        .order_by(webinar.c.number)
    )
    made = tuple(record_of(row) for row in rows)
    await history.keep(connection, made, now=now)
    return made


def _uid(series_id: str, slug: str, now: datetime) -> uuid.UUID:
    """An opaque identity for calendars (RFC 7986 §5.3), the same if a simulation is run again."""
    return uuid.uuid5(_UID_SPACE, f"{series_id}/{slug}/{now.isoformat()}")


async def revise_all(
    connection: AsyncConnection, changes: Sequence[Revision], *, now: datetime
) -> tuple[WebinarRecord, ...]:
    """The same for any number of webinars; returns the changed records in the order given."""
    if not changes:
        return ()
    # The series before its webinars, as everybody who changes a programme takes them.
    await connection.execute(
        update(series)
        .where(series.c.id.in_({one.record.series_id for one in changes}))
        .values(edition=series.c.edition + 1)
    )
    await connection.execute(
        update(webinar).where(webinar.c.id == bindparam("row_id")),
        [{"row_id": one.record.id, **one.columns(now)} for one in changes],
    )
    ids = [one.record.id for one in changes]
    await cancel_outdated(connection, ids, now=now)
    rows = await connection.execute(select(webinar).where(webinar.c.id.in_(ids)))
    records = {record.id: record for record in map(record_of, rows)}
    asked = {one.record.id for one in changes if one.asked}
    await history.keep(connection, list(records.values()), now=now, asked=asked)
    moved = [records[one.record.id] for one in changes if one.moves]
    if moved:
        await restate(connection, moved)
    return tuple(records[one.record.id] for one in changes)


async def find(connection: AsyncConnection, series_id: str, slug: str) -> WebinarRecord | None:
    """The webinar with this id in a series."""
    return await _one(connection, webinar.c.series_id == series_id, webinar.c.slug == slug)


async def by_number(
    connection: AsyncConnection, series_id: str, number: int
) -> WebinarRecord | None:
    """The webinar with this permanent number."""
    return await _one(connection, webinar.c.series_id == series_id, webinar.c.number == number)


async def by_id(connection: AsyncConnection, webinar_id: int) -> WebinarRecord | None:
    """The webinar with this row id."""
    return await _one(connection, webinar.c.id == webinar_id)


async def by_uid(connection: AsyncConnection, series_id: str, uid: str) -> WebinarRecord | None:
    """The webinar that calendars know by this UID."""
    return await _one(connection, webinar.c.series_id == series_id, webinar.c.uid == uid)


async def _one(connection: AsyncConnection, *where: object) -> WebinarRecord | None:
    row = (await connection.execute(select(webinar).where(*where))).one_or_none()  # type: ignore[arg-type]
    return None if row is None else record_of(row)


async def listing(
    connection: AsyncConnection,
    *,
    series_id: str | None = None,
    ends_after: datetime | None = None,
    limit: int | None = None,
) -> tuple[WebinarRecord, ...]:
    """Webinars by start; ``ends_after`` leaves out those that were over by then."""
    statement = select(webinar).order_by(webinar.c.starts_at, webinar.c.id).limit(limit)
    if series_id is not None:
        statement = statement.where(webinar.c.series_id == series_id)
    if ends_after is not None:
        statement = statement.where(webinar.c.ends_at > ends_after)
    return tuple(record_of(row) for row in await connection.execute(statement))


async def upcoming(
    connection: AsyncConnection, series_id: str, *, now: datetime, limit: int
) -> tuple[WebinarRecord, ...]:
    """The next scheduled webinars of a series, the one under way included."""
    rows = await connection.execute(
        select(webinar)
        .where(
            webinar.c.series_id == series_id,
            webinar.c.status == Status.SCHEDULED,
            webinar.c.ends_at > now,
        )
        .order_by(webinar.c.starts_at, webinar.c.id)
        .limit(limit)
    )
    return tuple(record_of(row) for row in rows)
