"""Organisers at their pages: links to sign in, used once, and the visits that begin with one.

A visit is known by the hash of a secret that only a browser has; the secret is never here. A token
that names a link is checked by the caller. Who is an organiser says the configuration, not a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import sign_in, visit

LINK_FOR = timedelta(minutes=15)
IDLE_FOR = timedelta(hours=12)
LASTS_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A browser that is signed in; ``organiser`` is the key of an address."""

    id: int
    organiser: str
    language: str
    began_at: datetime
    seen_at: datetime


async def offer(connection: AsyncConnection, organiser: str, *, now: datetime) -> int:
    """Make a link for an organiser; the id that its token names."""
    made = await connection.execute(
        insert(sign_in)
        .values(organiser=organiser, made_at=now, expires_at=now + LINK_FOR)
        .returning(sign_in.c.id)
    )
    return int(made.scalar_one())


async def offered(connection: AsyncConnection, link_id: int, *, now: datetime) -> str | None:
    """Whose link it is, None if it was used or is too old."""
    found: str | None = await connection.scalar(
        select(sign_in.c.organiser).where(
            sign_in.c.id == link_id, sign_in.c.used_at.is_(None), sign_in.c.expires_at > now
        )
    )
    return found


async def use(connection: AsyncConnection, link_id: int, *, now: datetime) -> str | None:
    """Use a link up; whose it is, None for all but the first who come in time."""
    found: str | None = await connection.scalar(
        update(sign_in)
        .where(sign_in.c.id == link_id, sign_in.c.used_at.is_(None), sign_in.c.expires_at > now)
        .values(used_at=now)
        .returning(sign_in.c.organiser)
    )
    return found


async def begin(
    connection: AsyncConnection, digest: bytes, *, organiser: str, language: str, now: datetime
) -> None:
    """Begin a visit."""
    await connection.execute(
        insert(visit).values(
            digest=digest, organiser=organiser, language=language, began_at=now, seen_at=now
        )
    )


async def find(connection: AsyncConnection, digest: bytes, *, now: datetime) -> Visit | None:
    """The visit of this browser, None if there is none or it has ended."""
    columns = [visit.c[name] for name in Visit.__dataclass_fields__]
    row = (
        await connection.execute(
            select(*columns).where(
                visit.c.digest == digest,
                visit.c.seen_at > now - IDLE_FOR,
                visit.c.began_at > now - LASTS_FOR,
            )
        )
    ).one_or_none()
    return None if row is None else Visit(**row._mapping)


async def seen(connection: AsyncConnection, visit_id: int, *, now: datetime) -> None:
    """Note that somebody is still there."""
    await connection.execute(update(visit).where(visit.c.id == visit_id).values(seen_at=now))


async def speak(connection: AsyncConnection, visit_id: int, language: str) -> None:
    """Show pages in another language from now on."""
    await connection.execute(update(visit).where(visit.c.id == visit_id).values(language=language))


async def end(connection: AsyncConnection, visit_id: int) -> None:
    """End a visit."""
    await connection.execute(delete(visit).where(visit.c.id == visit_id))


async def sweep(connection: AsyncConnection, *, now: datetime) -> None:
    """Erase links that cannot be used any more and visits that have ended."""
    await connection.execute(delete(sign_in).where(sign_in.c.expires_at <= now))
    await connection.execute(
        delete(visit).where(
            or_(visit.c.seen_at <= now - IDLE_FOR, visit.c.began_at <= now - LASTS_FOR)
        )
    )
