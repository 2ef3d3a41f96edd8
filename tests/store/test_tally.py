"""Counts of the ledger's rows."""

from __future__ import annotations

from mailer.parts import Parts
from mailer.store import tally
from mailer.store.outbox import State
from mailer.store.settlement import Settlement
from tests.store.rows import claim, envelope, queue, settle
from tests.world import NOON


async def test_counts_are_disjoint(parts: Parts) -> None:
    await queue(parts, *[envelope() for _ in range(4)])
    first, second, third = await claim(parts, 3)
    await settle(
        parts,
        Settlement(id=first.id, state=State.SENT, attempts=1),
        Settlement(id=second.id, state=State.QUEUED, attempts=1, not_before=NOON),
    )
    counts = await parts.store.read(tally.counts)
    assert (counts.queued, counts.deferred, counts.sending, counts.sent) == (1, 1, 1, 1)
    assert third.id == 3
