"""Small facts that all processes on one database share: the stop switch, the change counter."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Integer, cast, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import setting
from mailer.store.statement import upsert

STOPPED = "outbox.stopped"
HELD = "outbox.held"  # while the set-up is not finished: mail to many waits, answers leave
CHANGE = "programme.change"
RELOAD = "configuration.change"
ZONES = "zones.version"  # the rules of time zones by which the instants here were worked out


async def get(connection: AsyncConnection, key: str) -> str | None:
    """The value of a setting, None if it was never put."""
    value: str | None = await connection.scalar(select(setting.c.value).where(setting.c.key == key))
    return value


async def several(connection: AsyncConnection, keys: Collection[str]) -> Mapping[str, str]:
    """The values of those of these settings that are there."""
    rows = await connection.execute(
        select(setting.c.key, setting.c.value).where(setting.c.key.in_(keys))
    )
    return {row.key: row.value for row in rows}


async def put(connection: AsyncConnection, key: str, value: str) -> None:
    """Store a setting."""
    statement = upsert(connection, setting).values(key=key, value=value)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[setting.c.key], set_={"value": statement.excluded.value}
        )
    )


async def remove(connection: AsyncConnection, key: str) -> None:
    """Forget a setting; it need not be there."""
    await connection.execute(delete(setting).where(setting.c.key == key))


async def bump(connection: AsyncConnection, key: str = CHANGE) -> None:
    """Count a change up, so that a running daemon notices it within a second."""
    statement = upsert(connection, setting).values(key=key, value="1")
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[setting.c.key],
            set_={"value": cast(cast(setting.c.value, Integer) + 1, setting.c.value.type)},
        )
    )
