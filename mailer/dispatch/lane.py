"""One lane of sending: claims rows of its priorities and gives their mails to its own connections.

Answers and bulk have a lane each, so that a large announcement never delays a confirmation. A lane
claims what leaves within about a quarter of a second, not more: what waits in the ledger can still
be cancelled by anyone, what is claimed only here. Connections pull; a lane that may not send simply
gives them nothing. A claim that waited longer all the same is given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Protocol

from mailer.dispatch.judging import later, returned, settlement
from mailer.dispatch.making import Making
from mailer.dispatch.pausing import Pausing
from mailer.dispatch.recording import Recording
from mailer.dispatch.stock import Ready, Stock
from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import lease
from mailer.store.engine import How, Store
from mailer.store.lease import Claimed
from mailer.store.outbox import Priority
from mailer.store.settlement import Settlement
from mailer.transport.outcome import Fate, Outcome, Outgoing
from mailer.transport.source import Carrier, Transport
from scheduler.clock import Clock

IDLE_SECONDS = 0.5  # what another process queued is seen within this
STOCK_SECONDS = 0.25
STOCK_ROWS = 500
GATHER_SECONDS = 0.02  # between claims when little comes at a time: each is a transaction

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """Which priorities a lane serves, first to last, and over how many connections; ``to_many``
    when it waits while mail to many is held."""

    name: str
    priorities: tuple[Priority, Priority]
    connections: int
    to_many: bool = False


class Pace(Protocol):
    """How many mails may leave, and when."""

    def grant(self, wanted: int) -> tuple[int, float]:
        """How many of those wanted may leave now, and in how many seconds to ask again."""
        ...

    def give_back(self, unused: int) -> None:
        """So many of the last grant were not needed."""
        ...

    def turn(self, recipient: str, *, paced: bool) -> datetime | None:
        """When a claimed mail may leave, None if now. ``paced``: it waited for its turn before."""
        ...

    def note(self, outcome: Outcome) -> None:
        """Learn from what became of a mail."""
        ...


class Lane:
    """A source of mails. It runs until `stop`; then what is under way ends, and what was only
    claimed is given back."""

    def __init__(
        self,
        width: Width,
        *,
        store: Store,
        making: Making,
        transport: Transport,
        recording: Recording,
        pausing: Pausing,
        clock: Clock,
        jitter: Callable[[], float],
        node: str,
        pace: Pace,
    ) -> None:
        self._width = width
        self._store = store
        self._making = making
        self._transport = transport
        self._recording = recording
        self._pausing = pausing
        self._clock = clock
        self._jitter = jitter
        self._node = node
        self._pace = pace
        self._stock = Stock(recording)
        self._under_way: dict[int, Ready] = {}
        self._recalled: set[int] = set()  # rows under way, if they can be held back
        self._count = 0  # of mails that ended, since the rate was measured
        self._rate = 0.0  # mails a second, lately
        self._looked_at = 0.0
        self._more = False  # the last claim found as many as it asked for
        self._found_at = 0.0  # when a claim last found anything
        self._wake = asyncio.Event()
        self._carrier: Carrier | None = None
        self._stopping = False
        self._cut = False

    def nudge(self) -> None:
        """There may be something to send, or to do otherwise."""
        self._wake.set()

    def resume(self) -> None:
        """What kept connections waiting is over."""
        if self._carrier is not None:
            self._carrier.wake(len(self._stock))

    def stop(self) -> None:
        """Claim and begin nothing more."""
        self._stopping = True
        self._stock.give_back()
        self._wake.set()

    def recall(self, subscription_id: int) -> None:
        """Return what was claimed for a subscription and has not been handed over."""
        self._stock.recall(subscription_id)
        self._recalled.update(
            one.row.id
            for one in self._under_way.values()
            if one.row.subscription_id == subscription_id
        )

    async def run(self) -> None:
        """Claim and send until stopped."""
        self._carrier = self._transport.carrier(self, connections=self._width.connections)
        try:
            await self._feed(self._carrier)
            await self._carrier.end()
        finally:
            self._stopping = self._cut = True
            self._carrier.cut()
            self._stock.give_back_all()

    # --- claiming ---

    async def _feed(self, carrier: Carrier) -> None:
        while not self._stopping:
            self._wake.clear()  # before looking: what is queued from here on wakes again
            wait = IDLE_SECONDS
            wanted = self._wanted(carrier)
            if wanted > 0:
                await self._gather()
                granted, again = self._pace.grant(wanted)
                rows = await self._claim(granted) if granted else ()
                self._pace.give_back(granted - len(rows))
                await self._supply(rows)
                if rows:
                    continue
                wait = wait if granted else min(wait, again)
            self.resume()
            await self._rest(wait)

    def _wanted(self, carrier: Carrier) -> int:
        """How many rows to claim now: enough for idle connections and a little more."""
        if self._holds(monotonic()):
            self._stock.give_back()
            carrier.rest()
            return 0
        if self._pausing.probing():
            return 0 if self._under_way or self._stock else 1
        idle = self._width.connections - len(self._under_way) - len(self._stock)
        stock = self._wanted_stock()
        if idle <= 0 and len(self._stock) > stock // 2:
            return 0
        return max(idle, idle + stock)

    def _holds(self, now: float) -> bool:
        """Whether nothing of this lane may start now."""
        return self._pausing.holds(now) or (self._width.to_many and self._pausing.held)

    def _wanted_stock(self) -> int:
        return min(STOCK_ROWS, int(self._rate * STOCK_SECONDS))

    async def _claim(self, limit: int) -> tuple[Claimed, ...]:
        self._measure()
        self._stock.open()
        now = self._clock.now()
        priorities = self._width.priorities
        waits = partial(lease.has_due, now=now, priorities=priorities)
        claim = partial(lease.claim, node=self._node, now=now, limit=limit, priorities=priorities)
        try:
            if not self._more and not await self._store.read(waits):
                return ()  # looking costs nobody the write lock
            rows = await self._store.write(claim, how=How.ALONE)
        except StoreUnavailable as error:
            _log.warning("cannot claim", action="outbox.unclaimed", cause=str(error))
            return ()
        self._more = len(rows) == limit
        if rows:
            self._found_at = monotonic()
        return rows

    async def _gather(self) -> None:
        """Let some more come, if a claim has just taken all there was."""
        wait = self._found_at + GATHER_SECONDS - monotonic()
        if not self._more and wait > 0:
            await asyncio.sleep(wait)

    def _measure(self) -> None:
        """How fast mails have ended lately."""
        now = monotonic()
        passed = now - self._looked_at
        if passed >= STOCK_SECONDS / 10:
            self._rate = self._count / passed
            self._looked_at, self._count = now, 0

    async def _supply(self, rows: tuple[Claimed, ...]) -> None:
        """Make the mails of claimed rows and offer them."""
        claimed_at = monotonic()
        coming = self._stock.expect([row for row in rows if self._has_turn(row)])
        async for made in self._making.make(coming):
            for one in made:
                self._stock.put(one, claimed_at)
            if self._stopping:
                self._stock.give_back()
            self.resume()

    def _has_turn(self, row: Claimed) -> bool:
        """Whether a row's domain takes it now; else the row gets a later turn."""
        turn = self._pace.turn(row.recipient, paced=row.paced)
        if turn is not None:
            self._recording.add(later(row, turn))
        return turn is None

    async def _rest(self, seconds: float) -> None:
        if self._stopping:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    # --- what connections call ---

    def take(self) -> Outgoing | None:
        """The next mail that may leave at this instant."""
        now = monotonic()
        if not self._may_begin(now):
            return None
        one = self._stock.take(monotonic=now, now=self._clock.now())
        if one is None:
            self._wake.set()
            return None
        self._under_way[one.row.id] = one
        return one.outgoing

    def _may_begin(self, now: float) -> bool:
        if self._stopping or self._holds(now):
            return False
        return not (self._pausing.probing() and self._under_way)

    def may_hand_over(self) -> bool:
        """Not while too much is unrecorded."""
        return not self._recording.full

    def may_still(self, outgoing: Outgoing) -> bool:
        """As when it was taken, if nobody has left meanwhile (F29)."""
        one, now = self._under_way[outgoing.id], monotonic()
        if self._stopping or self._holds(now) or outgoing.id in self._recalled:
            return False
        return one.is_fresh(now) and not one.is_late(self._clock.now())

    def untake(self, outgoing: Outgoing) -> None:
        """Give back a mail that was not tried after all: the next claim asks anew whether it is
        still wanted, for its reader may have left while it waited on that connection (F29)."""
        row = self._ended(outgoing)
        self._recording.add(returned(row))
        self._wake.set()
        _log.debug("a mail was not tried after all", action="mail.untried", row=row.id)

    def done(self, outgoing: Outgoing, outcome: Outcome) -> None:
        """Judge and record what became of a mail."""
        row = self._ended(outgoing)
        if self._cut and outcome.fate is Fate.DOUBT:
            return  # stays leased, and goes out at once at the next start: no reason to wait
        self._count += 1
        self._note(outcome)
        self._recording.add(self._settled(row, outcome))
        if outcome.fate is not Fate.SENT:
            _log.info(
                "a mail was not taken",
                action=f"mail.{outcome.fate}",
                row=row.id,
                kind=row.kind,
                phase=outcome.phase,
                code=outcome.code,
            )
        if self._wanted_soon():
            self._wake.set()

    def _ended(self, outgoing: Outgoing) -> Claimed:
        self._recalled.discard(outgoing.id)
        return self._under_way.pop(outgoing.id).row

    def unreachable(self, outcome: Outcome) -> None:
        """There is no way out at all: what was claimed waits, and its record says why."""
        self._note(outcome)
        for row in self._stock.drain():
            self._recording.add(self._settled(row, outcome))
        self._wake.set()

    def _note(self, outcome: Outcome) -> None:
        self._pausing.note(outcome, monotonic())
        self._pace.note(outcome)

    def _settled(self, row: Claimed, outcome: Outcome) -> Settlement:
        return settlement(row, outcome, now=self._clock.now(), jitter=self._jitter())

    def _wanted_soon(self) -> bool:
        """Whether the stock runs low, or somebody waits for the end of this mail."""
        low = len(self._stock) <= self._wanted_stock() // 2
        return low or self._pausing.probing() or self._holds(monotonic())
