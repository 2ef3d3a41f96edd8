"""What organisers are mailed without asking: each once, at its time, on each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest_asyncio
from sqlalchemy import update

from mailer.config.model import Report
from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import announcement, registration, wave
from mailer.store.registration import State
from mailer.store.schema import outbox
from mailer.store.wave import Wave
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, queued, templates, text
from tests.world import (
    ANA,
    BOB,
    NOON,
    SERIES,
    letter,
    mail_in,
    opened,
    scheduled,
    send_all,
    subscribed,
)

START = datetime(2026, 10, 20, 13, 0)  # noqa: DTZ001 - wall clock, 11:00 UTC
HERE = {"registration_url": "", "join_url": "https://meet.example.org/1"}
MONDAY = datetime(2026, 10, 5, 6, tzinfo=UTC)


@pytest_asyncio.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    async with opened(migrated_url, tmp_path) as world:
        yield world


@pytest_asyncio.fixture
async def parts(world: tuple[Parts, VirtualClock]) -> Parts:
    return world[0]


@pytest_asyncio.fixture
async def clock(world: tuple[Parts, VirtualClock]) -> VirtualClock:
    return world[1]


async def reports(parts: Parts) -> list[EmailMessage]:
    """What organisers have got by now, oldest first."""
    await send_all(parts)
    found = mails(parts.config.outbound.maildir)
    return [one for one in found if str(one["To"]) == "organiser@example.org"]


async def round_at(parts: Parts, clock: VirtualClock, at: datetime) -> datetime | None:
    clock.advance_to(at)
    return await parts.rounds.go()


# --- the week ---


async def test_the_week_is_told_on_monday_once_and_not_before_the_first_whole_one(
    parts: Parts, clock: VirtualClock
) -> None:
    assert await parts.rounds.go() == MONDAY
    assert await templates(parts) == []
    await subscribed(parts)
    assert await round_at(parts, clock, MONDAY) == MONDAY + timedelta(days=7)
    await parts.rounds.go()
    await round_at(parts, clock, MONDAY + timedelta(hours=1))
    assert [(one.kind, one.template) for one in await queued(parts)] == [("report", "report-week")]


async def test_the_week_says_who_came_who_went_and_what_comes(
    parts: Parts, clock: VirtualClock
) -> None:
    await parts.rounds.go()
    for who in (ANA, BOB):
        mail = letter(who.mailbox, SERIES.address, "subscribe")
        await mail_in(parts, mail, sender=who.mailbox)
        await send_all(parts)
        to = str(mails(parts.config.outbound.maildir)[-1]["Reply-To"])
        await mail_in(parts, letter(who.mailbox, to, "yes"), to, sender=who.mailbox)
    mail = letter(BOB.mailbox, SERIES.address, "unsubscribe")
    await mail_in(parts, mail, sender=BOB.mailbox)
    await scheduled(parts, START)
    await parts.planner.plan()
    await round_at(parts, clock, MONDAY)
    (told,) = await reports(parts)
    assert str(told["Subject"]) == f"The week in {SERIES.title}"
    assert text(told).splitlines()[2:13] == [
        "- New subscribers: 2",
        "- Left: 1",
        "- Ended because mails came back: 0",
        "- Complained: 0",
        "- Subscribed now: 1",
        "",
        "What goes out next:",
        "",
        "- Tuesday, 6 October 2026, 09:00 Zurich time: announcement “CAPASSO”",
        "",
        "-- ",
    ]


async def test_a_report_that_is_not_wanted_is_not_sent(migrated_url: str, tmp_path: Path) -> None:
    series = replace(SERIES, reports=(Report.DELIVERY,))
    async with opened(migrated_url, tmp_path, series) as (parts, clock):
        await scheduled(parts, START, **HERE)
        await parts.rounds.go()
        clock.advance_to(MONDAY)
        await parts.rounds.go()
        clock.advance_to(datetime(2026, 10, 20, 10, tzinfo=UTC))
        await parts.rounds.go()
        assert await templates(parts) == []


# --- what became of an announcement ---


async def announced(parts: Parts, clock: VirtualClock) -> None:
    """An announcement that has just been let go to two readers."""
    await parts.rounds.go()
    await subscribed(parts)
    await subscribed(parts, BOB)
    await scheduled(parts, START)
    await parts.planner.plan()
    clock.advance_to(datetime(2026, 10, 6, 7, tzinfo=UTC))
    await parts.planner.tick()


async def test_what_became_of_an_announcement_is_told_an_hour_after_it_went_out(
    parts: Parts, clock: VirtualClock
) -> None:
    await announced(parts, clock)
    await send_all(parts)
    due = clock.now() + timedelta(hours=1)
    await round_at(parts, clock, due - timedelta(seconds=1))
    assert (await templates(parts)).count("report-delivery") == 0
    await round_at(parts, clock, due)
    await parts.rounds.go()
    assert (await templates(parts)).count("report-delivery") == 1
    told = [one for one in await reports(parts) if str(one["Subject"]) == "Delivered: CAPASSO"]
    assert text(told[0]).splitlines()[:7] == [
        "Announcement: CAPASSO",
        "Went out: Tuesday, 6 October 2026, 09:00 Zurich time",
        "",
        "- Recipients: 2",
        "- Sent: 2",
        "- Came back: 0",
        "- Not accepted: 0",
    ]


async def test_what_still_waits_after_a_day_is_told_as_waiting(
    parts: Parts, clock: VirtualClock
) -> None:
    await announced(parts, clock)
    let_go = clock.now()
    later = {"not_before": let_go + timedelta(days=3), "attempts": 4, "reply": "450 4.2.1 later"}
    await parts.store.write(
        lambda c: c.execute(update(outbox).where(outbox.c.recipient_key == BOB.key).values(**later))
    )
    await send_all(parts)
    await round_at(parts, clock, let_go + timedelta(hours=23))
    assert (await templates(parts)).count("report-delivery") == 0
    await round_at(parts, clock, let_go + timedelta(days=1))
    told = [one for one in await reports(parts) if str(one["Subject"]) == "Delivered: CAPASSO"]
    lines = text(told[0]).splitlines()
    assert lines[4] == "- Sent: 1"
    assert lines[7] == "- Still waiting: 1"
    assert lines[11] == "- 4.2.1: 450 4.2.1 later: 1"


async def test_a_reminder_brings_no_report(parts: Parts, clock: VirtualClock) -> None:
    await announced(parts, clock)
    clock.advance_to(datetime(2026, 10, 19, 11, tzinfo=UTC))
    await parts.planner.tick()
    await send_all(parts)
    await round_at(parts, clock, datetime(2026, 10, 19, 12, tzinfo=UTC))
    assert (await templates(parts)).count("report-delivery") == 0  # the other one is too old


# --- who registered ---


async def test_the_list_comes_two_hours_before_with_cells_that_no_program_runs(
    parts: Parts, clock: VirtualClock
) -> None:
    await parts.rounds.go()
    ana = await subscribed(parts)
    webinar = await scheduled(parts, START, capacity=1, **HERE)
    evil = Address(key="=1+1@example.org", mailbox="=1+1@example.org")
    eve = await subscribed(parts, evil)

    async def choose(connection):  # type: ignore[no-untyped-def]
        for who, state in ((ana, State.REGISTERED), (eve, State.WAITING)):
            await registration.choose(
                connection, who.subscriber_id, webinar.id, state, now=clock.now()
            )

    await parts.store.write(choose)
    at = webinar.starts_at - timedelta(hours=2)
    await round_at(parts, clock, at - timedelta(seconds=1))
    assert (await templates(parts)).count("report-registrations") == 0
    await round_at(parts, clock, at)
    await parts.rounds.go()
    told = [one for one in await reports(parts) if "Registrations" in str(one["Subject"])]
    assert len(told) == 1
    lines = text(told[0]).splitlines()
    assert lines[4:8] == [
        "- Registered: 1",
        "- Places: 1",
        "- Waiting for a place: 1",
        "- Do not come: 0",
    ]
    (file,) = told[0].iter_attachments()
    assert (file.get_content_type(), file.get_filename()) == ("text/csv", "registrations.csv")
    rows = file.get_payload(decode=True)
    assert isinstance(rows, bytes)
    assert rows.decode().splitlines() == [
        '"address","name","state","at"',
        '"ana@example.net","","registered","2026-10-01T12:00:00Z"',
        '"\'=1+1@example.org","","waiting","2026-10-01T12:00:00Z"',
    ]


async def test_there_is_no_list_of_a_webinar_with_registration_elsewhere(
    parts: Parts, clock: VirtualClock
) -> None:
    webinar = await scheduled(parts, START)
    await round_at(parts, clock, webinar.starts_at - timedelta(hours=1))
    assert "report-registrations" not in await templates(parts)


# --- what needs somebody ---


async def test_a_missing_link_is_told_two_days_before(parts: Parts, clock: VirtualClock) -> None:
    await parts.rounds.go()
    webinar = await scheduled(parts, START, registration_url="")
    at = webinar.starts_at - timedelta(days=2)
    await round_at(parts, clock, at - timedelta(seconds=1))
    assert "report-no-link" not in await templates(parts)
    await round_at(parts, clock, at)
    await parts.rounds.go()
    told = [one for one in await reports(parts) if "link is missing" in str(one["Subject"])]
    assert len(told) == 1
    assert "mailer webinar edit capasso --join-url https://…" in text(told[0])


async def test_a_webinar_with_a_link_is_no_cause_for_concern(
    parts: Parts, clock: VirtualClock
) -> None:
    await scheduled(parts, START)
    await scheduled(parts, START, "second", **HERE)
    await round_at(parts, clock, datetime(2026, 10, 20, 8, tzinfo=UTC))
    assert "report-no-link" not in await templates(parts)


async def test_a_fault_in_a_template_is_told_at_once_and_again_for_another_fault(
    parts: Parts, clock: VirtualClock
) -> None:
    await announced(parts, clock)
    (item,) = [one for one in await parts.store.read(announcement.listing) if one.state == "done"]
    for reason in ("body.txt, line 3: no", "body.txt, line 3: no", "body.txt, line 4: never"):
        await parts.store.write(lambda c, r=reason: announcement.fail(c, item.id, reason=r))
        await parts.rounds.go()
    told = [one for one in await reports(parts) if str(one["Subject"]) == "Not sent: CAPASSO"]
    assert [text(one).splitlines()[4] for one in told] == [
        "What is wrong: body.txt, line 3: no",
        "What is wrong: body.txt, line 4: never",
    ]


async def test_a_wave_of_bounces_is_told_once(parts: Parts, clock: VirtualClock) -> None:
    await parts.store.write(
        lambda c: wave.put(c, Wave(domain="example.net", people=10, counted_at=NOON, since=NOON))
    )
    for _ in range(30):
        await parts.store.write(lambda c: wave.count(c, "example.net", now=NOON))
    await parts.rounds.go()
    await parts.rounds.go()
    assert await templates(parts) == ["report-bounces"]
    (told,) = await reports(parts)
    assert str(told["Subject"]) == "Many mails come back: example.net"
    assert "mailer bounces accept example.net" in text(told)


async def test_two_nodes_that_go_round_together_tell_it_once(
    migrated_url: str, tmp_path: Path
) -> None:
    import asyncio

    async with (
        opened(migrated_url, tmp_path) as (one, clock),
        opened(migrated_url, tmp_path) as (other, second),
    ):
        await one.rounds.go()
        for each in (clock, second):
            each.advance_to(MONDAY)
        await asyncio.gather(one.rounds.go(), other.rounds.go())
        assert await templates(one) == ["report-week"]


async def test_nobody_is_told_where_there_is_no_organiser(
    migrated_url: str, tmp_path: Path
) -> None:
    async with opened(migrated_url, tmp_path, replace(SERIES, organisers=())) as (parts, clock):
        await parts.rounds.go()
        clock.advance_to(MONDAY)
        await parts.rounds.go()
        assert await templates(parts) == []
