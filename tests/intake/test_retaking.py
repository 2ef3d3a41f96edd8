"""A mail that was kept aside is taken once more, and once only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from mailer.intake.quarantine import MOST_FAILURES, enveloped, opened
from mailer.intake.retaking import FAILS, NOT_OURS, retake
from mailer.parts import Parts
from mailer.store import journal
from mailer.store.schema import blob, inbound
from tests.outbox_reader import templates
from tests.world import SERIES, letter, mail_in
from tests.world import opened as opened_parts

BREAKS = (
    "CREATE TRIGGER broken BEFORE INSERT ON subscriber BEGIN SELECT RAISE(ABORT, 'no'); END",
    "DROP TRIGGER broken",
)
WISH = letter("eve@example.com", SERIES.address, "subscribe")


@pytest_asyncio.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened_parts(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, _):
        yield parts


async def run(parts: Parts, statement: str) -> None:
    await parts.store.write(lambda c: c.execute(text(statement)))


async def kept(parts: Parts) -> list[tuple[int, str]]:
    found = await parts.store.read(journal.kept_aside)
    return [(one.entry_id, one.outcome) for one in found]


async def outcomes(parts: Parts) -> list[str]:
    rows = await parts.store.read(lambda c: c.execute(select(inbound.c.outcome)))
    return [row.outcome for row in rows]


async def blobs(parts: Parts) -> int:
    rows = await parts.store.read(lambda c: c.execute(select(blob.c.id)))
    return len(rows.all())


async def fail_thrice(parts: Parts) -> None:
    """A mail that a fault keeps from being processed until it is kept aside."""
    await run(parts, BREAKS[0])
    for _ in range(MOST_FAILURES - 1):
        with pytest.raises(Exception, match="no"):
            await mail_in(parts, WISH)
    assert (await mail_in(parts, WISH)).word == journal.KEPT_ASIDE
    assert await kept(parts) == [(1, "kept aside: IntegrityError")]


async def set_aside(parts: Parts, content: bytes, address: str) -> None:
    """A mail that could not be read when it came."""
    recipient = parts.intake.route(SERIES.address)
    assert recipient is not None
    for _ in range(MOST_FAILURES):
        await parts.intake.set_aside(
            content,
            recipient,
            sender="eve@example.com",
            address=address,
            source="lmtp",
            error=ValueError(),
        )


@pytest.mark.parametrize("sender", [None, "", "ana@example.net", "δ@example.net"])
def test_the_envelope_is_kept_with_the_bytes(sender: str | None) -> None:
    whole = enveloped(b"Subject: \xff\r\n\r\nx", sender=sender, address="a+b@example.org")
    assert opened(whole) == (b"Subject: \xff\r\n\r\nx", sender, "a+b@example.org")


async def test_it_is_processed_when_the_fault_is_mended(parts: Parts) -> None:
    await fail_thrice(parts)
    await run(parts, BREAKS[1])
    outcome = await retake(parts.store, parts.intake, 1)
    assert outcome is not None
    assert await outcomes(parts) == [outcome.word]
    assert await templates(parts) == ["confirmation"]
    assert (await kept(parts), await blobs(parts)) == ([], 0)
    assert await retake(parts.store, parts.intake, 1) is None
    assert (await mail_in(parts, WISH)).word == "seen before"


async def test_it_is_kept_again_if_it_fails_again(parts: Parts) -> None:
    await fail_thrice(parts)
    outcome = await retake(parts.store, parts.intake, 1)
    assert outcome is not None
    assert outcome.word == journal.KEPT_ASIDE
    assert await kept(parts) == [(1, "kept aside: IntegrityError")]
    assert await blobs(parts) == 1


async def test_what_could_not_be_read_comes_in_as_a_new_one(parts: Parts) -> None:
    await set_aside(parts, WISH, SERIES.address)
    outcome = await retake(parts.store, parts.intake, 1)
    assert outcome is not None
    assert await outcomes(parts) == [f"taken later: {outcome.word}", outcome.word]
    assert await templates(parts) == ["confirmation"]
    assert (await kept(parts), await blobs(parts)) == ([], 0)


async def test_what_could_not_be_read_and_fails_now_stays(parts: Parts) -> None:
    await set_aside(parts, WISH, SERIES.address)
    await run(parts, BREAKS[0])
    outcome = await retake(parts.store, parts.intake, 1)
    assert outcome is not None
    assert outcome.word == f"kept aside: {FAILS}"
    assert await kept(parts) == [(1, "kept aside: ValueError")]


async def test_what_is_not_ours_any_more_stays(parts: Parts) -> None:
    await set_aside(parts, WISH, "old@lists.example.org")
    outcome = await retake(parts.store, parts.intake, 1)
    assert outcome is not None
    assert outcome.word == f"kept aside: {NOT_OURS}"
    assert await kept(parts) == [(1, "kept aside: ValueError")]
