"""Outcomes into the ledger: in batches, and never forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mailer.dispatch import recording as module
from mailer.dispatch.recording import BATCH, Recording
from mailer.errors import StoreUnavailable
from mailer.store.engine import How, Store
from mailer.store.outbox import State
from mailer.store.settlement import Settlement
from tests.dispatch.conftest import NODE, Ledger, Opening


def sent(row_id: int) -> Settlement:
    return Settlement(id=row_id, state=State.SENT, attempts=1)


class Counting(Store):
    """The real store; counts what is written, and can be away."""

    writes = 0
    away = False

    @classmethod
    def over(cls, store: Store) -> Counting:
        one = cls.__new__(cls)
        one.__dict__.update(vars(store))  # the same connections
        return one

    async def write(self, unit, *, how=How.STEPS):  # type: ignore[no-untyped-def]
        if self.away:
            raise StoreUnavailable("away")
        self.writes += 1
        return await super().write(unit, how=how)


async def claimed(
    ledger: Ledger, count: int, *, on_room: Callable[[], None] = lambda: None
) -> tuple[Recording, Counting, list[int]]:
    await ledger.queue(count)
    rows = await ledger.claim(count)
    store = Counting.over(ledger.parts.store)
    recording = Recording(store, ledger.clock, node=NODE, on_room=on_room)
    return recording, store, [row.id for row in rows]


async def test_many_outcomes_are_written_in_few_batches(opening: Opening) -> None:
    async with opening() as ledger:
        recording, store, ids = await claimed(ledger, 3 * BATCH)
        for row_id in ids:
            recording.add(sent(row_id))
        recording.finish()
        await recording.run()
        assert await ledger.states() == {"sent": 3 * BATCH}
        assert store.writes == 3


async def test_a_single_outcome_is_written_soon(opening: Opening) -> None:
    async with opening() as ledger:
        recording, _, ids = await claimed(ledger, 1)
        running = asyncio.create_task(recording.run())
        recording.add(sent(ids[0]))
        await asyncio.wait([running], timeout=0.2)
        assert await ledger.states() == {"sent": 1}
        recording.finish()
        await running


async def test_whoever_sends_waits_while_a_batch_is_unwritten(opening: Opening) -> None:
    async with opening() as ledger:
        room: list[bool] = []
        recording, store, ids = await claimed(ledger, BATCH, on_room=lambda: room.append(True))
        store.away = True
        for row_id in ids[:-1]:
            recording.add(sent(row_id))
        assert not recording.full
        recording.add(sent(ids[-1]))
        assert recording.full
        assert not await recording.flush()
        assert (recording.full, room) == (True, [])
        store.away = False
        assert await recording.flush()
        assert (recording.full, room) == (False, [True])


async def test_outcomes_are_kept_while_the_database_is_away(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    async with opening() as ledger:
        recording, store, ids = await claimed(ledger, 5)
        store.away = True
        running = asyncio.create_task(recording.run())
        for row_id in ids:
            recording.add(sent(row_id))
        recording.finish()
        await asyncio.wait([running], timeout=0.1)
        assert not running.done()
        assert await ledger.states() == {"sending": 5}
        store.away = False
        await asyncio.wait_for(running, 5)
        assert await ledger.states() == {"sent": 5}


async def test_writing_twice_changes_nothing(opening: Opening) -> None:
    async with opening() as ledger:
        recording, _, ids = await claimed(ledger, 1)
        recording.add(sent(ids[0]))
        await recording.flush()
        recording.add(Settlement(id=ids[0], state=State.FAILED))
        await recording.flush()
        assert await ledger.states() == {"sent": 1}


async def test_what_a_server_said_in_any_bytes_can_be_written(opening: Opening) -> None:
    async with opening() as ledger:
        recording, _, ids = await claimed(ledger, 1)
        recording.add(
            Settlement(id=ids[0], state=State.FAILED, attempts=1, reply="550 \u2028ü\U0001f600")
        )
        assert await recording.flush()
