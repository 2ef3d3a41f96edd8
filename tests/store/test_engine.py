"""Units of work: what is durable, what a cancelled caller leaves, who may open the file."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from mailer.errors import StoreUnavailable, WrongOwner
from mailer.parts import Parts
from mailer.store import lease, setting
from mailer.store.engine import Connection, How, open_store
from mailer.store.outbox import Priority
from tests.world import make_sqlite


async def test_a_unit_that_fails_leaves_nothing(parts: Parts) -> None:
    async def unit(connection: Connection) -> None:
        await setting.put(connection, "half", "done")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await parts.store.write(unit)
    assert await parts.store.read(lambda c: setting.get(c, "half")) is None


async def test_a_cancelled_caller_leaves_a_whole_unit_and_no_lock(parts: Parts) -> None:
    started = asyncio.Event()

    async def slow(connection: Connection) -> None:
        await setting.put(connection, "first", "1")
        started.set()
        await asyncio.sleep(0.05)
        await setting.put(connection, "second", "2")

    task = asyncio.create_task(parts.store.write(slow))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await parts.store.write(lambda c: setting.put(c, "third", "3"))
    found = [await parts.store.read(lambda c, k=k: setting.get(c, k)) for k in ("first", "second")]
    assert found == ["1", "2"]


async def test_many_cancelled_writers_leave_the_store_usable(parts: Parts) -> None:
    for number in range(30):
        task = asyncio.create_task(
            parts.store.write(lambda c, n=number: setting.put(c, f"k{n}", "x"))  # type: ignore[misc]
        )
        await asyncio.sleep(0.0005 * (number % 7))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5):
        await parts.store.write(lambda c: setting.put(c, "last", "x"))
    assert await parts.store.read(lambda c: setting.get(c, "last")) == "x"


async def test_who_writes_all_the_time_leaves_others_their_turn(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"  # there is one writer on SQLite alone
    await make_sqlite(path)
    store = open_store(f"sqlite:///{path}")
    wrote: list[str] = []
    claim = partial(
        lease.claim,
        node="this",
        now=datetime(2026, 10, 1, tzinfo=UTC),
        limit=1,
        priorities=(Priority.ANSWER, Priority.BULK),
    )

    async def write(who: str, times: int) -> None:
        for _ in range(times):
            await store.write(claim, how=How.ALONE)
            wrote.append(who)

    await asyncio.gather(write("many", 20), write("once", 1))
    await store.dispose()
    assert wrote.index("once") <= 2


async def test_what_runs_alone_is_one_statement(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    await make_sqlite(path)
    store = open_store(f"sqlite:///{path}")

    async def two(connection: Connection) -> None:
        await setting.put(connection, "first", "1")
        await setting.put(connection, "second", "2")

    with pytest.raises(RuntimeError, match="one statement"):
        await store.write(two, how=How.ALONE)
    assert await store.read(lambda c: setting.several(c, ("first", "second"))) == {}
    await store.dispose()


async def test_readers_go_on_while_somebody_writes(parts: Parts) -> None:
    writing, read = asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection) -> None:
        await setting.put(connection, "new", "1")
        writing.set()
        await read.wait()

    task = asyncio.create_task(parts.store.write(slow))
    await writing.wait()
    async with asyncio.timeout(5):
        assert await parts.store.read(lambda c: setting.get(c, "new")) is None
    read.set()
    await task
    assert await parts.store.read(lambda c: setting.get(c, "new")) == "1"


async def test_a_database_locked_by_somebody_else_is_unavailable_not_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.store.engine.BUSY_TIMEOUT_SECONDS", 0.1)
    path = tmp_path / "mailer.db"
    await make_sqlite(path)
    mine, theirs = open_store(f"sqlite:///{path}"), open_store(f"sqlite:///{path}")
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(connection: Connection) -> None:
        await setting.put(connection, "held", "1")
        held.set()
        await release.wait()

    task = asyncio.create_task(theirs.write(hold))
    await held.wait()
    with pytest.raises(StoreUnavailable, match="locked"):
        await mine.write(lambda c: setting.put(c, "mine", "1"))
    release.set()
    await task
    await mine.write(lambda c: setting.put(c, "mine", "1"))
    await mine.dispose()
    await theirs.dispose()


async def test_what_is_acknowledged_survives_a_power_cut(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    await make_sqlite(path)
    store = open_store(f"sqlite:///{path}")

    async def modes(connection: Connection) -> tuple[object, object]:
        journal = (await connection.execute(text("PRAGMA journal_mode"))).scalar_one()
        return journal, (await connection.execute(text("PRAGMA synchronous"))).scalar_one()

    assert await store.write(modes) == ("wal", 2)  # 2 is FULL
    await store.dispose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file another user's")
@pytest.mark.parametrize("place", ["wall/x.db", "folder"])
def test_a_file_that_cannot_be_opened_is_named_before_anything_is_tried(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "wall").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreUnavailable, match=f"^cannot open {tmp_path}/{place}: "):
        open_store(f"sqlite:///{tmp_path}/{place}")


async def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    await make_sqlite(path)
    os.chown(path, 65534, 65534)
    with pytest.raises(WrongOwner, match="belongs to user 65534"):
        open_store(f"sqlite:///{path}")
