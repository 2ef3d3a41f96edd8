"""Copies a whole database into an empty one, on the same engine or another; and backs one up.

Table by table in the order of their references, in slices, ids kept.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Select, Table, func, insert, inspect, make_url, select, text, tuple_
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.errors import MailerError, StoreUnavailable
from mailer.store.engine import Store
from mailer.store.schema import metadata, series
from mailer.store.upgrade import make_ready

SLICE = 2000
_NOT_EMPTY = "the database to copy into is not empty: name a new one"


class NotEmpty(MailerError, ValueError):
    """The database to copy into has data already."""


class NoDatabase(MailerError, ValueError):
    """What was named is no database that this program knows."""


def require_database(url: str) -> None:
    """Raise `NoDatabase` unless this is the URL of a database."""
    place = _place(url)
    if not place or ":memory:" in place:
        raise NoDatabase(
            f"URL: found {without_password(url)!r}, "
            "expected sqlite:///FILE or postgresql://user@host/database"
        )


def _place(url: str) -> str | None:
    """The file, or the name of the database."""
    try:
        parsed = make_url(url)
        known = parsed.get_backend_name() in ("sqlite", "postgresql")
    except (ArgumentError, ValueError):
        return None
    return parsed.database if known else None


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:…@", url)


async def make_target_ready(target: Store) -> None:
    """Give a new database its schema. Raises `NotEmpty` if it is somebody else's."""
    path = target.sqlite_path
    if path is None or path.exists():
        tables = await target.read(
            lambda c: c.run_sync(lambda sync: inspect(sync).get_table_names())
        )
        if tables and "alembic_version" not in tables:
            raise NotEmpty(_NOT_EMPTY)
    await make_ready(target, upgrade=True)


async def copy_all(
    source: Store, target: Store, *, progress: Callable[[str, int], None] = lambda *_: None
) -> int:
    """Copy every row into a target whose schema is ready; how many rows.

    ``progress`` is told table and rows so far. Raises `NotEmpty` if the target has series already.
    """
    if await target.read(lambda c: c.scalar(select(func.count()).select_from(series))):
        raise NotEmpty(_NOT_EMPTY)
    total = 0
    for table in metadata.sorted_tables:
        total += await _copy_table(source, target, table, progress)
    await target.write(_set_counters)
    return total


async def _copy_table(
    source: Store, target: Store, table: Table, progress: Callable[[str, int], None]
) -> int:
    """One slice after the other by primary key: neither memory nor a step's cost grows with it."""
    keys = list(table.primary_key)
    done = 0
    last: tuple[object, ...] | None = None
    while True:
        statement = select(table).order_by(*keys).limit(SLICE)
        if last is not None:
            statement = statement.where(tuple_(*keys) > tuple_(*last))
        rows = await source.read(partial(_rows, statement=statement))
        if not rows:
            return done
        await target.write(partial(_insert, table=table, rows=rows))
        last = tuple(rows[-1][key.name] for key in keys)
        done += len(rows)
        progress(table.name, done)


async def _rows(
    connection: AsyncConnection, *, statement: Select[*tuple[Any, ...]]
) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await connection.execute(statement)]


async def _insert(connection: AsyncConnection, *, table: Table, rows: list[dict[str, Any]]) -> None:
    await connection.execute(insert(table), rows)


async def _set_counters(connection: AsyncConnection) -> None:
    """Make PostgreSQL's identity columns go on behind the copied ids; SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        if "id" in table.c and table.c.id.autoincrement is True:
            await connection.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "  # noqa: S608 - a table of ours
                    f'coalesce((SELECT max(id) FROM "{table.name}"), 0) + 1, false)'
                )
            )


def back_up_sqlite(path: Path, target: Path) -> None:
    """Copy a SQLite database while others use it (blocking; run it in a thread). StoreUnavailable
    if the copy cannot be made; then nothing is left of it."""
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=1000)
    except sqlite3.Error as error:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise StoreUnavailable(f"cannot write {target}: {error}") from None


def require_backup(file: Path) -> None:
    """Raise `NoDatabase` unless this file is a database of ours."""
    known = "SELECT version_num FROM alembic_version"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as found:
            if found.execute(known).fetchone() is not None:
                return
    except sqlite3.Error:
        pass
    raise NoDatabase(f"{file} is no backup: expected a file that `mailer db backup` wrote")
