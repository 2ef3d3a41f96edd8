"""How far the first set-up has come that a page leads through, and whose link opens it.

One setting. Of the link only a digest is kept, and nothing is left of it when the set-up is done.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import setting
from mailer.store.schema import outbox

LINK_LIVES_FOR = timedelta(days=7)
_KEY = "first.run"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRun:
    """``digest`` is that of the link's secret, good until ``until``. ``server`` is the mail server
    that took us, empty before; ``examined`` whether a mail was sent by it since, ``proved_at`` when
    one came back; ``invited`` the subscription that was asked to confirm, 0 for none yet."""

    digest: str
    until: datetime
    server: str = ""
    proved_at: datetime | None = None
    examined: bool = False
    invited: int = 0


def digest_of(secret: str) -> str:
    """What is kept of a link's secret. It is random throughout, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def begin(
    connection: AsyncConnection, secret: str, *, until: datetime, hold: bool = False
) -> None:
    """A link for the set-up, in place of one there may have been; with ``hold`` mail to many waits
    until the set-up is done."""
    before = await current(connection)
    digest = digest_of(secret)
    fresh = FirstRun(digest=digest, until=until)
    await put(connection, replace(before, digest=digest, until=until) if before else fresh)
    if hold:
        await setting.put(connection, setting.HELD, "first.run")


async def current(connection: AsyncConnection) -> FirstRun | None:
    """The set-up that is under way, None if there is none."""
    text = await setting.get(connection, _KEY)
    return None if text is None else msgspec.json.decode(text, type=FirstRun)


async def put(connection: AsyncConnection, state: FirstRun) -> None:
    """Keep how far it has come."""
    await setting.put(connection, _KEY, msgspec.json.encode(state).decode())


async def end(connection: AsyncConnection) -> None:
    """It is done: the link opens nothing any more, and nothing holds sending back."""
    for key in (_KEY, setting.HELD, setting.STOPPED):
        await setting.remove(connection, key)
    await setting.bump(connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to confirm: where it stands, and what the server said last."""

    state: str
    reply: str
    queued_at: datetime


async def newest_request(
    connection: AsyncConnection, address_key: str, series_id: str
) -> Asked | None:
    """What became of the newest confirmation request to an address."""
    row = (
        await connection.execute(
            select(outbox.c.state, outbox.c.reply, outbox.c.queued_at)
            .where(
                outbox.c.recipient_key == address_key,
                outbox.c.announcement_id.is_(None),
                outbox.c.series_id == series_id,
                outbox.c.kind == "confirmation",
            )
            .order_by(outbox.c.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else Asked(**row._mapping)
