"""What closes rows that must not go out any more."""

from __future__ import annotations

from datetime import timedelta

from mailer.parts import Parts
from mailer.store import withdrawal
from tests.store.rows import envelope, queue, states
from tests.world import NOON


async def test_deadlines_end_what_waits_slice_by_slice(parts: Parts) -> None:
    await queue(
        parts,
        *(envelope(expires_at=NOON) for _ in range(3)),
        envelope(expires_at=NOON + timedelta(seconds=1)),
        envelope(),
    )
    ended = [
        await parts.store.write(lambda c: withdrawal.expire(c, now=NOON, limit=2)) for _ in range(3)
    ]
    assert ended == [2, 1, 0]
    assert await states(parts) == [("expired", "too late")] * 3 + [("queued", "")] * 2
