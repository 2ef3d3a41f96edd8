"""The pace of real mails over SMTP: rates, turns of a domain, days of a warm-up, a slow server.

Seconds of the pace are those of the ledger's clock, so that they pass when a test says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mailer.dispatch import pacing, pausing
from mailer.dispatch.loop import Dispatch
from mailer.store import node
from mailer.store.lease import PACED
from mailer.store.outbox import Priority
from scheduler.pace import WarmUp
from tests.dispatch.conftest import Ledger, Opening
from tests.dispatch.ticking import actions
from tests.peers.sink import Sink
from tests.peers.trouble import Phase
from tests.world import NOON


@contextlib.asynccontextmanager
async def paced(
    ledger: Ledger, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Dispatch]:
    """A dispatch for which time passes with the ledger's clock."""
    monkeypatch.setattr(pacing, "monotonic", lambda: ledger.clock.now().timestamp())
    async with ledger.sending(sink) as dispatch:
        yield dispatch


def recipients(sink: Sink) -> list[str]:
    return sorted(one.addresses[0] for one in sink.accepted)


async def test_nothing_leaves_faster_than_the_rate(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(messages_per_second=5.0) as ledger, Sink() as sink:
        await ledger.queue(12)
        async with paced(ledger, sink, monkeypatch) as dispatch:
            await sink.wait_for(1)
            for most in (6, 11, 12):
                ledger.later(seconds=1)
                dispatch.nudge()
                await sink.wait_for(most)
                await asyncio.sleep(0.05)
                assert len(sink.accepted) == most
        assert await ledger.states() == {"sent": 12}


async def test_a_domain_gets_its_mails_evenly_and_others_do_not_wait_for_it(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(domains={"slow.example": 1.0}) as ledger, Sink() as sink:
        await ledger.queue(6, domain="slow.example")
        await ledger.queue(30, name="q")
        async with paced(ledger, sink, monkeypatch) as dispatch:
            await ledger.until({"sent": 32, "queued": 4})
            last = await ledger.row("p5@slow.example")
            assert (last["reason"], last["not_before"], last["attempts"]) == (
                PACED,
                NOON + timedelta(seconds=5),
                0,
            )
            for left in (3, 2, 1, 0):
                ledger.later(seconds=2 if left == 3 else 1)
                dispatch.nudge()
                waiting = {"queued": left} if left else {}
                await ledger.until({"sent": 36 - left, **waiting})
        assert len(set(recipients(sink))) == len(sink.accepted) == 36


async def test_after_a_long_stop_a_domain_is_not_flooded(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(domains={"slow.example": 1.0}) as ledger, Sink() as sink:
        await ledger.queue(20, domain="slow.example")
        async with paced(ledger, sink, monkeypatch) as dispatch:
            await ledger.until({"sent": 2, "queued": 18})
            ledger.later(hours=6)
            dispatch.nudge()
            await ledger.until({"sent": 5, "queued": 15})
            await asyncio.sleep(0.05)
            assert await ledger.states() == {"sent": 5, "queued": 15}


async def test_an_answer_goes_before_the_bulk_of_its_domain(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(domains={"slow.example": 0.01}) as ledger, Sink() as sink:
        await ledger.queue(20, domain="slow.example")
        async with paced(ledger, sink, monkeypatch):
            await ledger.until({"sent": 1, "queued": 19})
            ledger.later(seconds=97)
            await ledger.queue(1, name="a", domain="slow.example", priority=Priority.ANSWER)
            await sink.wait_for(2)
        assert recipients(sink)[0] == "a0@slow.example"


async def test_a_warm_up_sends_the_rest_on_the_next_day(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = WarmUp(start=NOON, first_day=4, factor=1.5, days=10)
    async with opening(warm_up=plan) as ledger, Sink() as sink:
        await ledger.queue(9)
        await ledger.queue(3, name="a", priority=Priority.ANSWER)
        async with paced(ledger, sink, monkeypatch):
            await ledger.until({"sent": 7, "queued": 5})
            await asyncio.sleep(0.05)
            assert await ledger.states() == {"sent": 7, "queued": 5}
        async with paced(ledger, sink, monkeypatch) as dispatch:  # a restart opens no new day
            await asyncio.sleep(0.05)
            assert await ledger.states() == {"sent": 7, "queued": 5}
            ledger.later(days=1)
            dispatch.nudge()
            await ledger.until({"sent": 12})
        assert len(sink.accepted) == 12


async def test_nodes_share_what_is_configured(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(messages_per_second=4.0) as ledger, Sink() as sink:
        for name in ("one", "other"):
            await ledger.parts.store.write(lambda c, name=name: node.arrive(c, name, now=NOON))
        await ledger.queue(12)
        async with paced(ledger, sink, monkeypatch) as dispatch:
            await sink.wait_for(1)
            ledger.later(seconds=1)
            dispatch.nudge()
            await sink.wait_for(3)
            await asyncio.sleep(0.05)
            assert len(sink.accepted) == 3


async def test_a_server_that_asks_for_less_gets_everything_once_and_without_help(
    opening: Opening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pausing, "WAITS", (0.01,))
    async with opening(connections=4) as ledger, Sink() as sink:
        for nth in (20, 40, 60):
            sink.trouble(Phase.RCPT, reply="421 4.7.0 enough for now", nth=nth, times=1)
        await ledger.queue(100)
        async with paced(ledger, sink, monkeypatch) as dispatch:
            for _ in range(600):
                if (await ledger.states()) == {"sent": 100}:
                    break
                ledger.later(seconds=5)
                dispatch.nudge()
                await asyncio.sleep(0.01)
        assert await ledger.states() == {"sent": 100}
        assert len(set(recipients(sink))) == len(sink.accepted) == 100
    told = [action for _, action in actions(caplog.records) if action == "pace.slowed"]
    assert told
