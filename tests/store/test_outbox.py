"""What is queued, and when it is due."""

from __future__ import annotations

from datetime import timedelta

from mailer.parts import Parts
from mailer.store import lease, outbox
from mailer.store.outbox import PARKED_FROM, Priority, State
from mailer.store.settlement import Settlement
from tests.store.rows import ALL, claim, envelope, queue, settle
from tests.world import NOON

LATER = NOON + timedelta(minutes=5)


async def test_the_next_to_be_due_is_the_earliest_of_all_priorities(parts: Parts) -> None:
    assert await parts.store.read(outbox.next_due) is None
    await queue(
        parts,
        envelope(priority=Priority.ANSWER, not_before=LATER),
        envelope(priority=Priority.BULK, not_before=NOON + timedelta(minutes=1)),
    )
    assert await parts.store.read(outbox.next_due) == NOON + timedelta(minutes=1)


async def test_something_is_due_when_a_claim_would_find_it(parts: Parts) -> None:
    async def has_due(at, priorities) -> bool:  # type: ignore[no-untyped-def]
        return await parts.store.read(lambda c: lease.has_due(c, now=at, priorities=priorities))

    bulk = (Priority.BULK, Priority.INVITATION)
    await queue(parts, envelope(priority=Priority.BULK, not_before=LATER))
    assert [await has_due(NOON, ALL), await has_due(LATER, ALL)] == [False, True]
    assert await has_due(LATER, (Priority.ANSWER, Priority.PERSONAL)) is False
    assert await has_due(LATER, bulk) is True


async def test_a_retry_makes_deferred_rows_due_and_no_others(parts: Parts) -> None:
    await queue(parts, envelope(), envelope(not_before=LATER), envelope())
    deferred, parked = await claim(parts)
    await settle(
        parts,
        Settlement(id=deferred.id, state=State.QUEUED, attempts=1, not_before=LATER),
        Settlement(id=parked.id, state=State.QUEUED, attempts=1, not_before=PARKED_FROM),
    )
    assert await parts.store.write(lambda c: outbox.retry(c, now=NOON)) == 1
    assert [row.id for row in await claim(parts)] == [deferred.id]
