"""What was true of a webinar before it changed, and who may have been told which of it.

One row per sequence number. Edits that leave the number alone (a spelling) are written into the row
that is there: nobody is told of them for their own sake. Personal mails that tell of webinars note
that in `mention`, announcements carry the number themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import (
    ColumnElement,
    Insert,
    Row,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.correction import Told
from mailer.message.facts import Link, Speaker, WebinarFacts
from mailer.store.outbox import State as RowState
from mailer.store.prepared import Prepared
from mailer.store.schema import announcement, mention, outbox, webinar, webinar_facts
from mailer.store.statement import field, given_rows, upsert
from mailer.store.webinar import WebinarRecord
from scheduler.change import History, Version
from scheduler.model import Kind, Status

CORRECTS = (Kind.UPDATE, Kind.CANCELLATION)
TELLS = (Kind.ANNOUNCEMENT, Kind.REMINDER, *CORRECTS)  # what a webinar's time is told by
_SPEAKERS = msgspec.json.Decoder(tuple[Speaker, ...])
_LINKS = msgspec.json.Decoder(tuple[Link, ...])


async def keep(
    connection: AsyncConnection,
    records: Sequence[WebinarRecord],
    *,
    now: datetime,
    asked: Collection[int] = (),
) -> None:
    """Note what is true of these webinars from now on; ``asked`` are the ids of those whose change
    an organiser wants to be told."""
    if not records:
        return
    statement = upsert(connection, webinar_facts)
    texts = {name: statement.excluded[name] for name in ("status", *_TEXTS)}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["webinar_id", "sequence"], set_=texts),
        [
            {
                "webinar_id": one.id,
                "sequence": one.sequence,
                "at": now,
                "asked": one.id in asked,
                "status": one.status,
                "starts_at": one.starts_at,
                "ends_at": one.ends_at,
                "join_url": one.join_url,
                "registration_url": one.registration_url,
                **_texts(one),
            }
            for one in records
        ],
    )


_TEXTS = ("title", "zone", "abstract", "speakers", "hosts", "links", "materials")


def _texts(record: WebinarRecord) -> dict[str, object]:
    """What is read and not acted on. People are kept without their address: it is told nobody."""
    speakers = [replace(one, address="") for one in record.speakers]
    hosts = [replace(one, address="") for one in record.hosts]
    return {
        "title": record.title,
        "zone": record.zone,
        "abstract": record.abstract,
        "speakers": msgspec.json.encode(speakers).decode(),
        "hosts": msgspec.json.encode(hosts).decode(),
        "links": msgspec.json.encode(record.links).decode(),
        "materials": msgspec.json.encode(record.materials).decode(),
    }


async def of_webinars(
    connection: AsyncConnection,
    webinar_ids: Collection[int],
    windows: Mapping[str, timedelta],
    *,
    own_links: bool = False,
) -> dict[int, History]:
    """The histories of those of these webinars that have changed, by id; ``windows`` are the settle
    windows of the series, ``own_links`` is as `History` has it."""
    rows = await connection.execute(
        select(webinar_facts, webinar.c.series_id, _was_told().label("told"))
        .join(webinar, webinar.c.id == webinar_facts.c.webinar_id)
        .where(webinar.c.id.in_(webinar_ids), webinar.c.sequence > 0)
        .order_by(webinar_facts.c.webinar_id, webinar_facts.c.sequence)
    )
    found: dict[int, list[Version]] = {}
    series: dict[int, str] = {}
    for row in rows:
        found.setdefault(row.webinar_id, []).append(_version(row))
        series[row.webinar_id] = row.series_id
    return {
        webinar_id: History(
            versions=tuple(versions),
            window=windows.get(series[webinar_id], timedelta(0)),
            own_links=own_links,
        )
        for webinar_id, versions in found.items()
    }


def _was_told() -> ColumnElement[bool]:
    """Whether anything went out, or is going out, that tells these facts."""
    announced = exists().where(
        announcement.c.webinar_id == webinar_facts.c.webinar_id,
        announcement.c.sequence == webinar_facts.c.sequence,
        announcement.c.total > 0,
    )
    mentioned = exists().where(
        mention.c.webinar_id == webinar_facts.c.webinar_id,
        mention.c.sequence == webinar_facts.c.sequence,
    )
    return or_(announced, mentioned)


def _version(row: Row[tuple[object, ...]]) -> Version:
    fields = row._mapping
    return Version(
        sequence=fields["sequence"],
        at=fields["at"],
        status=Status(fields["status"]),
        starts_at=fields["starts_at"],
        ends_at=fields["ends_at"],
        entrance=fields["registration_url"],
        place=fields["join_url"],
        text=msgspec.json.encode([fields[name] for name in _TEXTS if name != "zone"]).decode(),
        asked=fields["asked"],
        told=bool(fields["told"]),
    )


def may_have_told() -> ColumnElement[bool]:
    """Whether a row's reader has it, or may have it: sent, under way, or in doubt."""
    return or_(outbox.c.state.in_((RowState.SENT, RowState.SENDING)), outbox.c.doubts > 0)


def tells(sequence: ColumnElement[int]) -> ColumnElement[bool]:
    """The same, or that they will have it: what is queued about the present facts."""
    queued = and_(outbox.c.state == RowState.QUEUED, sequence == bindparam("sequence"))
    return or_(may_have_told(), queued)


async def told(connection: AsyncConnection, webinar_id: int, sequence: int) -> Told | None:
    """The facts of a webinar under a sequence number."""
    columns = [webinar_facts.c[name] for name in Told.__dataclass_fields__]
    row = (
        await connection.execute(
            select(*columns).where(
                webinar_facts.c.webinar_id == webinar_id, webinar_facts.c.sequence == sequence
            )
        )
    ).one_or_none()
    if row is None:
        return None
    fields = {
        **row._mapping,
        "status": Status(row.status),
        "speakers": _SPEAKERS.decode(row.speakers),
        "hosts": _SPEAKERS.decode(row.hosts),
        "links": _LINKS.decode(row.links),
        "materials": _LINKS.decode(row.materials),
    }
    return Told(**fields)


async def known_to(
    connection: AsyncConnection, subscription_ids: Collection[int]
) -> dict[tuple[int, int], int]:
    """As of which sequence these subscribers were told of webinars last: by subscription and
    webinar. What is queued is not told yet."""
    announced = select(
        outbox.c.subscription_id, announcement.c.webinar_id, announcement.c.sequence
    ).where(
        outbox.c.subscription_id.in_(subscription_ids),
        outbox.c.announcement_id == announcement.c.id,
        announcement.c.webinar_id.is_not(None),
        announcement.c.kind.in_(TELLS),
        may_have_told(),
    )
    mentioned = select(mention.c.subscription_id, mention.c.webinar_id, mention.c.sequence).where(
        mention.c.subscription_id.in_(subscription_ids),
        outbox.c.id == mention.c.outbox_id,
        may_have_told(),
    )
    found: dict[tuple[int, int], int] = {}
    for who, what, sequence in await connection.execute(announced.union_all(mentioned)):
        found[who, what] = max(sequence, found.get((who, what), sequence))
    return found


async def mentions(
    connection: AsyncConnection,
    series_id: str,
    mails: Sequence[tuple[str, str]],
    webinars: Sequence[WebinarFacts],
) -> None:
    """Note which webinars personal mails tell of, as of which sequence; a mail is named by whose it
    is and its Message-ID."""
    if not (mails and webinars):
        return
    numbers = {one.number: one.sequence for one in webinars}
    await _MENTION.rows(
        connection,
        mentioned_series=series_id,
        mails=msgspec.json.encode(mails).decode(),
        webinars=msgspec.json.encode(list(numbers.items())).decode(),
    )


def _mention() -> Insert:
    """The statement of `mentions`."""
    mails, webinars = given_rows("mails"), given_rows("webinars")
    whose = field(mails, 0, outbox.c.recipient_key.type)
    message_id = field(mails, 1, outbox.c.message_id.type)
    number = field(webinars, 0, webinar.c.number.type)
    return insert(mention).from_select(
        ["outbox_id", "webinar_id", "subscription_id", "sequence"],
        select(
            outbox.c.id,
            webinar.c.id,
            outbox.c.subscription_id,
            field(webinars, 1, webinar.c.sequence.type),
        )
        .select_from(mails.join(webinars, true()))
        .join(
            outbox,
            and_(
                outbox.c.announcement_id.is_(None),
                outbox.c.recipient_key == whose,
                outbox.c.message_id == message_id,
            ),
        )
        .join(
            webinar,
            and_(webinar.c.series_id == bindparam("mentioned_series"), webinar.c.number == number),
        )
        .where(outbox.c.subscription_id.is_not(None)),
    )


_MENTION = Prepared(lambda _: _mention())
