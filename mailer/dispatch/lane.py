"""One lane of sending: claims rows of its priorities and sends them over its own connections.

Answers and bulk have a lane each, so that a large announcement never delays a confirmation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mailer.dispatch.pausing import Pausing
from mailer.dispatch.recording import BATCH, Recording
from mailer.dispatch.sending import Sending
from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import outbox
from mailer.store.engine import Store
from mailer.store.outbox import Claimed, Priority, Settlement, State
from scheduler.clock import Clock

IDLE_SECONDS = 0.5  # what another process queued is seen within this

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """Which priorities a lane serves, first to last, and how many mails are under way at once."""

    name: str
    priorities: tuple[Priority, Priority]
    connections: int


class Lane:
    """Runs until `stop`; then what is under way ends and what was only claimed is given back."""

    def __init__(
        self,
        width: Width,
        *,
        store: Store,
        sending: Sending,
        recording: Recording,
        pausing: Pausing,
        clock: Clock,
        node: str,
        pace: Callable[[], float],
    ) -> None:
        self._width = width
        self._store = store
        self._sending = sending
        self._recording = recording
        self._pausing = pausing
        self._clock = clock
        self._node = node
        self._pace = pace
        self._claimed: asyncio.Queue[Claimed | None] = asyncio.Queue(width.connections)
        self._nudged = asyncio.Event()
        self._stopping = False

    def nudge(self) -> None:
        """There may be something to send."""
        self._nudged.set()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._nudged.set()

    async def run(self) -> None:
        """Claim and send until stopped."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._width.connections):
                group.create_task(self._send(), name=f"{self._width.name}-{number}")
            await self._feed()
            for _ in range(self._width.connections):
                await self._claimed.put(None)

    async def _feed(self) -> None:
        while not self._stopping:
            if self._pausing.holds(asyncio.get_running_loop().time()):
                self._nudged.clear()
                await self._rest()
                continue
            self._nudged.clear()  # before looking: what is queued from here on wakes again
            rows = await self._claim(1 if self._pausing.probing() else BATCH)
            for row in rows:
                await self._claimed.put(row)
            if not rows:
                await self._rest()
            elif self._pausing.probing():
                await self._claimed.join()

    async def _claim(self, limit: int) -> tuple[Claimed, ...]:
        now = self._clock.now()
        waits = partial(outbox.has_due, now=now, priorities=self._width.priorities)
        try:
            if not await self._store.read(waits):
                return ()  # looking costs nobody the write lock
            return await self._store.write(
                lambda c: outbox.claim(
                    c,
                    node=self._node,
                    now=now,
                    limit=limit,
                    priorities=self._width.priorities,
                )
            )
        except StoreUnavailable as error:
            _log.warning("cannot claim", action="outbox.unclaimed", cause=str(error))
            return ()

    async def _rest(self) -> None:
        if self._stopping:
            return
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._nudged.wait()
        except TimeoutError:
            return

    async def _send(self) -> None:
        while (row := await self._claimed.get()) is not None:
            await self._recording.add(await self._settled(row))
            self._claimed.task_done()

    async def _settled(self, row: Claimed) -> Settlement:
        loop = asyncio.get_running_loop()
        if self._stopping or self._pausing.holds(loop.time()):
            return Settlement(
                id=row.id, state=State.QUEUED, not_before=row.not_before, attempts=row.attempts - 1
            )
        while (wait := self._pace()) > 0:
            await asyncio.sleep(wait)
        return await self._sending.send(row)
