"""One lane: what it claims, what it begins, what it gives back."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from mailer.dispatch import stock as stock_module
from mailer.dispatch.recording import Recording
from mailer.dispatch.stock import Ready
from mailer.store import setting
from mailer.store.lease import Claimed
from mailer.store.outbox import Priority
from mailer.transport.outcome import Outgoing
from tests.dispatch.conftest import Ledger, Opening
from tests.peers.sink import Sink, SinkOptions
from tests.peers.trouble import Phase
from tests.world import NOON


async def test_a_lane_claims_no_more_than_it_can_send_soon(opening: Opening) -> None:
    async with opening(connections=4) as ledger, Sink() as sink:
        sink.trouble(Phase.DOT, delay_seconds=0.3)
        await ledger.queue(50)
        async with ledger.sending(sink):
            await sink.wait_until(lambda: len(sink.transactions) >= 1)
            assert (await ledger.states())["sending"] <= 2
        assert sink.most_open_connections == 2


async def test_a_fast_server_is_kept_busy(opening: Opening) -> None:
    async with opening(connections=6) as ledger, Sink() as sink:
        await ledger.queue(300)
        async with ledger.sending(sink):
            await sink.wait_for(300, seconds=20)
        assert await ledger.states() == {"sent": 300}
        assert len({mail.addresses for mail in sink.accepted}) == 300
        assert sink.most_open_connections <= 6
        assert sink.violations == []


async def test_stopping_finishes_what_is_under_way_and_gives_back_the_rest(
    opening: Opening,
) -> None:
    async with opening(connections=4) as ledger, Sink() as sink:
        sink.trouble(Phase.DOT, delay_seconds=0.2)
        await ledger.queue(20)
        async with ledger.sending(sink) as dispatch:
            await sink.wait_until(lambda: len(sink.transactions) >= 2)
            dispatch.stop()
        states = await ledger.states()
        assert states == {"sent": len(sink.accepted), "queued": 20 - len(sink.accepted)}
        assert len(sink.accepted) < 10
        counts = {(row["attempts"], row["doubts"]) for row in await all_rows(ledger, "queued")}
        assert counts == {(0, 0)}


async def all_rows(ledger: Ledger, state: str) -> list[dict[str, object]]:
    found = [await ledger.row(f"p{number}@example.net") for number in range(20)]
    return [row for row in found if row["state"] == state]


async def test_a_claim_that_waited_too_long_is_given_back_and_looked_at_again(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_module, "FRESH_SECONDS", 0.0)
    async with opening(connections=4) as ledger, Sink() as sink:
        await ledger.queue(3)
        async with ledger.sending(sink):
            await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)
        assert sink.accepted == []
        assert await ledger.states() == {"queued": 3}
        assert (await ledger.row())["attempts"] == 0


async def test_looking_in_vain_uses_up_no_rate(opening: Opening) -> None:
    async with (
        opening(messages_per_second=0.01) as ledger,
        Sink() as sink,
        ledger.sending(sink) as dispatch,
    ):
        await asyncio.sleep(0.05)
        await ledger.queue(1)
        dispatch.nudge()
        await sink.wait_for(1, seconds=2)


async def test_a_mail_that_waited_for_the_ledger_does_not_begin_after_the_stop(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recording, "full", True)
    async with opening() as ledger, Sink() as sink:
        await ledger.queue(1)
        async with ledger.sending(sink) as dispatch:
            await ledger.until({"sending": 1})
            assert sink.accepted == []
            await ledger.parts.store.write(lambda c: setting.put(c, setting.STOPPED, "yes"))
            await dispatch.look_at_switch()
            monkeypatch.setattr(Recording, "full", False)
            dispatch._resume()
            await asyncio.sleep(0.05)
        assert sink.accepted == []
        assert await ledger.states() == {"queued": 1}


async def test_a_mail_that_waits_for_the_ledger_is_taken_back_from_who_leaves(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recording, "full", True)
    async with opening() as ledger, Sink() as sink:
        await ledger.queue(1)
        await ledger.change(subscription_id=7)
        async with ledger.sending(sink) as dispatch:
            await sink.wait_until(lambda: sink.commands[-1:] == [(1, b"DATA")])
            dispatch.recall(7)
            async with asyncio.timeout(5):
                while sink.connections == 1:  # it is asked about anew, and goes by another
                    dispatch._resume()
                    await asyncio.sleep(0.005)
            monkeypatch.setattr(Recording, "full", False)
            dispatch._resume()
            await sink.wait_for(1)


async def test_what_waits_for_the_rate_is_not_claimed(opening: Opening) -> None:
    async with opening(messages_per_second=0.01) as ledger, Sink() as sink:
        await ledger.queue(5)
        async with ledger.sending(sink):
            await sink.wait_for(1)
        assert await ledger.states() == {"sent": 1, "queued": 4}


async def test_answers_know_no_rate(opening: Opening) -> None:
    async with opening(messages_per_second=0.01) as ledger, Sink() as sink:
        await ledger.queue(5, priority=Priority.ANSWER)
        async with ledger.sending(sink):
            await sink.wait_for(5)


async def test_a_mail_whose_deadline_has_passed_since_its_claim_is_not_sent(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recording, "full", True)
    async with opening() as ledger, Sink() as sink:
        await ledger.queue(1, expires_at=NOON + timedelta(minutes=1))
        async with ledger.sending(sink) as dispatch:
            await ledger.until({"sending": 1})
            ledger.later(minutes=1)
            monkeypatch.setattr(Recording, "full", False)
            dispatch._resume()
            await ledger.until({"expired": 1})
        assert (await ledger.row())["attempts"] == 0
        assert sink.accepted == []


async def test_a_locked_database_delays_and_loses_nothing(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.store.engine.BUSY_TIMEOUT_SECONDS", 0.05)
    async with opening() as ledger, Sink(SinkOptions(delay_seconds=0.01)) as sink:
        await ledger.queue(30)
        other = sqlite3.connect(tmp_path / "mailer.db", isolation_level=None)
        async with ledger.sending(sink):
            await sink.wait_for(3)
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)
            other.execute("ROLLBACK")
            other.close()
            await sink.wait_for(30)
        assert await ledger.states() == {"sent": 30}
        assert len({mail.addresses for mail in sink.accepted}) == len(sink.accepted) == 30


async def test_what_is_only_claimed_for_somebody_who_leaves_is_given_back_at_once(
    opening: Opening,
) -> None:
    async with opening(connections=4) as ledger, Sink() as sink:
        await ledger.queue(200, name="fast")
        async with ledger.sending(sink) as dispatch:
            await sink.wait_for(200, seconds=20)  # fast enough for a large stock
            sink.trouble(Phase.DOT, delay_seconds=0.6)
            await ledger.queue(12)
            await ledger.change(subscription_id=7)
            await ledger.until({"sent": 200, "sending": 12})
            assert sum(len(lane._stock) for lane in dispatch._lanes) > 0
            dispatch.recall(8)
            assert sum(len(lane._stock) for lane in dispatch._lanes) > 0
            dispatch.recall(7)
            assert sum(len(lane._stock) for lane in dispatch._lanes) == 0


async def test_a_mail_that_was_not_tried_is_claimed_anew(opening: Opening) -> None:
    async with opening(connections=2) as ledger, Sink() as sink:
        await ledger.queue(2)
        dispatch = ledger.dispatch(ledger.transport(sink))
        lane = dispatch._lanes[1]
        first, second = await ledger.claim(2)
        lane._under_way[second.id] = Ready(second, mail_of(second), 0.0)
        lane.untake(mail_of(second))
        assert len(lane._stock) == 0
        await dispatch._recording.flush()
        assert await ledger.states() == {"sending": 1, "queued": 1}
        assert [row.attempts for row in await ledger.claim(2)] == [1]
        assert first.attempts == 1


def mail_of(row: Claimed) -> Outgoing:
    return Outgoing(id=row.id, sender="", recipient=row.recipient, content=b"")
