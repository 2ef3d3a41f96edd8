"""Group commit: who shares a transaction, and what one member's failure costs the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from mailer.errors import StoreUnavailable
from mailer.intake.group import MOST_UNITS, GroupCommit
from mailer.parts import Parts
from mailer.store import engine, setting
from mailer.store.engine import Connection, Store, open_store
from tests.intake.test_subscribing import state
from tests.world import ANA, SERIES, letter, mail_in, opened

NAMES = [f"n{number}" for number in range(10)]


@pytest.fixture
def begun(store: Store) -> Iterator[list[str]]:
    """Grows with each transaction of the writer."""
    seen: list[str] = []

    def note(_: object) -> None:
        seen.append("begin")

    event.listen(store._writer.sync_engine, "begin", note)
    yield seen
    event.remove(store._writer.sync_engine, "begin", note)


def putting(name: str, value: str = "x"):  # type: ignore[no-untyped-def]
    async def unit(connection: Connection) -> str:
        if value == "fails":
            raise RuntimeError(name)
        await setting.put(connection, name, value)
        return name

    return unit


async def stored(store: Store) -> list[str]:
    found = [await store.read(lambda c, n=name: setting.get(c, n)) for name in NAMES]  # type: ignore[misc]
    return [name for name, value in zip(NAMES, found, strict=True) if value is not None]


async def test_those_who_come_together_share_a_transaction(store: Store, begun: list[str]) -> None:
    group = GroupCommit[str](store)
    assert await asyncio.gather(*(group.run(putting(name)) for name in NAMES)) == NAMES
    assert len(begun) == 1
    assert await stored(store) == NAMES


async def test_those_who_come_while_a_commit_is_under_way_share_the_next(
    store: Store, begun: list[str]
) -> None:
    group = GroupCommit[str](store)
    under_way = asyncio.Event()

    async def first(connection: Connection) -> str:
        under_way.set()
        return await putting(NAMES[0])(connection)

    one = asyncio.create_task(group.run(first))
    await under_way.wait()
    assert await asyncio.gather(*(group.run(putting(name)) for name in NAMES[1:])) == NAMES[1:]
    assert await one == NAMES[0]
    assert len(begun) == 2


async def test_a_group_is_bounded(store: Store, begun: list[str]) -> None:
    group = GroupCommit[str](store)
    await asyncio.gather(*(group.run(putting(NAMES[0])) for _ in range(2 * MOST_UNITS + 1)))
    assert len(begun) == 3


async def test_one_that_fails_fails_alone(store: Store) -> None:
    group = GroupCommit[str](store)
    units = [putting(name, "fails" if name in ("n3", "n7") else "x") for name in NAMES]
    results = await asyncio.gather(*map(group.run, units), return_exceptions=True)
    good = [name for name in NAMES if name not in ("n3", "n7")]
    assert [str(one) for one in results] == NAMES  # an error says the name as well
    assert [one for one in results if isinstance(one, str)] == good
    assert await stored(store) == good


async def test_a_caller_who_is_gone_costs_nobody_anything(store: Store) -> None:
    group = GroupCommit[str](store)
    tasks = [asyncio.create_task(group.run(putting(name))) for name in NAMES]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[4].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.cancelled() for task in tasks].count(True) == 2
    assert await stored(store) == NAMES
    assert await group.run(putting(NAMES[0])) == NAMES[0]


async def test_a_database_that_is_not_there_is_told_to_all_and_tried_anew(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.02)
    store = open_store(f"sqlite:///{parts.store.sqlite_path}")
    group = GroupCommit[str](store)
    holding, done = asyncio.Event(), asyncio.Event()

    async def hold(connection: Connection) -> None:
        await setting.put(connection, "held", "x")
        holding.set()
        await done.wait()

    holder = asyncio.create_task(parts.store.write(hold))
    await holding.wait()
    units = [putting(name) for name in NAMES[:5]]
    results = await asyncio.gather(*map(group.run, units), return_exceptions=True)
    assert [type(one) for one in results] == [StoreUnavailable] * 5
    done.set()
    await holder
    assert await group.run(putting("n9")) == "n9"
    assert await stored(store) == ["n9"]
    await store.dispose()


async def test_mails_of_one_person_have_their_effects_in_order(parts: Parts) -> None:
    to = SERIES.address.replace("@", "+{}@")
    wishes = ["subscribe", "unsubscribe"] * 5 + ["subscribe"]
    mails = [letter(ANA.mailbox, "x", str(number)) for number in range(len(wishes))]
    outcomes = await asyncio.gather(
        *(mail_in(parts, mail, to.format(wish)) for mail, wish in zip(mails, wishes, strict=True))
    )
    words = [outcome.word for outcome in outcomes]
    assert words[:4] == ["asked to confirm", "unsubscribed"] * 2
    assert set(words[0::2]) <= {"asked to confirm", "asked to confirm before"}
    assert set(words[1::2]) == {"unsubscribed"}
    assert (await state(parts)) == "pending"


async def crossing(
    connection: Connection, names: tuple[str, str], mine: asyncio.Event, others: asyncio.Event
) -> str:
    """Lock one row, and the other when somebody else has that."""
    await connection.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
    await setting.put(connection, names[0], "x")
    mine.set()
    await others.wait()
    await setting.put(connection, names[1], "x")
    return names[0]


@pytest.mark.parametrize("grouped", [True, False])
async def test_those_who_wait_for_each_other_both_end_well(
    postgres_url: str, tmp_path: Path, grouped: bool
) -> None:
    async with opened(postgres_url, tmp_path) as (parts, _):
        group = GroupCommit[str](parts.store)
        for name in NAMES[:2]:
            await parts.store.write(putting(name))
        here, there = asyncio.Event(), asyncio.Event()
        run = group.run if grouped else parts.store.write
        ended = await asyncio.gather(
            run(lambda c: crossing(c, (NAMES[0], NAMES[1]), here, there)),
            parts.store.write(lambda c: crossing(c, (NAMES[1], NAMES[0]), there, here)),
        )
        assert ended == NAMES[:2]
