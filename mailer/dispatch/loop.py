"""The dispatch: two lanes, one record of outcomes, one stop switch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailer.config.model import Outbound
from mailer.dispatch.lane import IDLE_SECONDS, Lane, Width
from mailer.dispatch.pausing import Pausing
from mailer.dispatch.recording import BATCH, Recording
from mailer.dispatch.sending import Sending
from mailer.errors import StoreUnavailable
from mailer.store import outbox, setting
from mailer.store.engine import Store
from mailer.store.outbox import Priority
from scheduler.clock import Clock
from scheduler.pace import TokenBucket, take

ANSWER_CONNECTIONS = 2


class Dispatch:
    """Sends what the ledger holds. `run` until `stop`; or `drain` once, in order, for simulations."""

    def __init__(
        self,
        *,
        store: Store,
        sending: Sending,
        pausing: Pausing,
        settings: Outbound,
        clock: Clock,
        node: str,
    ) -> None:
        self._store = store
        self._sending = sending
        self._pausing = pausing
        self._clock = clock
        self._node = node
        self._recording = Recording(store, clock, node=node)
        self._bucket = TokenBucket(
            rate_per_second=settings.messages_per_second,
            burst=max(1.0, settings.messages_per_second),
            tokens=1.0,
            updated_at=clock.now(),
        )
        self._lanes = (
            self._lane(
                Width(
                    name="answers",
                    priorities=(Priority.ANSWER, Priority.PERSONAL),
                    connections=ANSWER_CONNECTIONS,
                ),
                pace=lambda: 0.0,
            ),
            self._lane(
                Width(
                    name="bulk",
                    priorities=(Priority.BULK, Priority.INVITATION),
                    connections=settings.connections,
                ),
                pace=self._pace,
            ),
        )
        self._stopping = False

    def _lane(self, width: Width, *, pace: Callable[[], float]) -> Lane:
        return Lane(
            width,
            store=self._store,
            sending=self._sending,
            recording=self._recording,
            pausing=self._pausing,
            clock=self._clock,
            node=self._node,
            pace=pace,
        )

    def _pace(self) -> float:
        """Seconds until the next bulk mail may leave, 0.0 if this one may now."""
        now = self._clock.now()
        granted, self._bucket, again = take(self._bucket, 1, now)
        return 0.0 if granted or again is None else max((again - now).total_seconds(), 0.001)

    def nudge(self) -> None:
        """Something was queued."""
        for lane in self._lanes:
            lane.nudge()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended and is recorded."""
        self._stopping = True
        for lane in self._lanes:
            lane.stop()

    async def run(self) -> None:
        """Send until stopped; what is known by then is recorded even if the drain is cut short."""
        try:
            async with asyncio.TaskGroup() as group:
                recording = group.create_task(self._recording.run(), name="recording")
                watch = group.create_task(self._watch_switch(), name="stop switch")
                lanes = [group.create_task(lane.run(), name="lane") for lane in self._lanes]
                await asyncio.gather(*lanes)
                watch.cancel()
                await self._recording.finish()
                await recording
        finally:
            await self._recording.flush()

    async def _watch_switch(self) -> None:
        while not self._stopping:
            await self.look_at_switch()
            await asyncio.sleep(IDLE_SECONDS)

    async def look_at_switch(self) -> None:
        """Learn whether sending was stopped or let go by anyone on this database."""
        try:
            stopped = await self._store.read(lambda c: setting.get(c, setting.STOPPED))
        except StoreUnavailable:
            return
        was, self._pausing.halted = self._pausing.halted, stopped is not None
        if was and not self._pausing.halted:
            self.nudge()

    async def drain(self) -> int:
        """Send everything that is due now, one after the other in a fixed order; how many."""
        count = 0
        while True:
            now = self._clock.now()
            rows = await self._store.write(
                lambda c, now=now: outbox.claim(  # type: ignore[misc]
                    c,
                    node=self._node,
                    now=now,
                    limit=BATCH,
                    priorities=(Priority.ANSWER, Priority.INVITATION),
                )
            )
            if not rows:
                return count
            settled = [await self._sending.send(row) for row in rows]
            await self._store.write(
                lambda c, settled=settled: outbox.settle(  # type: ignore[misc]
                    c, settled, node=self._node, now=self._clock.now()
                )
            )
            count += len(rows)
