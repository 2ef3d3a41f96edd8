"""What is foreseen: what the rules will send, and what is queued already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest_asyncio
from sqlalchemy import update

from mailer.outlook import outlook
from mailer.parts import Parts
from mailer.store.schema import outbox
from scheduler.pace import WarmUp
from tests.world import BOB, NOON, opened, scheduled, subscribed

IN_TEN_DAYS = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def parts(migrated_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    """An announcement is queued for two people; one of them has to wait an hour."""
    async with opened(migrated_url, tmp_path) as (parts, _):
        await subscribed(parts)
        await subscribed(parts, BOB)
        await scheduled(parts, IN_TEN_DAYS)
        await parts.planner.tick()
        later = update(outbox).where(outbox.c.id == 2).values(not_before=NOON + HOUR)
        await parts.store.write(lambda c: c.execute(later))
        yield parts


async def seen(
    parts: Parts, start: datetime | None = None, until: datetime | None = None
) -> list[tuple[datetime, str, str, int]]:
    found = await outlook(parts, start=start, until=until)
    return [(one.at, one.kind, one.webinar, one.recipients) for one in found]


QUEUED = (NOON, "announcement", "capasso", 2)
REMINDER = (NOON + timedelta(days=9, hours=-1), "reminder", "capasso", 2)
LAST = (NOON + timedelta(days=10, hours=-2), "reminder", "capasso", 0)


async def test_what_is_queued_is_foreseen_with_what_is_planned(parts: Parts) -> None:
    assert await seen(parts) == [QUEUED, REMINDER, LAST]


async def test_a_row_that_went_out_is_not_foreseen_any_more(parts: Parts) -> None:
    sent = update(outbox).where(outbox.c.id == 1).values(state="sent")
    await parts.store.write(lambda c: c.execute(sent))
    assert (await seen(parts))[0] == (NOON + HOUR, "announcement", "capasso", 1)


async def test_the_span_holds_for_what_is_queued_too(parts: Parts) -> None:
    assert await seen(parts, NOON + HOUR) == [REMINDER, LAST]
    assert await seen(parts, until=NOON) == [QUEUED]


async def test_a_look_into_the_past_knows_of_no_queue(parts: Parts) -> None:
    # As if nothing had gone out or been queued yet.
    kinds = [(kind, count) for _, kind, _, count in await seen(parts, NOON - timedelta(days=30))]
    assert kinds == [("announcement", 2), ("reminder", 2), ("reminder", 0)]


async def test_in_a_warm_up_it_is_said_over_how_many_days_a_mailing_goes(
    migrated_url: str, tmp_path: Path
) -> None:
    async with opened(migrated_url, tmp_path) as (parts, _):
        await subscribed(parts)
        await subscribed(parts, BOB)
        await scheduled(parts, IN_TEN_DAYS)
        await parts.planner.tick()
        assert [one.days for one in await outlook(parts, start=None, until=None)] == [1, 1, 1]
        plan = WarmUp(start=NOON, first_day=1, factor=1.0, days=5)
        outbound = replace(parts.config.outbound, warm_up=plan)
        warming = replace(parts, config=replace(parts.config, outbound=outbound))
        assert [one.days for one in await outlook(warming, start=None, until=None)] == [2, 1, 1]
