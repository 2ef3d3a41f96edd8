"""The dispatch: two lanes, one record of outcomes, one stop switch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from time import monotonic

from mailer.config.model import Outbound
from mailer.dispatch.filling import Filling
from mailer.dispatch.judging import settlement
from mailer.dispatch.lane import IDLE_SECONDS, Lane, Pace, Width
from mailer.dispatch.making import Making
from mailer.dispatch.pacing import Pacing
from mailer.dispatch.pausing import Alarm, Pausing
from mailer.dispatch.recording import BATCH, Recording
from mailer.errors import StoreUnavailable
from mailer.log.counting import Counting
from mailer.store import lease, setting
from mailer.store.engine import Store
from mailer.store.lease import Claimed
from mailer.store.outbox import Priority
from mailer.store.settlement import Settlement, settle
from mailer.transport.outcome import Outgoing
from mailer.transport.source import Transport, send_in_order
from scheduler.clock import Clock

ANSWER_CONNECTIONS = 2


class Dispatch:
    """Sends what the ledger holds: `run` until `stop`; or `drain` once, in order, to simulate."""

    def __init__(
        self,
        *,
        store: Store,
        filling: Filling,
        transport: Transport,
        settings: Outbound,
        clock: Clock,
        jitter: Callable[[], float],
        node: str,
        alarm: Alarm,
        counting: Counting,
    ) -> None:
        self._store = store
        self._alarm = alarm
        self._making = Making(filling)
        self._transport = transport
        self._pausing = Pausing()
        self._clock = clock
        self._jitter = jitter
        self._node = node
        self._recording = Recording(
            store, clock, node=node, on_room=self._resume, counting=counting
        )
        self._pacing = Pacing(settings, clock)
        self._stopping = asyncio.Event()
        answers, bulk = _shares(settings.connections)
        self._lanes = (
            self._lane(
                Width(
                    name="answers",
                    priorities=(Priority.ANSWER, Priority.PERSONAL),
                    connections=answers,
                ),
                pace=self._pacing.answers,
            ),
            self._lane(
                Width(
                    name="bulk",
                    priorities=(Priority.BULK, Priority.INVITATION),
                    connections=bulk,
                    to_many=True,
                ),
                pace=self._pacing,
            ),
        )

    def _lane(self, width: Width, *, pace: Pace) -> Lane:
        return Lane(
            width,
            store=self._store,
            making=self._making,
            transport=self._transport,
            recording=self._recording,
            pausing=self._pausing,
            clock=self._clock,
            jitter=self._jitter,
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

    def _resume(self) -> None:
        for lane in self._lanes:
            lane.resume()

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
                await self._agree()
                watch = group.create_task(self._watch(), name="watch")
                async with asyncio.TaskGroup() as lanes:
                    for lane in self._lanes:
                        lanes.create_task(lane.run(), name="lane")
                watch.cancel()
                self._recording.finish()
                await recording
        finally:
            self._making.close()
            await self._recording.flush()
            await self._pacing.release(self._store)

    async def _know_switch(self) -> None:
        """Nothing begins before it is known that it may."""
        while not await self.look_at_switch() and not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._stopping.wait()

    async def _watch(self) -> None:
        """Keep in step with the other processes on this database."""
        while True:
            await asyncio.sleep(IDLE_SECONDS)
            await self.look_at_switch()
            await self._agree()

    async def _agree(self) -> None:
        """Share the pace with other nodes, and let everybody see what keeps mail from leaving."""
        await self._pacing.refresh(self._store)
        await self._pausing.publish(
            self._store,
            node=self._node,
            now=self._clock.now(),
            monotonic=monotonic(),
            alarm=self._alarm,
        )

    async def look_at_switch(self) -> bool:
        """Learn whether sending was stopped or let go by anyone on this database; False if the
        database does not tell."""
        switches = (setting.STOPPED, setting.HELD)
        try:
            found = await self._store.read(lambda c: setting.several(c, switches))
        except StoreUnavailable:
            return False
        pausing = self._pausing
        was = (pausing.halted, pausing.held)
        pausing.halted, pausing.held = (key in found for key in switches)
        if was != (pausing.halted, pausing.held):
            self.nudge()
        return True

    async def drain(self, at_most: int | None = None) -> int:
        """Send everything that is due now, one after the other in a fixed order, but no more than
        ``at_most``; how many."""
        count = 0
        while at_most is None or count < at_most:
            now = self._clock.now()
            limit = BATCH if at_most is None else min(BATCH, at_most - count)
            rows = await self._store.write(
                lambda c, now=now, limit=limit: lease.claim(  # type: ignore[misc]
                    c,
                    node=self._node,
                    now=now,
                    limit=limit,
                    priorities=(Priority.ANSWER, Priority.INVITATION),
                )
            )
            if not rows:
                return count
            settled = await self._sent_in_order(rows)
            await self._store.write(
                lambda c, settled=settled: settle(  # type: ignore[misc]
                    c, settled, node=self._node, now=self._clock.now()
                )
            )
            count += len(rows)
            if all(one.not_before and one.not_before <= now for one in settled):
                break  # the way out is closed: later
        return count

    async def _sent_in_order(self, rows: tuple[Claimed, ...]) -> list[Settlement]:
        made = [one async for some in self._making.make(rows) for one in some]
        mails = [(row, mail) for row, mail in made if isinstance(mail, Outgoing)]
        outcomes = await send_in_order(self._transport, [mail for _, mail in mails])
        sent = [
            settlement(row, outcome, now=self._clock.now(), jitter=self._jitter())
            for (row, _), outcome in zip(mails, outcomes, strict=True)
        ]
        return [*sent, *(mail for _, mail in made if isinstance(mail, Settlement))]


def _shares(connections: int) -> tuple[int, int]:
    """How many of the connections are for answers alone, and how many for bulk: each has one."""
    answers = min(ANSWER_CONNECTIONS, max(1, connections - 1))
    return answers, max(1, connections - answers)
