"""SQLite in a thread: how often it is asked, and what a transaction that never began costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from mailer.store.engine import Connection, Store, open_store
from mailer.store.schema import setting
from mailer.store.thread import ThreadConnection
from tests.world import make_sqlite


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    await make_sqlite(tmp_path / "mailer.db")
    store = open_store(f"sqlite:///{tmp_path / 'mailer.db'}")
    yield store
    await store.dispose()


async def hops(store: Store, unit) -> int:  # type: ignore[no-untyped-def]
    """How often a unit, its begin and its end go into the thread."""
    await store.write(lambda c: c.execute(select(1)))  # the connection is open from here on
    count = 0
    through = ThreadConnection._execute

    async def counted(self, fn, *args, **kwargs):  # type: ignore[no-untyped-def]
        nonlocal count
        count += 1
        return await through(self, fn, *args, **kwargs)  # type: ignore[no-untyped-call]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThreadConnection, "_execute", counted)
        await store.write(unit)
    return count


async def put(connection: Connection, key: str) -> None:
    await connection.execute(insert(setting).values(key=key, value="x"))


async def test_a_statement_is_one_hop_and_the_commit_another(store: Store) -> None:
    async def unit(connection: Connection) -> None:
        await put(connection, "a")
        assert (await connection.execute(select(setting.c.key))).all() == [("a",)]

    assert await hops(store, unit) == 3


async def test_many_rows_are_one_hop(store: Store) -> None:
    rows = [{"key": str(number), "value": "x"} for number in range(100)]
    assert await hops(store, lambda c: c.execute(insert(setting), rows)) == 2
    found = await store.read(lambda c: c.execute(select(setting.c.key)))
    assert len(found.all()) == 100


async def test_a_unit_without_a_statement_is_none(store: Store) -> None:
    async def unit(_: Connection) -> None:
        return

    assert await hops(store, unit) == 0


async def test_what_failed_is_rolled_back_and_the_next_unit_begins_anew(store: Store) -> None:
    async def twice(connection: Connection) -> None:
        await put(connection, "a")
        await put(connection, "a")

    with pytest.raises(IntegrityError):
        await store.write(twice)
    await store.write(lambda c: put(c, "b"))
    found = await store.read(lambda c: c.execute(select(setting.c.key)))
    assert found.all() == [("b",)]


async def test_a_reader_sees_one_state_from_its_first_statement_on(store: Store) -> None:
    async def unit(connection: Connection) -> list[int]:
        seen = []
        for key in "ab":
            seen.append(len((await connection.execute(select(setting.c.key))).all()))
            await store.write(lambda c, key=key: put(c, key))  # type: ignore[misc]
        return seen

    assert await store.read(unit) == [0, 0]
