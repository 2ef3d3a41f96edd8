"""The dispatch: two lanes, one record of outcomes, one stop switch."""

from __future__ import annotations

import asyncio
import contextlib

from mailer.config.model import Outbound
from mailer.dispatch.lane import IDLE_SECONDS, Lane, Pace, Unpaced, Width
from mailer.dispatch.pacing import Bucket
from mailer.dispatch.pausing import Pausing
from mailer.dispatch.recording import BATCH, Recording
from mailer.dispatch.sending import Sending
from mailer.errors import StoreUnavailable
from mailer.store import outbox, setting
from mailer.store.engine import Store
from mailer.store.outbox import Priority
from scheduler.clock import Clock

ANSWER_CONNECTIONS = 2


class Dispatch:
    """Sends what the ledger holds: `run` until `stop`; or `drain` once, in order, to simulate."""

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
        self._stopping = asyncio.Event()
        answers, bulk = _shares(settings.connections)
        self._lanes = (
            self._lane(
                Width(
                    name="answers",
                    priorities=(Priority.ANSWER, Priority.PERSONAL),
                    connections=answers,
                ),
                pace=Unpaced(),
            ),
            self._lane(
                Width(
                    name="bulk",
                    priorities=(Priority.BULK, Priority.INVITATION),
                    connections=bulk,
                ),
                pace=Bucket(settings.messages_per_second, clock),
            ),
        )

    def _lane(self, width: Width, *, pace: Pace) -> Lane:
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

    def recall(self, subscription_id: int) -> None:
        """Begin no mail to this subscription that is only claimed: it is looked at again (F29)."""
        for lane in self._lanes:
            lane.recall(subscription_id)

    def nudge(self) -> None:
        """Something was queued."""
        for lane in self._lanes:
            lane.nudge()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended and is recorded."""
        self._stopping.set()
        for lane in self._lanes:
            lane.stop()

    async def run(self) -> None:
        """Send until stopped; what is known by then is recorded even if the drain is cut short."""
        try:
            async with asyncio.TaskGroup() as group:
                recording = group.create_task(self._recording.run(), name="recording")
                await self._know_switch()
                watch = group.create_task(self._watch_switch(), name="stop switch")
                async with asyncio.TaskGroup() as lanes:
                    for lane in self._lanes:
                        lanes.create_task(lane.run(), name="lane")
                watch.cancel()
                self._recording.finish()
                await recording
        finally:
            await self._recording.flush()

    async def _know_switch(self) -> None:
        """Nothing begins before it is known that it may."""
        while not await self.look_at_switch() and not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._stopping.wait()

    async def _watch_switch(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS)
            await self.look_at_switch()

    async def look_at_switch(self) -> bool:
        """Learn whether sending was stopped or let go by anyone on this database; False if the
        database does not tell."""
        try:
            stopped = await self._store.read(lambda c: setting.get(c, setting.STOPPED))
        except StoreUnavailable:
            return False
        was, self._pausing.halted = self._pausing.halted, stopped is not None
        if was is not self._pausing.halted:
            self.nudge()
        return True

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
            if all(one.not_before and one.not_before <= now for one in settled):
                return count  # the way out is closed: later


def _shares(connections: int) -> tuple[int, int]:
    """How many of the connections are for answers alone, and how many for bulk: each has one."""
    answers = min(ANSWER_CONNECTIONS, max(1, connections - 1))
    return answers, max(1, connections - answers)
