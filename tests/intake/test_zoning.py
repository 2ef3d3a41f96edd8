"""New rules of time zones: the wall clock stays, the instant follows, who was told is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mailer.errors import ZonesTooOld
from mailer.intake import zoning
from mailer.parts import Parts, open_parts
from mailer.store import programme, setting
from mailer.store.programme import WebinarRecord
from scheduler.clock import VirtualClock
from scheduler.model import Status
from scheduler.recurrence import tzdata_version
from tests.outbox_reader import mails, text
from tests.world import (
    ANA,
    content,
    make_config,
    make_sqlite,
    revise,
    scheduled,
    send_all,
    subscribed,
)

WALL = datetime(2026, 10, 12, 13, 0)  # noqa: DTZ001 - wall clock, 11:00 UTC
HOUR = timedelta(hours=1)


async def by_old_rules(parts: Parts, slug: str = "capasso") -> WebinarRecord:
    """A webinar whose instant was worked out when summer time was to end earlier."""
    right = content(WALL)
    return await scheduled(
        parts, WALL, slug, starts_at=right.starts_at + HOUR, ends_at=right.ends_at + HOUR
    )


async def follow(parts: Parts) -> list[str]:
    moved = await parts.store.write(lambda c: zoning.follow(c, now=parts.clock.now()))
    return [one.slug for one in moved]


async def test_a_webinar_keeps_its_wall_clock_and_who_was_told_is_told(
    parts: Parts, clock: VirtualClock
) -> None:
    await subscribed(parts)
    before = await by_old_rules(parts)
    await parts.planner.tick()
    await send_all(parts)
    assert await follow(parts) == [before.slug]
    after = await parts.store.read(lambda c: programme.by_id(c, before.id))
    assert after is not None
    assert (after.wall_start, after.starts_at, after.sequence) == (
        WALL,
        before.starts_at - HOUR,
        before.sequence + 1,
    )
    assert after.ends_at - after.starts_at == HOUR
    clock.advance_to(clock.now() + HOUR)
    await parts.planner.tick()
    await send_all(parts)
    told = mails(parts.config.outbound.maildir)[-1]
    assert (told["To"], str(told["Subject"])[:8]) == (ANA.mailbox, "New time")
    assert "(11:00–12:00 UTC)" in text(told)


async def test_it_is_done_once_for_each_release(parts: Parts) -> None:
    assert await follow(parts) == []
    assert await parts.store.read(lambda c: setting.get(c, setting.ZONES)) == tzdata_version()
    await by_old_rules(parts)
    assert await follow(parts) == []
    await parts.store.write(lambda c: setting.put(c, setting.ZONES, "2020a"))
    assert await follow(parts) == ["capasso"]
    assert await follow(parts) == []


async def test_what_is_over_or_cancelled_stays_as_it_was_told(
    parts: Parts, clock: VirtualClock
) -> None:
    await by_old_rules(parts, "over")
    off = await by_old_rules(parts, "off")
    await parts.store.write(
        lambda c: revise(c, off, status=Status.CANCELLED, now=parts.clock.now())
    )
    clock.advance_to(off.ends_at + timedelta(days=3))
    assert await follow(parts) == []


async def test_a_program_with_older_rules_refuses(tmp_path: Path) -> None:
    await make_sqlite(tmp_path / "mailer.db")
    config = make_config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path)
    clock = VirtualClock(datetime.fromisoformat("2026-10-01T12:00:00Z"))
    async with open_parts(config, clock) as parts:
        await parts.store.write(lambda c: setting.put(c, setting.ZONES, "9999a"))
    with pytest.raises(ZonesTooOld, match="by the rules of zones 9999a, this program has 20"):
        async with open_parts(config, clock):
            pass
