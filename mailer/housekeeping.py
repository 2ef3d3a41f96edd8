"""What has to be done now and then: heartbeats, lapsed leases, deadlines, retention."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailer.config.model import Retention
from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import journal, node, outbox, people, quota
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
            return await outbox.take_back(connection, node=self._node_id, now=now)

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
            await outbox.expire(connection, now=now)
            return await node.take_back_lapsed(connection, now=now)

        lapsed = await self._store.write(unit)
        if lapsed:
            _log.warning("another node is gone", action="outbox.in_doubt", count=lapsed)

    async def sweep(self) -> None:
        """Erase what retention says."""
        now = self._clock.now()
        await self._store.write(lambda connection: self._sweep(connection, now))
        await self._sweep_ledger(now - self._settings.ledger)

    async def _sweep_ledger(self, before: datetime) -> None:
        """Slice by slice, so that nobody waits long for the database."""
        erased = 0
        while True:
            done = await self._store.write(
                lambda connection: outbox.sweep(connection, before=before, limit=SLICE)
            )
            erased += done
            if done < SLICE:
                break
        if erased:
            _log.info("erased what is old", action="outbox.swept", count=erased)

    async def _sweep(self, connection: Connection, now: datetime) -> None:
        lapsed = await people.lapse(connection, before=now - self._settings.pending, now=now)
        await journal.sweep(connection, before=now - self._settings.inbound, now=now)
        await quota.sweep(connection, before=now - _QUOTA_SPAN)
        if lapsed:
            _log.info("unconfirmed wishes lapsed", action="people.lapsed", count=lapsed)

    async def leave(self) -> None:
        """End in order. A database that does not answer learns it from the silence."""
        try:
            await self._store.write(lambda c: node.leave(c, self._node_id))
        except StoreUnavailable as error:
            _log.warning("cannot say goodbye", action="node.left", cause=str(error))
