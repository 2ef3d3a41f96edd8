"""Nodes: who is alive, what a gone one leaves, and that one node is one process."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from mailer.parts import Parts
from mailer.store import lease, node
from mailer.store.outbox import Priority
from mailer.store.tally import counts
from tests.store.rows import ALL, envelope, queue
from tests.world import NOON, opened


async def test_what_a_silent_node_held_goes_back_in_doubt_after_its_lease(parts: Parts) -> None:
    await parts.store.write(lambda c: node.arrive(c, "gone", now=NOON))
    await queue(parts, envelope(priority=Priority.BULK))
    await parts.store.write(
        lambda c: lease.claim(c, node="gone", now=NOON, limit=1, priorities=ALL)
    )
    for seconds, expected in ((59, 0), (61, 1)):
        later = NOON + timedelta(seconds=seconds)
        taken = await parts.store.write(lambda c, at=later: node.take_back_lapsed(c, now=at))  # type: ignore[misc]
        assert taken == expected
    assert (await parts.store.read(counts)).in_doubt == 1


async def test_one_node_is_one_process(postgres_url: str, tmp_path: Path) -> None:
    """On SQLite the lock is the file's, and tested with the service."""
    async with opened(postgres_url, tmp_path) as (parts, _):
        store = parts.store
        async with node.sole(store, "here") as first, node.sole(store, "here") as second:
            assert (first, second) == (True, False)
        async with node.sole(store, "here") as again, node.sole(store, "there") as other:
            assert (again, other) == (True, True)
