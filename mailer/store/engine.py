"""Opens a database and runs units of work on it, on SQLite and PostgreSQL alike.

A unit is an async function of one connection. `read` gives it a snapshot, `write` a transaction
that is committed when the unit returns and durable then. A cancelled caller never leaves half a
unit or a lock behind: the unit runs shielded to its end, then the cancellation goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from mailer.errors import StoreUnavailable, WrongOwner

T = TypeVar("T")
Connection = AsyncConnection  # what a unit gets; other packages name it without knowing SQLAlchemy

BUSY_TIMEOUT_SECONDS = 20.0
POOL_TIMEOUT_SECONDS = 60.0
READERS = 4


class Store:
    """An open database: one writer and a few readers on SQLite, a pool on PostgreSQL."""

    def __init__(self, url: URL, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.url = url
        self._writer = writer
        self._reader = reader

    @property
    def sqlite_path(self) -> Path | None:
        """The database file, None on PostgreSQL."""
        is_sqlite = self.url.get_backend_name() == "sqlite"
        return Path(self.url.database or "") if is_sqlite else None

    async def write(self, unit: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run a unit in one transaction; returns after its commit is durable.

        Raises `StoreUnavailable` when the database is locked, full or away; nothing is stored then.
        """
        return await _shielded(self._run(self._writer, unit))

    async def read(self, unit: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run a unit that only reads, on one snapshot."""
        return await _shielded(self._run(self._reader, unit))

    async def _run(self, engine: AsyncEngine, unit: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            async with engine.begin() as connection:
                return await unit(connection)
        except (OperationalError, InterfaceError) as error:
            raise StoreUnavailable(f"the database does not answer: {error.orig}") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable(f"the database went away: {error.orig}") from error
            if type(error) is DatabaseError:  # SQLite: no database, or a damaged one
                raise StoreUnavailable(f"the database cannot be read: {error.orig}") from error
            raise
        except TimeoutError as error:  # the pool had no connection in time
            raise StoreUnavailable("the database is busy") from error

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """A connection kept open outside any transaction, for locks that last as long as it."""
        async with self._writer.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def dispose(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


async def _shielded(work: Awaitable[T]) -> T:
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # the caller is gone: what it says has been acted on by the rollback
        raise


def open_store(url: str, *, password: str | None = None) -> Store:
    """Open the database at ``url`` (``sqlite:///path`` or ``postgresql://…``).

    Makes a missing SQLite folder; the file appears with the first connection. Raises `WrongOwner`
    if another user owns the file.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed.set(drivername="sqlite+aiosqlite"))
    if password is not None:
        parsed = parsed.set(password=password)
    engine = create_async_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_pre_ping=True,
    )
    return Store(parsed, engine, engine)


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL, its folder made if it is missing; None for another engine. Raises
    `WrongOwner`."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    path = Path(parsed.database or "")
    _refuse_foreign_owner(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _open_sqlite(url: URL) -> Store:
    path = Path(url.database or "")
    _refuse_foreign_owner(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = _sqlite_engine(url, size=1, begin="BEGIN IMMEDIATE", pragmas=_WRITER)
    reader = _sqlite_engine(url, size=READERS, begin="BEGIN", pragmas=_READER)
    return Store(url, writer, reader)


def _refuse_foreign_owner(path: Path) -> None:
    place = path if path.exists() else None
    if place is None:
        return
    owner = place.stat().st_uid
    if owner != os.geteuid():
        raise WrongOwner(
            f"{path} belongs to user {owner}, you are user {os.geteuid()}: "
            "run this command as the owner, or it leaves files that the daemon cannot write"
        )


_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a 250 stands for what survives a power cut (RFC 5321 §6.1)
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA cache_size=-65536",
)
_READER = ("PRAGMA query_only=ON", "PRAGMA cache_size=-16384")


def _sqlite_engine(url: URL, *, size: int, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    @event.listens_for(engine.sync_engine, "invalidate")
    def _unlock(connection: Any, _record: object, _error: BaseException | None) -> None:
        # A connection dropped inside a statement would keep the write lock until collected.
        raw: sqlite3.Connection = connection.driver_connection._conn
        raw.interrupt()

    return engine
