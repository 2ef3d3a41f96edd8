"""Whose the rows of the ledger are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mailer.parts import Parts
from mailer.store.recipient import mails_to
from mailer.store.schema import outbox
from tests.store.rows import envelope, queue
from tests.store.statements import plan, recorded
from tests.world import ANA, BOB, scheduled, subscribed

IN_TEN_DAYS = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock


async def kinds(parts: Parts, key: str) -> list[str]:
    statement = select(outbox.c.kind).where(mails_to(key)).order_by(outbox.c.id)
    found = await parts.store.read(lambda c: c.execute(statement))
    return [row.kind for row in found]


async def announced(parts: Parts) -> None:
    """Ana and Bob have been announced a webinar, and each has a mail of their own."""
    for address in (ANA, BOB):
        await subscribed(parts, address)
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.tick()
    await queue(
        parts,
        envelope(),
        envelope(kind="farewell", recipient=BOB.mailbox, recipient_key=BOB.key),
    )


async def test_a_person_has_the_mails_of_their_own_and_their_copies_of_announcements(
    parts: Parts,
) -> None:
    await announced(parts)
    assert await kinds(parts, ANA.key) == ["announcement", "reply"]
    assert await kinds(parts, BOB.key) == ["announcement", "farewell"]
    assert await kinds(parts, "nobody@example.net") == []


async def test_a_mail_of_an_announcement_to_who_is_not_subscribed_is_theirs(parts: Parts) -> None:
    await announced(parts)
    speaker = envelope(
        kind="reminder",
        announcement_id=1,
        recipient="eva@example.org",
        recipient_key="eva@example.org",
    )
    await queue(parts, speaker)
    assert await kinds(parts, "eva@example.org") == ["reminder"]


async def test_they_are_found_by_keys(parts: Parts) -> None:
    await announced(parts)
    with recorded(parts.store) as statements:
        await kinds(parts, ANA.key)
    ((sql, values),) = statements
    lines = " ".join(await plan(parts.store, sql, values))
    for index in (
        "ix_outbox_recipient_key",
        "uq_outbox_speaker",
        "uq_outbox_announcement_subscription",
    ):
        assert index in lines
    assert "SCAN announced" not in lines
