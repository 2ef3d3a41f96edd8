"""The secrets that sign tokens and hash addresses; made at first start, old ones kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import token_key

KEY_BYTES = 32


async def load_or_make(
    connection: AsyncConnection, *, now: datetime, random: Callable[[int], bytes]
) -> tuple[bytes, ...]:
    """Every key, newest first; the first is made if there is none."""
    rows = await connection.execute(select(token_key.c.secret).order_by(token_key.c.id.desc()))
    keys = tuple(bytes(row.secret) for row in rows)
    if keys:
        return keys
    return (await rotate(connection, now=now, random=random),)


async def rotate(
    connection: AsyncConnection, *, now: datetime, random: Callable[[int], bytes]
) -> bytes:
    """Make a new key for what is mailed from now on."""
    secret = random(KEY_BYTES)
    await connection.execute(insert(token_key).values(secret=secret, created_at=now))
    return secret


async def oldest(connection: AsyncConnection) -> bytes:
    """The first key: it hashes suppressed addresses, and rotation never changes it."""
    found = await connection.scalar(select(token_key.c.secret).order_by(token_key.c.id).limit(1))
    assert found is not None  # `load_or_make` ran at start
    return bytes(found)
