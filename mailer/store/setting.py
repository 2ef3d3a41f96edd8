"""Small facts that all processes on one database share: the stop switch, the change counter."""

from __future__ import annotations

from sqlalchemy import Integer, cast, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import setting
from mailer.store.statement import upsert

STOPPED = "outbox.stopped"
CHANGE = "programme.change"


async def get(connection: AsyncConnection, key: str) -> str | None:
    """The value of a setting, None if it was never put."""
    value: str | None = await connection.scalar(select(setting.c.value).where(setting.c.key == key))
    return value


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
