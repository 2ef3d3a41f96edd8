"""What the planner lets go, to whom, and what stops it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from mailer import planner
from mailer.config.model import Templates
from mailer.message.address import Address
from mailer.parts import Parts, open_parts
from mailer.store import announcement, people, registration
from mailer.store.announcement import State
from mailer.store.registration import State as Choice
from mailer.store.schema import skeleton
from mailer.store.schema import webinar as table
from scheduler.clock import VirtualClock
from scheduler.model import Status
from tests.outbox_reader import queued
from tests.world import (
    ANA,
    BOB,
    NOON,
    SERIES,
    content,
    opened,
    revise,
    scheduled,
    send_all,
    subscribed,
)

IN_TEN_DAYS = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock
TOMORROW = datetime(2026, 10, 2, 13, 0)  # noqa: DTZ001


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as world:
        yield world


async def told(parts: Parts) -> list[tuple[str, str]]:
    return [(row.kind, row.recipient) for row in await queued(parts)]


async def planned(parts: Parts) -> list[tuple[str, str, int]]:
    items = await parts.store.read(announcement.listing)
    return [(item.kind.value, item.state.value, item.total) for item in items]


async def test_a_webinar_published_late_is_announced_at_once(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, _ = world
    await subscribed(parts)
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.tick()
    assert await told(parts) == [("announcement", ANA.mailbox)]


async def test_an_announcement_is_not_sent_when_its_reminder_is_due_already(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, _ = world
    await subscribed(parts)
    await scheduled(parts, TOMORROW)  # 23 hours from now: the reminder of the day before is due
    await parts.planner.tick()
    assert await told(parts) == [("reminder", ANA.mailbox)]


async def test_ticking_twice_queues_nothing_twice(world: tuple[Parts, VirtualClock]) -> None:
    parts, _ = world
    await subscribed(parts)
    await scheduled(parts, IN_TEN_DAYS)
    for _ in range(3):
        await parts.planner.tick()
    assert await told(parts) == [("announcement", ANA.mailbox)]


async def test_who_subscribes_after_the_release_gets_what_falls_due_later(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = world
    await subscribed(parts)
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.tick()
    clock.advance_to(NOON + timedelta(hours=1))
    await subscribed(parts, BOB)
    await parts.planner.tick()
    assert await told(parts) == [("announcement", ANA.mailbox)]
    clock.advance_to(datetime(2026, 10, 10, 11, 0, tzinfo=UTC))
    await parts.planner.tick()
    assert sorted(await told(parts))[1:] == [("reminder", BOB.mailbox), ("reminder", ANA.mailbox)]


async def test_a_reminder_for_the_registered_goes_to_them_alone_and_never_to_who_declined(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = world
    ana, bob = await subscribed(parts), await subscribed(parts, BOB)
    webinar = await scheduled(parts, IN_TEN_DAYS)
    for person, choice in ((ana, Choice.REGISTERED), (bob, Choice.DECLINED)):
        await parts.store.write(
            lambda c, person=person, choice=choice: registration.choose(  # type: ignore[misc]
                c, person.subscriber_id, webinar.id, choice, now=NOON
            )
        )
    clock.advance_to(datetime(2026, 10, 11, 10, 0, tzinfo=UTC))  # an hour before
    await parts.planner.tick()
    assert await told(parts) == [("reminder", ANA.mailbox)] * 2  # the day before, and this one


async def test_who_has_paused_is_not_told(world: tuple[Parts, VirtualClock]) -> None:
    parts, _ = world
    ana = await subscribed(parts)
    await parts.store.write(lambda c: people.pause(c, ana.id, until=NOON + timedelta(days=1)))
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.tick()
    assert await told(parts) == []


async def test_a_cancelled_webinar_voids_what_was_planned_for_it(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, _ = world
    await subscribed(parts)
    webinar = await scheduled(parts, datetime(2026, 11, 25, 13, 0))  # noqa: DTZ001
    await parts.planner.tick()
    assert await planned(parts) == [
        ("announcement", "planned", 0),
        ("reminder", "planned", 0),
        ("reminder", "planned", 0),
    ]
    await parts.store.write(lambda c: revise(c, webinar, status=Status.CANCELLED, now=NOON))
    await parts.planner.tick()
    assert [state for _, state, _ in await planned(parts)] == ["cancelled"] * 3


async def test_what_is_queued_about_a_webinar_that_moves_never_goes_out(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, _ = world
    await subscribed(parts)
    webinar = await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.tick()
    later = content(datetime(2026, 10, 12, 13, 0))  # noqa: DTZ001
    moved = await parts.store.write(lambda c: revise(c, webinar, content=later, now=NOON))
    assert [row.state for row in await queued(parts)] == ["cancelled"]
    await parts.planner.tick()
    assert [row.state for row in await queued(parts)] == ["cancelled", "queued"]
    await parts.store.write(lambda c: revise(c, moved, status=Status.CANCELLED, now=NOON))
    assert await send_all(parts) == 0


async def test_a_row_that_was_queued_behind_a_change_is_stopped_at_the_claim(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, _ = world
    await subscribed(parts)
    webinar = await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.tick()
    statement = update(table).where(table.c.id == webinar.id).values(sequence=1)
    await parts.store.write(lambda c: c.execute(statement))  # as another node would
    assert await send_all(parts) == 0
    assert [row.state for row in await queued(parts)] == ["cancelled"]


async def test_a_webinar_that_moves_after_its_reminder_gets_a_reminder_of_its_new_time(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = world
    await subscribed(parts)
    webinar = await scheduled(parts, IN_TEN_DAYS)
    for day, hour in ((1, 12), (10, 11)):
        clock.advance_to(datetime(2026, 10, day, hour, 0, tzinfo=UTC))
        await parts.planner.tick()
        await send_all(parts)
    assert [kind for kind, _ in await told(parts)] == ["announcement", "reminder"]
    later = content(datetime(2026, 10, 20, 13, 0))  # noqa: DTZ001
    await parts.store.write(lambda c: revise(c, webinar, content=later, now=clock.now()))
    await parts.planner.tick()
    clock.advance_to(clock.now() + timedelta(minutes=15))
    await parts.planner.tick()
    await send_all(parts)
    clock.advance_to(datetime(2026, 10, 19, 11, 0, tzinfo=UTC))
    await parts.planner.tick()
    kinds = [kind for kind, _ in await told(parts)]
    assert kinds == ["announcement", "reminder", "update", "reminder"]


async def test_a_service_that_was_down_sends_no_reminder_of_what_has_begun(
    world: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = world
    await subscribed(parts)
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.plan()
    clock.advance_to(datetime(2026, 10, 11, 11, 30, tzinfo=UTC))  # half an hour into it
    await parts.planner.tick()
    assert await told(parts) == []
    assert [state for _, state, _ in await planned(parts)] == ["expired"] * 3


@pytest.mark.parametrize("bad", ["{{ webinar.nothing }}", "{% if %}"])
async def test_a_template_fault_fails_the_announcement_before_any_of_it_is_queued(
    tmp_path: Path, bad: str
) -> None:
    folder = tmp_path / "texts"
    (folder / "mail" / "announcement").mkdir(parents=True)
    (folder / "mail" / "announcement" / "body.txt").write_text(f"Hello\n\n{bad}\n")
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, clock):
        await subscribed(parts)
        await subscribed(parts, BOB)
        await scheduled(parts, IN_TEN_DAYS)
        config = replace(parts.config, templates=Templates(folder=folder))
        async with open_parts(config, clock) as broken:
            await broken.planner.tick()
            assert await told(broken) == []
            items = await broken.store.read(announcement.listing)
    failed = [item for item in items if item.state is State.FAILED]
    assert [item.kind.value for item in failed] == ["announcement"]
    assert "announcement/body.txt, line 3" in failed[0].reason
    assert SERIES.id == failed[0].series_id


async def test_many_groups_are_drawn_before_any_is_queued_and_kept_by_the_score(
    world: tuple[Parts, VirtualClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, _ = world
    zones = ("Asia/Tokyo", "Africa/Cairo", "America/Lima", "Asia/Kolkata", "Europe/Athens")
    for number, zone in enumerate(zones):
        address = f"reader{number}@example.org"
        one = await subscribed(parts, Address(key=address, mailbox=address))
        await parts.store.write(
            lambda c, one=one, zone=zone: people.prefer(  # type: ignore[misc]
                c, one.subscriber_id, now=NOON, timezone=zone
            )
        )
    await scheduled(parts, IN_TEN_DAYS)
    monkeypatch.setattr(planner, "DRAWN_AT_ONCE", 2)
    await parts.planner.tick()
    assert len(await told(parts)) == len(zones)
    assert await drawn(parts) == sorted(zones)


async def test_of_what_fails_no_copy_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "DRAWN_AT_ONCE", 1)
    folder = tmp_path / "texts"
    (folder / "mail" / "announcement").mkdir(parents=True)
    broken = "{% if language == 'fr' %}{{ webinar.nothing }}{% endif %}"
    (folder / "mail" / "announcement" / "body.txt").write_text(broken)
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, clock):
        await subscribed(parts)
        bob = await subscribed(parts, BOB)
        await parts.store.write(
            lambda c: people.prefer(c, bob.subscriber_id, now=NOON, language="fr")
        )
        await scheduled(parts, IN_TEN_DAYS)
        config = replace(parts.config, templates=Templates(folder=folder))
        async with open_parts(config, clock) as parts_with_fault:
            await parts_with_fault.planner.tick()
            assert (await told(parts), await drawn(parts)) == ([], [])


async def drawn(parts: Parts) -> list[str]:
    """The zones of the copies that are kept."""
    return sorted(await parts.store.read(lambda c: c.scalars(select(skeleton.c.zone))))
