"""Statements that are built and compiled once.

Building a statement anew costs SQLAlchemy 50 to 100 µs and running it as much again, many times
what SQLite needs for a row. What every incoming mail runs is prepared; bench/intake.py shows what
that saves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Dialect, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler

from mailer.store.thread import ThreadConnection

Upsert = postgresql.Insert | sqlite.Insert
# In the notes that SQLAlchemy keeps beside a connection: how `Store.write` wants statements run.
AT_HAND = "at hand"
ALONE = "alone"
Columns = tuple[Any, ...]  # of one row


def _upsert(dialect: str) -> Callable[[Table], Upsert]:
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


class Prepared:
    """A statement with named places (`bindparam`), built when it is first run.

    ``make`` gets INSERT in the engine's own words. Names and order of the places are fixed, so no
    list of changing length may stand in it.
    """

    def __init__(self, make: Callable[[Callable[[Table], Upsert]], Executable]) -> None:
        self._make = make
        self._built: dict[str, Executable] = {}
        self._compiled: _Compiled | None = None

    async def rows(self, connection: AsyncConnection, **values: object) -> Sequence[Columns]:
        """Run it; the rows that it gives, none for a statement that gives none."""
        driver = at_hand(connection)
        if driver is not None:
            return self._for_sqlite(connection).rows(driver, values)
        lone = connection.info.pop(ALONE, None)
        if lone is not None:
            return await self._for_sqlite(connection).rows_alone(lone, values)
        result = await connection.execute(self._statement(connection), values)
        return [tuple(row) for row in result] if result.returns_rows else ()

    async def row(self, connection: AsyncConnection, **values: object) -> Columns | None:
        """Run it; its first row, None without one."""
        found = await self.rows(connection, **values)
        return found[0] if found else None

    async def each(self, connection: AsyncConnection, many: Sequence[Mapping[str, object]]) -> None:
        """Run it once for each set of values."""
        driver = at_hand(connection)
        if driver is not None:
            compiled = self._for_sqlite(connection)
            for values in many:
                compiled.rows(driver, values)
        elif many:
            await connection.execute(self._statement(connection), [dict(values) for values in many])

    def _statement(self, connection: AsyncConnection) -> Executable:
        name = connection.dialect.name
        if name not in self._built:
            self._built[name] = self._make(_upsert(name))
        return self._built[name]

    def _for_sqlite(self, connection: AsyncConnection) -> _Compiled:
        if self._compiled is None:
            self._compiled = _Compiled(self._statement(connection), connection.dialect)
        return self._compiled


def at_hand(connection: AsyncConnection) -> ThreadConnection | None:
    """The driver's connection if statements run on it without a hop now (`How.BRIEF`)."""
    driver = connection.info.get(AT_HAND)
    return driver if isinstance(driver, ThreadConnection) else None


class _Compiled:
    """SQL for SQLite's driver, and how values get in and out."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = cast(SQLCompiler, statement.compile(dialect=dialect))  # type: ignore[attr-defined]
        names = compiled.positiontup or []
        self._sql = str(compiled)
        self._places = [
            (
                name,
                compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect),
                compiled.binds[name].value,
            )
            for name in names
        ]
        readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in getattr(statement, "exported_columns", ())
        ]
        self._readers = [(at, read) for at, read in enumerate(readers) if read is not None]

    def rows(self, driver: ThreadConnection, values: Mapping[str, object]) -> Sequence[Columns]:
        """Run it now."""
        bound = self._bound(values)
        try:
            found = driver.run_here(self._sql, bound)
        except sqlite3.Error as error:
            raise self._failure(bound, error) from error
        return self._read(found)

    async def rows_alone(
        self, driver: ThreadConnection, values: Mapping[str, object]
    ) -> Sequence[Columns]:
        """Run it as a transaction of its own, in the connection's thread."""
        bound = self._bound(values)
        try:
            found = await driver.run_alone(self._sql, bound)
        except sqlite3.Error as error:
            raise self._failure(bound, error) from error
        return self._read(found)

    def _bound(self, values: Mapping[str, object]) -> list[object]:
        return [
            value if write is None else write(value)
            for name, write, fixed in self._places
            for value in (values.get(name, fixed),)
        ]

    def _failure(self, bound: list[object], error: sqlite3.Error) -> Exception:
        """As SQLAlchemy tells it."""
        return DBAPIError.instance(self._sql, bound, error, sqlite3.Error)

    def _read(self, found: list[Columns]) -> Sequence[Columns]:
        if not self._readers:
            return found
        rows = [list(row) for row in found]
        for at, read in self._readers:
            for row in rows:
                row[at] = read(row[at])
        return [tuple(row) for row in rows]
