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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from mailer.errors import StoreUnavailable, WrongOwner
from mailer.log import get_logger
from mailer.store.prepared import ALONE, AT_HAND
from mailer.store.sole import SoleWriter
from mailer.store.thread import ThreadConnection

T = TypeVar("T")
Connection = AsyncConnection  # what a unit gets; other packages name it without knowing SQLAlchemy

BUSY_TIMEOUT_SECONDS = 20.0
POOL_TIMEOUT_SECONDS = 60.0
READERS = 4
CROSSINGS = 4  # times that a unit begins anew before it is told that the database is busy
_CROSSED = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure
_UNCONFIRMED = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)

_log = get_logger(__name__)


class _Crossed(StoreUnavailable):
    """PostgreSQL rolled a transaction back for another one's sake: the same again may succeed."""


class How(Enum):
    """How a unit's statements get to SQLite; PostgreSQL makes no difference.

    STEPS: each in the connection's thread. BRIEF: all where they are called, so each must be over
    within a millisecond, as nothing else happens meanwhile. ALONE: there is one prepared statement,
    and it goes into the thread together with BEGIN and COMMIT.
    """

    STEPS = "steps"
    BRIEF = "brief"
    ALONE = "alone"


class Store:
    """An open database: one writer and a few readers on SQLite, a pool on PostgreSQL."""

    def __init__(self, url: URL, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.url = url
        self.fault: str | None = None  # why nothing can be made durable any more in this process
        self._writer = writer
        self._reader = reader
        self._sole: SoleWriter | None = None
        if writer is not reader:
            self._sole = SoleWriter(writer, patience=POOL_TIMEOUT_SECONDS)

    @property
    def sqlite_path(self) -> Path | None:
        """The database file, None on PostgreSQL."""
        is_sqlite = self.url.get_backend_name() == "sqlite"
        return Path(self.url.database or "") if is_sqlite else None

    async def write(
        self, unit: Callable[[AsyncConnection], Awaitable[T]], *, how: How = How.STEPS
    ) -> T:
        """Run a unit in one transaction; returns after its commit is durable.

        ``how`` is for SQLite, where each step into the connection's thread costs more than a short
        statement. Raises `StoreUnavailable` when the database is locked, full or away, or `fault`
        is set; nothing is stored then.

        A unit that PostgreSQL chose to end because two of them waited for each other runs again, so
        it may change nothing but the database.
        """
        if self.fault is not None:
            raise StoreUnavailable(self.fault)
        return await self._ended(self._write(_WAYS[how](unit)), how)

    async def _write(self, unit: Unit[T]) -> T:
        if self._sole is not None:
            return await self._run(self._sole.turn(), unit)
        for _ in range(CROSSINGS):
            with contextlib.suppress(_Crossed):
                return await self._run(_pooled(self._writer), unit)
        return await self._run(_pooled(self._writer), unit)

    async def read(
        self, unit: Callable[[AsyncConnection], Awaitable[T]], *, how: How = How.STEPS
    ) -> T:
        """Run a unit that only reads, on one snapshot; ``how`` as for `write`."""
        return await self._ended(self._run(_pooled(self._reader), _WAYS[how](unit)), how)

    async def _ended(self, work: Awaitable[T], how: How) -> T:
        # A lone statement ends by itself; a task of its own would make it wait for others' turns.
        ends_itself = how is How.ALONE and self._sole is not None
        return await (work if ends_itself else _shielded(work))

    async def _run(self, opened: AbstractAsyncContextManager[AsyncConnection], unit: Unit[T]) -> T:
        try:
            async with opened as connection:
                return await unit(connection)
        except (OperationalError, InterfaceError) as error:
            if getattr(error.orig, "sqlstate", None) in _CROSSED:
                raise _Crossed(f"others were in the way: {error.orig}") from error
            self._note_fault(error)
            raise StoreUnavailable(f"the database does not answer: {error.orig}") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable(f"the database went away: {error.orig}") from error
            if type(error) is DatabaseError:  # SQLite: no database, or a damaged one
                raise StoreUnavailable(f"the database cannot be read: {error.orig}") from error
            raise
        except TimeoutError as error:  # there was no connection in time
            raise StoreUnavailable("the database is busy") from error
        except MemoryError as error:
            raise StoreUnavailable("there is no memory left for the database") from error

    def _note_fault(self, error: DBAPIError) -> None:
        """A disk that did not confirm what it was given may have lost it and confirm the next all
        the same: nothing that is said from then on could be believed (F6)."""
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code in _UNCONFIRMED and self.fault is None:
            self.fault = f"the disk did not confirm a write ({error.orig}): restart when it is well"
            _log.error("the disk is not to be trusted", action="store.faulty", cause=self.fault)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """A connection kept open outside any transaction, for locks that last as long as it."""
        async with self._writer.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def dispose(self) -> None:
        """Close every connection."""
        if self._sole is not None:
            await self._sole.dispose()
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


Unit = Callable[[AsyncConnection], Awaitable[T]]


@contextlib.asynccontextmanager
async def _pooled(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    connection = await engine.connect()
    # Not as a context of its own: that would end in a task, which waits its turn.
    try:
        yield connection
    finally:
        await connection.close()


def _in_steps(unit: Unit[T]) -> Unit[T]:
    async def stepping(connection: AsyncConnection) -> T:
        async with connection.begin():
            return await unit(connection)

    return stepping


def _at_hand(unit: Unit[T]) -> Unit[T]:
    async def here(connection: AsyncConnection) -> T:
        async with connection.begin():
            driver = _sqlite_driver(connection)
            if driver is None:
                return await unit(connection)
            try:
                await driver.begin_now()
            except sqlite3.Error as error:
                raise DBAPIError.instance("BEGIN", (), error, sqlite3.Error) from error
            with driver.at_hand(), _noted(connection, AT_HAND, driver):
                return await unit(connection)

    return here


def _alone(unit: Unit[T]) -> Unit[T]:
    async def lone(connection: AsyncConnection) -> T:
        driver = _sqlite_driver(connection)
        if driver is None:
            return await _in_steps(unit)(connection)
        with _noted(connection, ALONE, driver):
            result = await unit(connection)
        if connection.in_transaction():
            raise RuntimeError("a unit that runs alone has one statement, and a prepared one")
        return result

    return lone


_WAYS = {How.STEPS: _in_steps, How.BRIEF: _at_hand, How.ALONE: _alone}


def _sqlite_driver(connection: AsyncConnection) -> ThreadConnection | None:
    assert connection.sync_connection is not None
    driver = connection.sync_connection.connection.driver_connection
    return driver if isinstance(driver, ThreadConnection) else None


@contextlib.contextmanager
def _noted(connection: AsyncConnection, name: str, driver: ThreadConnection) -> Iterator[None]:
    connection.info[name] = driver
    try:
        yield
    finally:
        connection.info.pop(name, None)


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

    Makes a missing SQLite file and its folder. Raises `WrongOwner` if another user owns the file,
    `StoreUnavailable` if it cannot be made or opened.
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
        # A prepared statement may keep the plan that was good for an empty table until the next
        # ANALYZE, which is a minute away when an announcement begins.
        connect_args={"prepare_threshold": None},
    )
    return Store(parsed, engine, engine)


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL, made if it is missing; None for another engine. Raises as
    `open_store` does."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return _sure_file(parsed)


def _open_sqlite(url: URL) -> Store:
    _sure_file(url)
    writer = _sqlite_engine(url, size=1, begin="BEGIN IMMEDIATE", pragmas=_WRITER)
    reader = _sqlite_engine(url, size=READERS, begin="BEGIN", pragmas=_READER)
    return Store(url, writer, reader)


def _sure_file(url: URL) -> Path:
    """The file, there and open to us. SQLite would say no more than that it cannot open it, and the
    driver's thread would outlive that (aiosqlite ends it without being waited for)."""
    path = Path(url.database or "")
    _refuse_foreign_owner(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()  # an empty file is an empty database
    except OSError as error:
        raise StoreUnavailable(f"cannot open {path}: {error.strerror}") from error
    return path


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
    # A checkpoint waits for the disk about as long whether it moves 500 pages or 4000.
    "PRAGMA wal_autocheckpoint=4000",
    # What a long reader made the WAL grow to is given back with the next checkpoint.
    "PRAGMA journal_size_limit=67108864",
    # Small: every hot statement stays in a few pages, the rest is in the system's cache, and memory
    # is the same for a million recipients as for a few thousand.
    "PRAGMA cache_size=-16384",
)
_READER = ("PRAGMA query_only=ON", "PRAGMA cache_size=-2048")


def _sqlite_engine(url: URL, *, size: int, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        connect_args={
            "timeout": BUSY_TIMEOUT_SECONDS,
            "isolation_level": None,
            "async_creator_fn": partial(ThreadConnection, begin),
        },
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.connection.driver_connection.begin_soon()

    @event.listens_for(engine.sync_engine, "invalidate")
    def _unlock(connection: Any, _record: object, _error: BaseException | None) -> None:
        # A connection dropped inside a statement would keep the write lock until collected.
        connection.driver_connection.interrupt_now()

    return engine
