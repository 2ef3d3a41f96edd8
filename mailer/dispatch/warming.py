"""Keeps to the daily limits of a warm-up, together with all other nodes on the database.

What may leave today is counted in the database before it leaves: a node takes some for the next
second or two, and more the faster it sends. A crash loses what it had taken, so a day may end with
a few mails less than allowed and never with more.
"""

from __future__ import annotations

from functools import partial

from mailer.errors import StoreUnavailable
from mailer.log import get_logger
from mailer.store import pace
from mailer.store.engine import Store
from scheduler.clock import Clock
from scheduler.pace import WarmUp, WarmUpDay, warm_up_day

AT_FIRST = 16  # mails taken from the day at a time, while nothing is known of the speed
AGAIN_SECONDS = 0.25  # until then there may be more

_log = get_logger(__name__)


class Warming:
    """One node's part of the day's mails."""

    def __init__(self, plan: WarmUp, clock: Clock) -> None:
        self._plan = plan
        self._clock = clock
        self._day: WarmUpDay | None = None
        self._held = 0  # mails that may leave
        self._gone = 0  # of those held on this day
        self._used = 0  # since the last refresh, as the next
        self._short = False
        self._spent = False  # nothing was left of the day

    def grant(self, wanted: int) -> tuple[int, float]:
        """How many of those wanted may leave now, and in how many seconds to ask again."""
        now = self._clock.now()
        day = warm_up_day(self._plan, now)
        if day != self._day:
            self._begin(day)
        if day is None:
            return wanted, 0.0
        granted = min(wanted, self._held)
        self._count(granted)
        self._short = self._short or granted < wanted
        if granted or not wanted:
            return granted, 0.0
        return 0, (day.ends_at - now).total_seconds() if self._spent else AGAIN_SECONDS

    def give_back(self, unused: int) -> None:
        """So many that were granted did not leave."""
        self._count(-min(unused, self._gone))  # what was granted yesterday is no part of today

    async def refresh(self, store: Store) -> None:
        """Take from the day what is needed next; about once a second."""
        day = self._day
        wanted = max(AT_FIRST, 2 * self._used) - self._held if self._short else 0
        self._used, self._short = 0, False
        if day is None or wanted <= 0:
            return
        try:
            taken = await self._take(store, day, wanted)
        except StoreUnavailable:
            self._short = True  # nothing leaves that is not counted
            return
        if day == self._day:  # else the day ended meanwhile
            self._held += taken
            self._tell(day, spent=not taken)

    async def release(self, store: Store) -> None:
        """Leave to others what is not needed any more; at the end."""
        day, held = self._day, self._held
        self._held = 0
        if day is None or not held:
            return
        try:
            await store.write(partial(pace.give_back, day=day.begins_at, unused=held))
        except StoreUnavailable as error:
            _log.warning("cannot give back", action="pace.unreleased", cause=str(error))

    def _count(self, mails: int) -> None:
        self._held -= mails
        self._gone += mails
        self._used += mails

    async def _take(self, store: Store, day: WarmUpDay, wanted: int) -> int:
        counted = await store.read(partial(pace.counted, day=day.begins_at))
        if counted >= day.limit:
            return 0  # looking costs nobody the write lock
        take = partial(pace.take, day=day.begins_at, wanted=wanted, limit=day.limit)
        return await store.write(take)

    def _tell(self, day: WarmUpDay, *, spent: bool) -> None:
        if spent and not self._spent:
            _log.info(
                "all mails of this day of the warm-up have left, the others wait",
                action="pace.day_spent",
                limit=day.limit,
                until=day.ends_at.isoformat(),
            )
        self._spent = spent

    def _begin(self, day: WarmUpDay | None) -> None:
        self._day = day
        self._held = self._gone = self._used = 0
        self._short = self._spent = False
