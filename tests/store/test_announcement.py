"""Announcements that failed, let go again."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailer.parts import Parts
from mailer.store import announcement
from mailer.store.progress import progress
from tests.outbox_reader import queued
from tests.world import NOON, scheduled, subscribed

IN_TEN_DAYS = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock


async def failed(parts: Parts) -> None:
    """The announcement of one webinar has fallen due, and failed."""
    await subscribed(parts)
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.plan()
    (item,) = await parts.store.read(lambda c: announcement.due(c, now=NOON))
    await parts.store.write(lambda c: announcement.fail(c, item.id, reason="template x: y"))


async def test_a_failed_announcement_is_revived_and_goes_at_the_next_tick(parts: Parts) -> None:
    await failed(parts)
    await parts.planner.tick()
    assert await queued(parts) == []
    assert await parts.store.write(lambda c: announcement.revive(c, now=NOON)) == 1
    await parts.planner.tick()
    assert [row.kind for row in await queued(parts)] == ["announcement"]
    assert await parts.store.write(lambda c: announcement.revive(c, now=NOON)) == 0


async def test_what_is_too_late_stays_failed(parts: Parts) -> None:
    await failed(parts)
    late = NOON + timedelta(days=20)
    assert await parts.store.write(lambda c: announcement.revive(c, now=late)) == 0
    (item,) = [one for one in await parts.store.read(progress) if one.reason]
    assert (item.state, item.reason, item.series) == ("failed", "template x: y", "copyright")
