"""Killed, stopped, started twice (F10, F11, F22): nothing is lost, and few mails go out twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.account import Keep, count, doubled_by_each, doubled_within
from tests.faults.house import CONNECTIONS, UNRECORDED, House, furnish, people
from tests.faults.inbound_injecting import injected
from tests.faults.length import at_length, either
from tests.faults.witness import Witness, until
from tests.flow.daemon import Daemon
from tests.peers.trouble import Phase, Trouble

Crowd = Callable[[int], Path]
# A mail is sent so slowly that whoever aims at a step of it finds one.
SLOWLY = Trouble(phase=Phase.DOT, delay_seconds=0.01)
# Where the daemon's work shows: what goes onto the wire and comes from it, what goes into the
# ledger. At one of so many calls of a kind, counted from any moment, it is killed.
STEPS = {
    "write,writev,sendmsg,sendto": 40,
    "read,recvfrom,recvmsg": 40,
    "epoll_wait,epoll_pwait": 60,
    "connect": 3,
    "pwrite64": 30,
    "fsync,fdatasync": 6,
}


async def gone(witness: Witness) -> int:
    """How many mails were taken from a daemon that is dead, when its last words have been read."""
    while (await witness.look()).open:  # a look takes its time
        pass
    return witness.count()


async def test_killed_at_random_moments(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    kills, number = either((4, 600), (200, 50_000))
    owed, ends = people(number), []
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        for _ in range(kills):
            aim = witness.count() + random.randint(0, 2 * number // (kills + 2))
            async with Daemon(house) as daemon:
                await until(lambda aim=aim: witness.count() >= min(aim, number))  # type: ignore[misc]
                await daemon.kill()
            ends.append(await gone(witness))
        await finished(house, witness, number)
        deliveries = witness.deliveries()
    keep(count("F10", f"{kills} kills", owed=owed, deliveries=deliveries, bound=kills * UNRECORDED))
    assert doubled_within(deliveries, ends) == 0
    assert max(doubled_by_each(deliveries, ends)) <= UNRECORDED


async def finished(house: House, witness: Witness, number: int) -> None:
    """One more daemon, which nobody hurts, sends the rest."""
    async with Daemon(house) as daemon:
        await house.until_states(sent=number)
        assert await daemon.stop() == 0
    assert (await witness.look()).faults == []


@pytest.mark.skipif(not at_length(), reason="part of the long form")
async def test_killed_while_it_starts(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    kills, number, ends = 50, 600, []
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        for _ in range(kills):
            daemon = Daemon(house)
            await daemon.start()
            await asyncio.sleep(random.uniform(0, 1.2))  # at any moment, be there an event or not
            await daemon.kill()
            ends.append(await gone(witness))
        await finished(house, witness, number)
        deliveries = witness.deliveries()
    keep(
        count(
            "F10",
            f"{kills} kills at start",
            owed=people(number),
            deliveries=deliveries,
            bound=kills * UNRECORDED,
        )
    )
    assert doubled_within(deliveries, ends) == 0


async def test_killed_at_each_step(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    rounds, number = either((1, 600), (12, 9000))
    ends = []
    async with Witness(tmp_path, messages_per_connection=10) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(SLOWLY)
        for call, most in list(STEPS.items()) * rounds:
            async with Daemon(house) as daemon:
                fault = f"signal=KILL:when={random.randint(1, most)}"
                async with injected(daemon.process, call, fault):
                    await until(lambda daemon=daemon: daemon.process.returncode is not None)  # type: ignore[misc]
            ends.append(await gone(witness))
        await witness.trouble()
        await finished(house, witness, number)
        deliveries = witness.deliveries()
    kills = len(ends)
    keep(
        count(
            "F10",
            f"{kills} kills at a system call",
            owed=people(number),
            deliveries=deliveries,
            bound=kills * UNRECORDED,
        )
    )
    assert doubled_within(deliveries, ends) == 0
    assert max(doubled_by_each(deliveries, ends)) <= UNRECORDED


async def test_stopped_at_random_moments(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    stops, number = either((2, 600), (40, 20_000))
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        for _ in range(stops):
            aim = witness.count() + random.randint(0, 2 * number // (stops + 2))
            async with Daemon(house) as daemon:
                await until(lambda aim=aim: witness.count() >= min(aim, number))  # type: ignore[misc]
                assert await daemon.stop() == 0
            assert "sending" not in house.states()
        await finished(house, witness, number)
        keep(count("F11", f"{stops} stops", owed=people(number), deliveries=witness.deliveries()))


@pytest.mark.skipif(not at_length(), reason="part of the long form; tests/flow has one such mail")
async def test_stopped_while_dots_are_not_answered(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    number = 600
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(Trouble(phase=Phase.DOT, every=50, delay_seconds=600.0))
        async with Daemon(house) as daemon:
            await until(lambda: witness.count() >= 150)
            assert await daemon.stop() == 0
        await witness.trouble()
        await finished(house, witness, number)
        keep(
            count(
                "F11",
                "a stop with silent dots",
                owed=people(number),
                deliveries=witness.deliveries(),
                bound=CONNECTIONS,
            )
        )


async def test_two_daemons_on_one_file(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    """Started at once, one serves and the other says why it does not; so does a third one later."""
    number = 600
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(SLOWLY)
        both = [Daemon(house), Daemon(house)]
        async with contextlib.AsyncExitStack() as stack:
            for one in both:
                await one.start()
                stack.push_async_exit(one.__aexit__)
            await until(lambda: any(one.process.returncode is not None for one in both))
            (serving,) = [one for one in both if one.process.returncode is None]
            assert [one.process.returncode for one in both if one is not serving] == [1]
            await until(lambda: witness.count() >= 50)
            code, _, err = await house.command("serve")
            assert (code, "another daemon works on" in err) == (1, True)
            await witness.trouble()
            await house.until_states(sent=number)
            assert await serving.stop() == 0
        keep(count("F22", "three daemons", owed=people(number), deliveries=witness.deliveries()))
