"""What a store's engines are told: the statements, and the plans that they make for them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.engine import Store


@contextlib.contextmanager
def recorded(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Each statement that is run inside the block, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, sql: str, values: Any, *_: object) -> None:
        found.append((sql, values))

    engines = {store._writer.sync_engine, store._reader.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


async def plan(store: Store, sql: str, values: Any) -> list[str]:
    """How the engine goes about a statement, line by line.

    PostgreSQL is asked for a way without reading whole tables: these are too small for it to mind.
    """

    async def unit(connection: AsyncConnection) -> list[str]:
        if store.sqlite_path is not None:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            return [row.detail for row in rows]
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = await connection.exec_driver_sql(f"EXPLAIN {sql}", values)
        return [str(row[0]).strip() for row in rows]

    return await store.write(unit)
