"""Connections that break, or fall silent (F14, F15): only what is after its dot goes out twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from mailer.config.reading import read_config
from mailer.parts import open_parts
from mailer.transport.patience import Patience
from mailer.transport.smtp import SmtpTransport
from scheduler.clock import SystemClock
from tests.faults.account import Keep, count
from tests.faults.house import House, furnish, people
from tests.faults.length import either
from tests.faults.witness import Witness
from tests.flow.daemon import Daemon
from tests.peers.trouble import Drop, Phase, Trouble

Crowd = Callable[[int], Path]
FOR_EVER = 100_000.0
BRIEF = Patience(greeting=1.0, command=1.0, data=1.0, piece=1.0)


async def test_reset_after_the_dot(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    """In one of a hundred; the short form has one of twenty-five, to have some at all."""
    number, share = either((600, 0.04), (20_000, 0.01))
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(Trouble(phase=Phase.DOT, drop=Drop.RESET, share=share))
        async with Daemon(house) as daemon:
            await house.until_sent(number)
            assert await daemon.stop() == 0
        resets = (await witness.look()).resets
        deliveries = witness.deliveries()
    assert house.rows("SELECT sum(doubts) FROM outbox") == [(resets,)]
    what = f"{resets} resets after the dot"
    keep(count("F15", what, owed=people(number), deliveries=deliveries, bound=resets))


BOTH = (Drop.BEFORE, Drop.RESET)
GREETING = [(phase, how) for phase in (Phase.CONNECT, Phase.EHLO) for how in BOTH]
ENVELOPE = [
    (phase, how) for phase in (Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY) for how in BOTH
]


async def test_broken_off_before_the_dot(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    number, every = either((300, 400), (6000, 300))
    troubles = [
        Trouble(phase=phase, drop=how, nth=2 + 2 * place)
        for place, (phase, how) in enumerate(GREETING)
    ]
    troubles += [
        Trouble(phase=phase, drop=how, nth=nth)
        for place, (phase, how) in enumerate(ENVELOPE)
        for nth in range(20 + 30 * place, number, every)
    ]
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(*troubles)
        async with Daemon(house) as daemon:
            await house.until_sent(number)
            assert await daemon.stop() == 0
        what = "broken off before the dot"
        keep(count("F15", what, owed=people(number), deliveries=witness.deliveries()))


async def test_silence_after_the_dot(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    number, silent = 300, 4
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number), outbound='final_dot_timeout = "1s"')
        trouble = Trouble(phase=Phase.DOT, delay_seconds=FOR_EVER, every=60, times=silent)
        await witness.trouble(trouble)
        async with Daemon(house) as daemon:
            await house.until_sent(number)
            assert await daemon.stop() == 0
        deliveries = witness.deliveries()
        keep(
            count(
                "F14",
                "silence after the dot",
                owed=people(number),
                deliveries=deliveries,
                bound=silent,
            )
        )


async def test_silence_before_the_dot(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    """The real parts in this process, with less patience than the five minutes of RFC 5321."""
    number, times = either((120, 1), (3000, 10))
    phases = (Phase.CONNECT, Phase.EHLO, Phase.MAIL, Phase.RCPT, Phase.DATA)
    silences = [
        Trouble(phase=phase, delay_seconds=FOR_EVER, nth=(place + 1) * (3 if place < 2 else 17) + n)
        for place, phase in enumerate(phases)
        for n in range(0, times * 200, 200)
    ]
    async with Witness(tmp_path, messages_per_connection=20) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(*silences)
        async with sending_here(house):
            await house.until_sent(number)
        what = "silence before the dot"
        keep(count("F14", what, owed=people(number), deliveries=witness.deliveries()))


@contextlib.asynccontextmanager
async def sending_here(house: House) -> AsyncIterator[None]:
    """Planner and dispatch of a house at work inside the block."""
    config = read_config(house.folder / "config.toml", {})
    async with open_parts(config, SystemClock()) as parts:
        await parts.planner.tick()
        transport = SmtpTransport(config.outbound, hostname="lists.example.org", patience=BRIEF)
        dispatch = parts.dispatch(transport, node="here", jitter=lambda: 0.0)
        running = asyncio.create_task(dispatch.run())
        try:
            yield
        finally:
            dispatch.stop()
            await running
