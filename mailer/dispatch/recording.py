"""Writes outcomes into the ledger in batches: none is unrecorded for longer than 100 ms, and while
64 of them are, no mail is handed over; those whose end has left still end.

A batch is written as soon as half of that waits, so that sending goes on meanwhile. When the
database is away outcomes are kept and tried again, and nothing more is sent; nothing is forgotten
while the process lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.log.counting import Counting
from mailer.store.engine import How, Store
from mailer.store.outbox import State
from mailer.store.settlement import Settlement, is_one_statement, settle
from scheduler.clock import Clock

BATCH = 64
EARLY = 32
WAIT_SECONDS = 0.05
RETRY_SECONDS = 1.0

_log = get_logger(__name__)


class Recording:
    """Collects settlements and writes them; `run` ends after `finish`, with nothing left.
    ``on_room`` is told when outcomes may be made again after `full`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        node: str,
        on_room: Callable[[], None] = lambda: None,
        counting: Counting | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._on_room = on_room
        self._counting = counting or Counting()
        self._waiting: list[Settlement] = []
        self._some = asyncio.Event()  # something waits, or no more will come
        self._many = asyncio.Event()  # worth a batch, or no more will come
        self._finished = False

    @property
    def full(self) -> bool:
        """Whether so much is unrecorded that nothing more may be sent."""
        return len(self._waiting) >= BATCH

    def add(self, settlement: Settlement) -> None:
        """Take one outcome. Never waits, so that none is lost to a cancellation."""
        self._waiting.append(settlement)
        waiting = len(self._waiting)
        if waiting == 1:
            self._some.set()
        elif waiting == EARLY:
            self._many.set()

    async def run(self) -> None:
        """Write batches until `finish` was called and all is written."""
        while True:
            await self._some.wait()
            if not self._waiting:
                return
            if not self._many.is_set():
                await self._fill_up()
            if not await self._write():
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
        self._some.set()
        self._many.set()

    async def flush(self) -> bool:
        """Write all that waits; False if the database does not take it."""
        while self._waiting:
            if not await self._write():
                return False
        return True

    async def _write(self) -> bool:
        """Write one batch; what the database does not take goes on waiting, and it is False then.
        Writing one outcome twice is harmless: the row is not leased any more."""
        batch = self._waiting[:BATCH]
        now = self._clock.now()
        try:
            how = How.ALONE if is_one_statement(batch) else How.STEPS
            await self._store.write(lambda c: settle(c, batch, node=self._node, now=now), how=how)
        except StoreUnavailable as error:
            _log.warning(
                "outcomes wait for the database", action="outbox.unsettled", cause=str(error)
            )
            return False
        self._counting.add("settled", map(_word, batch))
        was_full = self.full
        del self._waiting[: len(batch)]
        if not self._finished:
            _put(self._some, len(self._waiting) > 0)
            _put(self._many, len(self._waiting) >= EARLY)
        if was_full and not self.full:
            self._on_room()
        return True


def _word(settlement: Settlement) -> str:
    """What became of an attempt, as `mailer outbox` says it."""
    return "deferred" if settlement.state is State.QUEUED else settlement.state.value


def _put(event: asyncio.Event, holds: bool) -> None:
    if holds:
        event.set()
    else:
        event.clear()
