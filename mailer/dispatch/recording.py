"""Writes outcomes into the ledger in batches: at most 64 of them or 100 ms are ever unrecorded.

When the database is away outcomes are kept and tried again, and nothing more is sent meanwhile;
nothing is forgotten while the process lives.
"""

from __future__ import annotations

import asyncio

from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import outbox
from mailer.store.engine import Store
from mailer.store.outbox import Settlement
from scheduler.clock import Clock

BATCH = 64
WAIT_SECONDS = 0.1
RETRY_SECONDS = 1.0

_log = get_logger(__name__)


class Recording:
    """Collects settlements and writes them; `run` ends after `finish`, with nothing left."""

    def __init__(self, store: Store, clock: Clock, *, node: str) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._waiting: list[Settlement] = []
        self._some = asyncio.Event()  # something waits, or no more will come
        self._many = asyncio.Event()  # a batch is full, or no more will come
        self._room = asyncio.Event()
        self._room.set()
        self._finished = False

    def add(self, settlement: Settlement) -> None:
        """Take one outcome. Never waits, so that none is lost to a cancellation."""
        self._waiting.append(settlement)
        self._signal()

    async def room(self) -> None:
        """Wait until fewer than a batch of outcomes are unrecorded: ask before sending on."""
        await self._room.wait()

    async def run(self) -> None:
        """Write batches until `finish` was called and all is written."""
        while True:
            await self._some.wait()
            if not self._waiting:
                return
            if not self._many.is_set():
                await self._fill_up()
            if not await self.flush():
                await asyncio.sleep(RETRY_SECONDS)

    async def _fill_up(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._many.wait()
        except TimeoutError:
            return

    def finish(self) -> None:
        """No more outcomes will come."""
        self._finished = True
        self._signal()

    async def flush(self) -> bool:
        """Write all that waits; what the database does not take goes on waiting, and it is False
        then. Writing one outcome twice is harmless: the row is not leased any more."""
        while batch := self._waiting[:BATCH]:
            if not await self._write(batch):
                return False
            del self._waiting[: len(batch)]
            self._signal()
        return True

    async def _write(self, batch: list[Settlement]) -> bool:
        now = self._clock.now()
        try:
            await self._store.write(lambda c: outbox.settle(c, batch, node=self._node, now=now))
        except StoreUnavailable as error:
            _log.warning(
                "outcomes wait for the database", action="outbox.unsettled", cause=str(error)
            )
            return False
        return True

    def _signal(self) -> None:
        waiting = len(self._waiting)
        _put(self._some, waiting > 0 or self._finished)
        _put(self._many, waiting >= BATCH or self._finished)
        _put(self._room, waiting < BATCH)


def _put(event: asyncio.Event, holds: bool) -> None:
    if holds:
        event.set()
    else:
        event.clear()
