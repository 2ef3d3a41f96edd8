"""One lane of sending: claims rows of its priorities and sends them over its own connections.

Answers and bulk have a lane each, so that a large announcement never delays a confirmation. A lane
claims what it can send within about a quarter of a second, not more: what waits in the ledger can
still be cancelled, what is claimed cannot. A claim that waited longer all the same is given back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from mailer.dispatch.judging import returned
from mailer.dispatch.pausing import Pausing
from mailer.dispatch.recording import Recording
from mailer.dispatch.sending import Sending
from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import outbox
from mailer.store.engine import Store
from mailer.store.outbox import Claimed, Priority
from scheduler.clock import Clock

IDLE_SECONDS = 0.5  # what another process queued is seen within this
STOCK_SECONDS = 0.25
STOCK_ROWS = 128
FRESH_SECONDS = 1.0

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """Which priorities a lane serves, first to last, and how many mails are under way at once."""

    name: str
    priorities: tuple[Priority, Priority]
    connections: int


class Pace(Protocol):
    """How many mails may leave."""

    def grant(self, wanted: int) -> tuple[int, float]:
        """How many of those wanted may leave now, and in how many seconds to ask again."""
        ...

    def give_back(self, unused: int) -> None:
        """So many of the last grant were not needed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stocked:
    row: Claimed
    claimed_at: float


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
        pace: Pace,
    ) -> None:
        self._width = width
        self._store = store
        self._sending = sending
        self._recording = recording
        self._pausing = pausing
        self._clock = clock
        self._node = node
        self._pace = pace
        self._stock: deque[_Stocked] = deque()
        self._busy = 0
        self._ended = 0  # mails, since the last claim
        self._rate = 0.0  # mails a second, lately
        self._looked_at = 0.0
        self._wake = asyncio.Event()  # for the feeder
        self._supplied = asyncio.Condition()  # for the senders
        self._stopping = False
        self._closed = False

    def nudge(self) -> None:
        """There may be something to send, or to do otherwise."""
        self._wake.set()

    def stop(self) -> None:
        """Claim and begin nothing more."""
        self._stopping = True
        self._give_back()
        self._wake.set()

    async def run(self) -> None:
        """Claim and send until stopped."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._width.connections):
                    group.create_task(self._send(), name=f"{self._width.name}-{number}")
                await self._feed()
                await self._close()
        finally:
            self._give_back()

    # --- claiming ---

    async def _feed(self) -> None:
        while not self._stopping:
            self._wake.clear()  # before looking: what is queued from here on wakes again
            wanted = self._wanted()
            wait = IDLE_SECONDS
            if wanted > 0:
                granted, again = self._pace.grant(wanted)
                rows = await self._claim(granted) if granted else ()
                self._pace.give_back(granted - len(rows))
                await self._supply(rows)
                if rows:
                    continue
                wait = min(wait, again) if not granted else wait
            await self._rest(wait)

    def _wanted(self) -> int:
        """How many rows to claim now: enough for idle connections and a little more."""
        if self._pausing.holds(_now()):
            self._give_back()
            return 0
        if self._pausing.probing():
            return 0 if self._busy or self._stock else 1
        idle = self._width.connections - self._busy - len(self._stock)
        stock = min(STOCK_ROWS, int(self._rate * STOCK_SECONDS))
        if idle <= 0 and len(self._stock) > stock // 2:
            return 0
        return max(idle, idle + stock)

    async def _claim(self, limit: int) -> tuple[Claimed, ...]:
        self._measure()
        now = self._clock.now()
        priorities = self._width.priorities
        waits = partial(outbox.has_due, now=now, priorities=priorities)
        claim = partial(outbox.claim, node=self._node, now=now, limit=limit, priorities=priorities)
        try:
            if not await self._store.read(waits):
                return ()  # looking costs nobody the write lock
            return await self._store.write(claim)
        except StoreUnavailable as error:
            _log.warning("cannot claim", action="outbox.unclaimed", cause=str(error))
            return ()

    def _measure(self) -> None:
        """How fast mails have ended since the last claim."""
        now = _now()
        passed = now - self._looked_at
        if passed >= STOCK_SECONDS / 10:
            self._rate = self._ended / passed
            self._looked_at, self._ended = now, 0

    async def _supply(self, rows: tuple[Claimed, ...]) -> None:
        if rows:
            claimed_at = _now()
            async with self._supplied:
                self._stock.extend(_Stocked(row=row, claimed_at=claimed_at) for row in rows)
                self._supplied.notify(len(rows))
            if self._stopping:
                self._give_back()

    async def _rest(self, seconds: float) -> None:
        if self._stopping:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _close(self) -> None:
        async with self._supplied:
            self._closed = True
            self._supplied.notify_all()

    # --- sending ---

    async def _send(self) -> None:
        while (row := await self._next()) is not None:
            try:
                await self._recording.room()
                if self._may_begin(row):
                    self._recording.add(await self._sending.send(row.row))
                else:
                    self._recording.add(returned(row.row))
            finally:
                self._busy -= 1
                self._ended += 1
                self._wake.set()

    async def _next(self) -> _Stocked | None:
        async with self._supplied:
            await self._supplied.wait_for(lambda: bool(self._stock) or self._closed)
            if not self._stock:
                return None
            self._busy += 1
            return self._stock.popleft()

    def _may_begin(self, row: _Stocked) -> bool:
        now = _now()
        held = self._stopping or self._pausing.holds(now)
        return not held and now - row.claimed_at < FRESH_SECONDS

    def recall(self, subscription_id: int) -> None:
        """Return what was claimed for a subscription and has not begun."""
        kept = [one for one in self._stock if one.row.subscription_id != subscription_id]
        if len(kept) == len(self._stock):
            return
        for one in self._stock:
            if one.row.subscription_id == subscription_id:
                self._recording.add(returned(one.row))
        self._stock = deque(kept)

    def _give_back(self) -> None:
        """Return what was only claimed."""
        while self._stock:
            self._recording.add(returned(self._stock.popleft().row))


class Unpaced:
    """As many as there are."""

    def grant(self, wanted: int) -> tuple[int, float]:
        return wanted, 0.0

    def give_back(self, unused: int) -> None:
        return


def _now() -> float:
    return asyncio.get_running_loop().time()
