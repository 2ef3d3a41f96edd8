"""How fast mail may leave: the configured rate, the warm-up, each domain's limit, and less when the
mail server asks for less. Answers keep to their domain's limit alone.

Limits are this process' part of what is configured: `refresh` asks the database how many others
there are, and agrees with them on the warm-up. Seconds are monotonic, so that a clock that is set
speeds up nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from mailer.config.model import Outbound
from mailer.dispatch.slowing import Slowing
from mailer.dispatch.turns import DomainTurns
from mailer.dispatch.warming import Warming
from mailer.errors import StoreUnavailable
from mailer.store import node
from mailer.store.engine import Store
from mailer.transport.outcome import Outcome
from scheduler.clock import Clock
from scheduler.pace import TokenBucket, at_rate, put_back, take

FURTHEST_SECONDS = 3_650 * 86_400.0  # a turn may lie beyond what a date can say


class Pacing:
    """The pace of the bulk lane, and by `answers` that of the other."""

    def __init__(
        self, settings: Outbound, clock: Clock, *, seconds: Callable[[], float] | None = None
    ) -> None:
        self._clock = clock
        self._seconds = seconds = seconds or monotonic
        self._configured = settings.messages_per_second
        self._nodes = 1
        self._bucket = TokenBucket(rate_per_second=0.0, burst=1.0, tokens=1.0, updated_at=seconds())
        self._slowing = Slowing(seconds)
        self._turns = DomainTurns(settings.domains, seconds)
        self._limits_domains = self._turns.limited
        self._warming = None if settings.warm_up is None else Warming(settings.warm_up, clock)
        self.note: Callable[[Outcome], None] = self._slowing.note  # for every mail: no detour

    @property
    def answers(self) -> AnswerPace:
        """The pace of the lane of answers, with the same domains and the same server."""
        return AnswerPace(self)

    def share(self, nodes: int) -> None:
        """So many nodes send, this one included: each keeps to its part of the limits."""
        self._nodes = max(1, nodes)
        self._turns.share(self._nodes)

    def grant(self, wanted: int) -> tuple[int, float]:
        """How many of those wanted may leave now, and in how many seconds to ask again."""
        now = self._seconds()
        rate = self._rate()
        if rate != self._bucket.rate_per_second:
            self._bucket = at_rate(self._bucket, rate, now)
        granted, self._bucket, again = take(self._bucket, wanted, now)
        if self._warming is None or not granted:
            return granted, again
        warm, again_warm = self._warming.grant(granted)
        self._bucket = put_back(self._bucket, granted - warm)
        return warm, max(again, again_warm)

    def give_back(self, unused: int) -> None:
        """So many of the last grant were not needed."""
        self._bucket = put_back(self._bucket, unused)
        if self._warming is not None:
            self._warming.give_back(unused)

    def turn(self, recipient: str, *, paced: bool) -> datetime | None:
        """When a claimed mail may leave, None: now; ``paced`` if this is the turn it was given.

        A mail that has to wait uses nothing of its grant.
        """
        at = self.turn_at(recipient, urgent=False, again=paced)
        if at is not None:
            self.give_back(1)
        return at

    def turn_at(self, recipient: str, *, urgent: bool, again: bool) -> datetime | None:
        """The turn of a mail to a limited domain, None: now."""
        if not self._limits_domains:
            return None
        wait = self._turns.wait(recipient, urgent=urgent, again=again)
        if not wait:
            return None
        return self._clock.now() + timedelta(seconds=min(wait, FURTHEST_SECONDS))

    async def refresh(self, store: Store) -> None:
        """Learn of the other nodes; about once a second."""
        if self._configured or self._limits_domains:
            await self._count_nodes(store)
        if self._warming is not None:
            await self._warming.refresh(store)

    async def release(self, store: Store) -> None:
        """Nothing more will be sent: others may have what this node had put by."""
        if self._warming is not None:
            await self._warming.release(store)

    async def _count_nodes(self, store: Store) -> None:
        now = self._clock.now()
        with contextlib.suppress(StoreUnavailable):  # then there are as many as before
            self.share(await store.read(lambda connection: node.alive(connection, now=now)))

    def _rate(self) -> float:
        """Mails a second, 0: no limit."""
        configured = self._configured / self._nodes
        slowed = self._slowing.rate()
        return min(configured or slowed, slowed) if slowed is not None else configured


class AnswerPace:
    """The pace of answers and personal mail: as many as there are, but for a domain's limit, where
    they have their turn before bulk."""

    def __init__(self, pacing: Pacing) -> None:
        self._pacing = pacing
        self.note = pacing.note

    def grant(self, wanted: int) -> tuple[int, float]:
        """All of them."""
        return wanted, 0.0

    def give_back(self, unused: int) -> None:
        """Nothing was used."""

    def turn(self, recipient: str, *, paced: bool) -> datetime | None:
        """When a claimed mail may leave, None: now; ``paced`` if this is the turn it was given."""
        return self._pacing.turn_at(recipient, urgent=True, again=paced)
