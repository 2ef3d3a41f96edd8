"""The only place that knows what time it is, and the timers that wake somebody up.

A timer carries nothing and decides nothing: it calls a nudge, and whoever is nudged looks into the
tables. So a timer that is lost costs a delay and never a mail. Timers wait by the monotonic clock
and may ring late after the wall clock was set; whoever relies on them also looks now and then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, Self

# ships no types
from apscheduler.jobstores.memory import MemoryJobStore  # type: ignore[import-untyped]
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]

from scheduler.model import require_aware


class ClockWentBack(ValueError):
    """A virtual clock was told to go back."""


class Clock(Protocol):
    """Tells what time it is."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved, for simulations and tests."""

    def __init__(self, start: datetime) -> None:
        require_aware("start", start)
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was last moved to."""
        return self._now

    def advance_to(self, instant: datetime) -> None:
        """Move on to ``instant``. Raises `ClockWentBack` if that lies behind."""
        require_aware("instant", instant)
        if instant < self._now:
            raise ClockWentBack(f"{instant.isoformat()} is before {self._now.isoformat()}")
        self._now = instant.astimezone(UTC)


class Timers:
    """Named timers on the running event loop, at most one of each name.

    Use it as ``async with Timers() as timers``, or call `start` and `stop` inside the loop.
    """

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            # Without these a timer that is a second late would be dropped without a word.
            # Nor may a nudge that sets its own timer anew be taken for one that still runs.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1_000},
        )
        self._stopped = False

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to ring; timers set before are kept. Needs a running event loop."""
        self._scheduler.start()

    def wake_at(self, name: str, instant: datetime, nudge: Callable[[], None]) -> None:
        """Call ``nudge`` on the event loop at ``instant``, at once if it is past.

        Replaces the timer of that name. After `stop` it does nothing.
        """
        require_aware("instant", instant)
        if self._stopped:
            return
        self._scheduler.add_job(
            self._ring,  # a coroutine: a plain function would run in a thread
            DateTrigger(instant.astimezone(UTC)),
            args=[nudge],
            id=name,
            replace_existing=True,
        )

    def cancel(self, name: str) -> None:
        """Forget the timer of that name, if there is one."""
        if not self._stopped and self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)

    def stop(self) -> None:
        """Ring no more. A second call does nothing."""
        if self._stopped:
            return
        self._stopped = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _ring(self, nudge: Callable[[], None]) -> None:
        if not self._stopped:
            nudge()
