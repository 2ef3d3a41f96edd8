"""What has to be done now and then: heartbeats, lapsed leases, deadlines, retention."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from mailer.config.model import Retention
from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import (
    errand,
    journal,
    lease,
    node,
    people,
    quota,
    renewal,
    retention,
    visit,
    withdrawal,
)
from mailer.store.engine import Connection, Store
from scheduler.clock import Clock

BEAT_SECONDS = 15.0
SLICE = 1_000  # rows a transaction
_QUOTA_SPAN = timedelta(days=2)

_log = get_logger(__name__)


class Housekeeping:
    """Keeps one database in order for one node."""

    def __init__(self, store: Store, settings: Retention, clock: Clock, *, node_id: str) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._node_id = node_id

    async def arrive(self) -> None:
        """Begin: what this node had under way when it stopped is in doubt and goes out again."""
        now = self._clock.now()

        async def unit(connection: Connection) -> int:
            await node.arrive(connection, self._node_id, now=now)
            return await lease.take_back(connection, node=self._node_id, now=now)

        doubtful = await self._store.write(unit)
        if doubtful:
            _log.warning(
                "mails were under way at the last stop", action="outbox.in_doubt", count=doubtful
            )

    async def beat(self) -> None:
        """Say that this node lives; take over from nodes that do not."""
        now = self._clock.now()

        async def unit(connection: Connection) -> int:
            await node.beat(connection, self._node_id, now=now)
            return await node.take_back_lapsed(connection, now=now)

        lapsed = await self._store.write(unit)
        if lapsed:
            _log.warning("another node is gone", action="outbox.in_doubt", count=lapsed)
        await self._in_slices(partial(withdrawal.expire, now=now, limit=SLICE))

    async def sweep(self) -> None:
        """Erase what retention says."""
        now = self._clock.now()
        await self._store.write(lambda connection: self._sweep(connection, now))
        await self._sweep_ledger(now - self._settings.ledger)

    async def _sweep_ledger(self, before: datetime) -> None:
        erased = await self._in_slices(partial(retention.sweep, before=before, limit=SLICE))
        if erased:
            _log.info("erased what is old", action="outbox.swept", count=erased)

    async def _in_slices(self, step: Callable[[Connection], Awaitable[int]]) -> int:
        """Take one step after the other, so that nobody waits long for the database; how many rows
        they were. A step that finds fewer than a slice is the last."""
        total = 0
        while True:
            done = await self._store.write(step)
            total += done
            if done < SLICE:
                return total

    async def _sweep(self, connection: Connection, now: datetime) -> None:
        lapsed = await people.lapse(connection, before=now - self._settings.pending, now=now)
        await renewal.remember(connection, before=now - self._settings.inbound)
        await journal.sweep(connection, before=now - self._settings.inbound, now=now)
        await errand.sweep(connection, before=now - self._settings.ledger)
        await quota.sweep(connection, before=now - _QUOTA_SPAN)
        await visit.sweep(connection, now=now)
        if lapsed:
            _log.info("unconfirmed wishes lapsed", action="people.lapsed", count=lapsed)

    async def leave(self) -> None:
        """End in order. A database that does not answer learns it from the silence."""
        try:
            await self._store.write(lambda c: node.leave(c, self._node_id))
        except StoreUnavailable as error:
            _log.warning("cannot say goodbye", action="node.left", cause=str(error))
