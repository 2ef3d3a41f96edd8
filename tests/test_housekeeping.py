"""What is done now and then: leases of those who are gone, deadlines, the end of a node."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mailer import housekeeping
from mailer.config.model import Retention
from mailer.housekeeping import Housekeeping
from mailer.store import engine
from tests.dispatch.conftest import Opening, opening  # noqa: F401 - a fixture
from tests.world import NOON


def keeper(ledger, node: str) -> Housekeeping:  # type: ignore[no-untyped-def]
    return Housekeeping(ledger.parts.store, Retention(), ledger.clock, node_id=node)


async def test_a_node_takes_back_its_own_at_once(opening: Opening) -> None:  # noqa: F811
    async with opening() as ledger:
        await ledger.queue(3)
        await ledger.claim()
        await keeper(ledger, "other").arrive()
        assert await ledger.states() == {"sending": 3}
        await keeper(ledger, "test").arrive()
        assert await ledger.states() == {"queued": 3}
        row = await ledger.row()
        assert (row["doubts"], row["lease_owner"]) == (1, None)


async def test_a_node_that_is_silent_for_a_minute_holds_nothing(
    opening: Opening,  # noqa: F811
) -> None:
    async with opening() as ledger:
        mine, other = keeper(ledger, "test"), keeper(ledger, "other")
        await mine.arrive()
        await other.arrive()
        await ledger.queue(2)
        await ledger.claim()
        ledger.later(seconds=59)
        await other.beat()
        assert await ledger.states() == {"sending": 2}
        ledger.later(seconds=2)
        await other.beat()
        assert await ledger.states() == {"queued": 2}


async def test_a_node_never_takes_its_own_leases_for_lapsed(
    opening: Opening,  # noqa: F811
) -> None:
    async with opening() as ledger:
        mine = keeper(ledger, "test")
        await mine.arrive()
        await ledger.queue(2)
        await ledger.claim()
        ledger.later(hours=1)
        await mine.beat()
        assert await ledger.states() == {"sending": 2}


async def test_a_deadline_ends_what_waits(opening: Opening) -> None:  # noqa: F811
    async with opening() as ledger:
        await ledger.queue(1, expires_at=NOON)
        await ledger.queue(1, name="open")
        await keeper(ledger, "test").beat()
        assert await ledger.states() == {"expired": 1, "queued": 1}


async def test_a_locked_database_does_not_keep_a_node_from_ending(
    opening: Opening,  # noqa: F811
    tmp_path: Path,
    monkeypatch,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.05)
    async with opening() as ledger:
        await keeper(ledger, "test").arrive()
        other = sqlite3.connect(tmp_path / "mailer.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await keeper(ledger, "test").leave()
        other.close()


async def test_the_ledger_is_swept_slice_by_slice(
    opening: Opening,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(housekeeping, "SLICE", 2)
    async with opening() as ledger:
        await ledger.queue(5)
        await ledger.change(state="sent", settled_at=NOON)
        await ledger.queue(1, name="waits")
        ledger.later(days=730)
        await keeper(ledger, "test").sweep()
        assert await ledger.states() == {"sent": 5, "queued": 1}
        ledger.later(seconds=1)
        await keeper(ledger, "test").sweep()
        assert await ledger.states() == {"queued": 1}
