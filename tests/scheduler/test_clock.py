"""Clocks, and timers on a real event loop with the real APScheduler."""

# ruff: noqa: DTZ001  # wall clock is naive by design

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from scheduler.clock import Clock, ClockWentBack, SystemClock, Timers, VirtualClock
from scheduler.model import NaiveInstant

T0 = datetime(2026, 11, 25, 12, tzinfo=UTC)
SOON = timedelta(milliseconds=30)


async def rang(condition: Callable[[], bool]) -> bool:
    """Whether it becomes true within two seconds."""
    for _ in range(400):
        if condition():
            return True
        await asyncio.sleep(0.005)
    return False


def test_the_system_clock_tells_aware_utc() -> None:
    clock: Clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.now() <= clock.now()


def test_a_virtual_clock_moves_only_when_told() -> None:
    clock = VirtualClock(T0)
    assert clock.now() == T0
    clock.advance_to(T0)
    clock.advance_to(datetime(2026, 11, 25, 14, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == T0 + timedelta(hours=1)
    assert clock.now().tzinfo is UTC


def test_a_virtual_clock_refuses_to_go_back() -> None:
    clock = VirtualClock(T0)
    with pytest.raises(ClockWentBack):
        clock.advance_to(T0 - timedelta(microseconds=1))
    with pytest.raises(NaiveInstant):
        clock.advance_to(datetime(2027, 1, 1))
    assert clock.now() == T0


async def test_a_timer_rings_on_the_event_loop_at_its_time_and_once() -> None:
    rings: list[tuple[datetime, int]] = []
    due = datetime.now(UTC) + SOON
    async with Timers() as timers:
        timers.wake_at(
            "plan", due, lambda: rings.append((datetime.now(UTC), threading.get_ident()))
        )
        assert await rang(lambda: bool(rings))
        await asyncio.sleep(0.04)
    assert [thread for _, thread in rings] == [threading.get_ident()]
    assert rings[0][0] >= due


async def test_an_instant_long_past_rings_at_once() -> None:
    bell = asyncio.Event()
    async with Timers() as timers:
        timers.wake_at("plan", datetime(2001, 1, 1, tzinfo=UTC), bell.set)
        await asyncio.wait_for(bell.wait(), 2)


async def test_a_timer_set_before_the_start_rings_after_it() -> None:
    bell = asyncio.Event()
    timers = Timers()
    timers.wake_at("plan", T0 - timedelta(days=9_000), bell.set)
    timers.start()
    await asyncio.wait_for(bell.wait(), 2)
    timers.stop()


async def test_the_same_name_replaces_the_timer_and_another_does_not() -> None:
    rings: list[str] = []
    now = datetime.now(UTC)
    async with Timers() as timers:
        timers.wake_at("plan", now + SOON, lambda: rings.append("old"))
        timers.wake_at("plan", now + SOON, lambda: rings.append("new"))
        timers.wake_at("sweep", now + SOON, lambda: rings.append("sweep"))
        assert await rang(lambda: len(rings) == 2)
        await asyncio.sleep(0.02)
    assert sorted(rings) == ["new", "sweep"]


async def test_a_nudge_may_set_its_own_timer_anew_at_once() -> None:
    rings: list[int] = []
    async with Timers() as timers:

        def nudge() -> None:
            rings.append(len(rings))
            if len(rings) < 20:
                timers.wake_at("plan", T0 - timedelta(days=9_000), nudge)

        timers.wake_at("plan", T0 - timedelta(days=9_000), nudge)
        assert await rang(lambda: len(rings) == 20)


async def test_a_cancelled_timer_is_silent_and_an_unknown_name_is_no_error() -> None:
    rings: list[str] = []
    async with Timers() as timers:
        timers.wake_at("plan", datetime.now(UTC) + SOON, lambda: rings.append("plan"))
        timers.cancel("plan")
        timers.cancel("plan")
        await asyncio.sleep(0.05)
    assert rings == []


async def test_after_the_stop_nothing_rings() -> None:
    rings: list[str] = []
    timers = Timers()
    timers.start()
    timers.wake_at("plan", datetime.now(UTC) + SOON, lambda: rings.append("later"))
    timers.wake_at("past", datetime(2001, 1, 1, tzinfo=UTC), lambda: rings.append("past"))
    timers.stop()
    timers.stop()
    timers.wake_at("new", datetime(2001, 1, 1, tzinfo=UTC), lambda: rings.append("new"))
    timers.cancel("plan")
    await asyncio.sleep(0.05)
    assert rings == []


async def test_an_instant_needs_a_zone() -> None:
    async with Timers() as timers:
        with pytest.raises(NaiveInstant):
            timers.wake_at("plan", datetime(2026, 1, 1), lambda: None)


@pytest.mark.parametrize("turns", range(5))
async def test_a_timer_about_to_ring_is_silent_once_stopped(turns: int) -> None:
    rings: list[bool] = []
    stopped = False
    timers = Timers()
    timers.start()
    timers.wake_at("past", datetime(2001, 1, 1, tzinfo=UTC), lambda: rings.append(stopped))
    for _ in range(turns):
        await asyncio.sleep(0)
    timers.stop()
    stopped = True
    await asyncio.sleep(0.01)
    assert True not in rings
