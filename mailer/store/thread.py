"""SQLite in a thread, at one hop into it for a statement.

aiosqlite runs each call of the driver in the connection's thread; a hop there and back costs 50 to
100 µs, as much as settling ten rows. SQLAlchemy makes four such calls for a statement (cursor,
execute, fetch, close), three for BEGIN, and one to roll back what has ended. Here a statement comes
back with its rows, BEGIN travels with the first one, and what has nothing to do stays here.
Otherwise this is aiosqlite; bench/ledger.py shows what it saves.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import aiosqlite

_CHUNK = 64  # aiosqlite wants one; nothing is fetched in chunks here


class _Result(NamedTuple):
    """What a statement left, read in its thread."""

    description: Any
    rowcount: int
    lastrowid: int | None
    rows: list[Any]


class ThreadConnection(aiosqlite.Connection):
    """An aiosqlite connection as SQLAlchemy uses it."""

    def __init__(self, begin: str, database: str, **settings: Any) -> None:
        """``begin`` is the statement that begins a transaction; ``settings`` are those of
        `sqlite3.connect`. Awaiting the connection opens it."""
        # Never two threads at once: whoever has the connection waits for its thread, or is at hand.
        connect = partial(sqlite3.connect, database, **settings | {"check_same_thread": False})
        super().__init__(connect, _CHUNK)
        self._thread.daemon = True  # a connection that is lost does not keep the process
        self._begins_with = begin
        self._begin = ""
        self.is_at_hand = False

    def begin_soon(self) -> None:
        """Begin a transaction when the next statement comes."""
        self._begin = self._begins_with

    def interrupt_now(self) -> None:
        """End the statement that runs, if one does; from any thread."""
        self._conn.interrupt()

    def cursor(self) -> ThreadCursor:  # type: ignore[override] # a cursor without a hop
        return ThreadCursor(self)

    async def commit(self) -> None:
        self._begin = ""
        if self._conn.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        self._begin = ""
        if self._conn.in_transaction:
            await super().rollback()

    async def begin_now(self) -> None:
        """Begin the transaction, in the connection's thread: it may have to wait for a lock."""
        begin, self._begin = self._begin, ""
        if begin:
            await self._execute(self._conn.execute, begin)  # type: ignore[no-untyped-call]

    @contextlib.contextmanager
    def at_hand(self) -> Iterator[None]:
        """Run statements in the caller's own thread while the block runs, without any hop: for a
        transaction of a few short ones that has begun. Its end may wait for the disk again, and
        comes after the block."""
        self.is_at_hand = True
        try:
            yield
        finally:
            self.is_at_hand = False

    def run_here(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of a statement, now; only while the connection is at hand."""
        return self._conn.execute(sql, parameters).fetchall()

    async def run_alone(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of a statement that is a whole transaction: one hop for all of it. A cancelled
        caller gets away when the transaction is over."""
        work = partial(_run_alone, self._conn, self._begins_with, sql, parameters)
        try:
            rows: list[Any] = await self._execute(work)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            # The thread takes one thing after the other: behind this the statement has ended.
            await asyncio.wait([asyncio.ensure_future(self._execute(_nothing))])  # type: ignore[no-untyped-call]
            raise
        return rows

    async def run(self, call: str, sql: str, parameters: Sequence[Any]) -> _Result:
        """Run a statement, ``call`` being `execute` or `executemany`."""
        if self.is_at_hand:
            return _run(self._conn, "", call, sql, parameters)
        begin, self._begin = self._begin, ""
        work = partial(_run, self._conn, begin, call, sql, parameters)
        result: _Result = await self._execute(work)  # type: ignore[no-untyped-call]
        return result


def _run(
    connection: sqlite3.Connection, begin: str, call: str, sql: str, parameters: Sequence[Any]
) -> _Result:
    if begin:
        connection.execute(begin)
    cursor: sqlite3.Cursor = getattr(connection, call)(sql, parameters)
    rows = cursor.fetchall() if cursor.description else []
    result = _Result(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    cursor.close()
    return result


def _nothing() -> None:
    """To be behind what the thread does now."""


def _run_alone(
    connection: sqlite3.Connection, begin: str, sql: str, parameters: Sequence[Any]
) -> list[Any]:
    connection.execute(begin)
    try:
        rows = connection.execute(sql, parameters).fetchall()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # not when SQLite has ended it by itself
            connection.execute("ROLLBACK")
        raise
    return rows


class ThreadCursor:
    """The last statement's result, in the words that SQLAlchemy's adapter has for it."""

    arraysize = 1

    def __init__(self, connection: ThreadConnection) -> None:
        self._connection = connection
        self._result = _Result(None, -1, None, [])

    @property
    def description(self) -> Any:
        return self._result.description

    @property
    def rowcount(self) -> int:
        return self._result.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._result.lastrowid

    async def __aenter__(self) -> ThreadCursor:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._result = await self._connection.run("execute", sql, parameters)

    async def executemany(self, sql: str, parameters: Sequence[Any]) -> None:
        self._result = await self._connection.run("executemany", sql, parameters)

    async def fetchall(self) -> list[Any]:
        return self._result.rows

    async def close(self) -> None:
        """Nothing is left to close."""
