"""Writes outcomes into the ledger in batches: at most 64 of them or 100 ms are ever unrecorded.

When the database is away outcomes are kept and tried again; nothing is forgotten while the process
lives.
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
_RETRY_SECONDS = 1.0

_log = get_logger(__name__)


class Recording:
    """Collects settlements and writes them; `run` ends after `finish`, with nothing left."""

    def __init__(self, store: Store, clock: Clock, *, node: str) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._waiting: list[Settlement] = []
        self._room = asyncio.Condition()
        self._finished = False

    async def add(self, settlement: Settlement) -> None:
        """Take one outcome; waits while a full batch is being written."""
        async with self._room:
            await self._room.wait_for(lambda: len(self._waiting) < BATCH or self._finished)
            self._waiting.append(settlement)
            self._room.notify_all()

    async def run(self) -> None:
        """Write batches until `finish` was called and all is written."""
        while True:
            async with self._room:
                await self._room.wait_for(lambda: bool(self._waiting) or self._finished)
                if not self._waiting:
                    return
                if len(self._waiting) < BATCH and not self._finished:
                    await self._fill_up()
            await self.flush()

    async def _fill_up(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._room.wait_for(lambda: len(self._waiting) >= BATCH or self._finished)
        except TimeoutError:
            return

    async def finish(self) -> None:
        """No more outcomes will come."""
        async with self._room:
            self._finished = True
            self._room.notify_all()

    async def flush(self) -> None:
        """Write what is waiting; outcomes stay waiting if the database does not take them."""
        batch = self._waiting[:BATCH]
        if not batch:
            return
        now = self._clock.now()
        try:
            await self._store.write(lambda c: outbox.settle(c, batch, node=self._node, now=now))
        except StoreUnavailable as error:
            _log.warning(
                "outcomes wait for the database", action="outbox.unsettled", cause=str(error)
            )
            await asyncio.sleep(_RETRY_SECONDS)
            return
        async with self._room:
            del self._waiting[: len(batch)]
            self._room.notify_all()
