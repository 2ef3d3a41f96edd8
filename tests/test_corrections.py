"""Who is told of a change, on both engines: by what they were told, not by what was planned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select, update

from mailer.files.people_csv import PersonRow
from mailer.message.address import Purpose
from mailer.message.letter import from_json
from mailer.parts import Parts
from mailer.store import lease, registration, withdrawal
from mailer.store.engine import Connection
from mailer.store.outbox import Priority, State
from mailer.store.people import Subscription
from mailer.store.programme import WebinarRecord
from mailer.store.registration import State as Choice
from mailer.store.schema import mention, outbox
from mailer.store.settlement import Settlement, settle
from mailer.store.staging import Terms
from scheduler.clock import VirtualClock
from scheduler.model import Status
from tests.outbox_reader import mails, queued, text
from tests.world import (
    ANA,
    BOB,
    NOON,
    SERIES,
    content,
    letter,
    mail_in,
    opened,
    revise,
    scheduled,
    send_all,
    subscribed,
)

World = tuple[Parts, VirtualClock]
START = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock
LATER = START + timedelta(days=1)
WINDOW = timedelta(minutes=15)


@pytest_asyncio.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(migrated_url, tmp_path) as world:
        yield world


async def rows(parts: Parts) -> list[tuple[str, str, str]]:
    return [(row.kind, row.recipient, row.state) for row in await queued(parts)]


async def announced(world: World) -> WebinarRecord:
    """A webinar that everybody was told of."""
    parts, _ = world
    webinar = await scheduled(parts, START)
    await parts.planner.tick()
    await send_all(parts)
    return webinar


async def revised(world: World, record: WebinarRecord, **change: object) -> WebinarRecord:
    parts, clock = world
    return await parts.store.write(
        lambda c: revise(c, record, now=clock.now(), **change)  # type: ignore[arg-type]
    )


async def moved(world: World, record: WebinarRecord, start: datetime = LATER) -> WebinarRecord:
    return await revised(world, record, content=content(start))


async def settled(world: World) -> None:
    """Let the window pass and everything go out."""
    parts, clock = world
    await parts.planner.tick()
    clock.advance_to(clock.now() + WINDOW)
    await parts.planner.tick()
    await send_all(parts)


async def chosen(parts: Parts, who: Subscription, webinar: WebinarRecord, choice: Choice) -> None:
    await parts.store.write(
        lambda c: registration.choose(
            c, who.subscriber_id, webinar.id, choice, now=parts.clock.now()
        )
    )


async def test_one_update_goes_to_who_was_told_and_only_when_the_window_is_over(
    world: World,
) -> None:
    parts, clock = world
    await subscribed(parts)
    webinar = await announced(world)
    clock.advance_to(NOON + WINDOW)
    await subscribed(parts, BOB)  # too late to have heard of it
    await moved(world, webinar)
    assert await parts.planner.tick() == NOON + 2 * WINDOW
    assert await rows(parts) == [("announcement", ANA.mailbox, "sent")]
    clock.advance_to(NOON + 2 * WINDOW)
    for _ in range(3):
        await parts.planner.tick()
    assert (await rows(parts))[1:] == [("update", ANA.mailbox, "queued")]


async def test_what_undoes_itself_is_told_nobody(world: World) -> None:
    parts, _ = world
    await subscribed(parts)
    webinar = await announced(world)
    await moved(world, await moved(world, webinar), START)
    await settled(world)
    assert await rows(parts) == [("announcement", ANA.mailbox, "sent")]


async def test_an_update_that_waits_gives_way_to_the_next_change(world: World) -> None:
    parts, _ = world
    await subscribed(parts)
    webinar = await moved(world, await announced(world))
    await parts.planner.tick()
    parts.clock.advance_to(NOON + WINDOW)  # type: ignore[attr-defined]
    await parts.planner.tick()
    await revised(world, webinar, status=Status.CANCELLED, reason="Ill.")
    await parts.planner.tick()
    await send_all(parts)
    assert (await rows(parts))[1:] == [
        ("update", ANA.mailbox, "cancelled"),
        ("cancellation", ANA.mailbox, "sent"),
    ]
    told = text(mails(parts.config.outbound.maildir)[-1])
    assert "Sunday, 11 October 2026, 13:00" in told  # the time that Ana knows
    assert "Ill." in told


async def test_who_may_have_got_the_old_time_is_told(world: World) -> None:
    parts, _ = world
    await subscribed(parts)
    webinar = await scheduled(parts, START)
    await parts.planner.tick()
    await parts.store.write(lambda c: c.execute(update(outbox).values(doubts=1)))
    await moved(world, webinar)
    await settled(world)
    assert await rows(parts) == [
        ("announcement", ANA.mailbox, "cancelled"),
        ("update", ANA.mailbox, "sent"),
    ]


async def test_while_an_older_mail_is_under_way_nobody_is_told_anything_yet(world: World) -> None:
    parts, clock = world
    await subscribed(parts)
    webinar = await scheduled(parts, START)
    await parts.planner.tick()
    claimed = await parts.store.write(
        lambda c: lease.claim(
            c, node="other", now=NOON, limit=9, priorities=(Priority.ANSWER, Priority.INVITATION)
        )
    )
    await revised(world, webinar, status=Status.CANCELLED, reason="")
    assert await parts.planner.tick() == NOON + timedelta(seconds=1)
    assert await rows(parts) == [("announcement", ANA.mailbox, "sending")]
    put_off = Settlement(
        id=claimed[0].id, state=State.QUEUED, reason="later", not_before=NOON + timedelta(hours=1)
    )
    await parts.store.write(lambda c: settle(c, [put_off], node="other", now=NOON))
    await parts.planner.tick()
    clock.advance_to(NOON + timedelta(hours=1))
    await parts.planner.tick()
    await send_all(parts)
    assert await rows(parts) == [("announcement", ANA.mailbox, "cancelled")]


async def test_who_was_put_off_is_announced_the_new_time(world: World) -> None:
    parts, _ = world
    await subscribed(parts)
    webinar = await scheduled(parts, START)
    await parts.planner.tick()
    await parts.store.write(
        lambda c: c.execute(update(outbox).values(attempts=1, not_before=NOON + WINDOW))
    )
    await moved(world, webinar)
    await parts.planner.tick()
    await send_all(parts)
    assert [(kind, state) for kind, _, state in await rows(parts)] == [
        ("announcement", "cancelled"),
        ("announcement", "sent"),
    ]


async def test_who_declined_is_left_in_peace(world: World) -> None:
    parts, _ = world
    ana = await subscribed(parts)
    webinar = await announced(world)
    await chosen(parts, ana, webinar, Choice.DECLINED)
    await moved(world, webinar)
    await settled(world)
    assert len(await rows(parts)) == 1


@pytest.mark.parametrize("resumes", [False, True])
async def test_a_pause_puts_the_update_off(world: World, *, resumes: bool) -> None:
    parts, clock = world
    ana = await subscribed(parts)
    webinar = await announced(world)
    token = parts.secrets.mint.mint(Purpose.PREFERENCES, subject=ana.id, day=NOON.date())
    to = f"webinars+preferences-{token}@lists.example.org"
    await mail_in(parts, letter(ANA.mailbox, to, "pause 2026-10-04"), to)
    await moved(world, webinar)
    await settled(world)
    assert (await rows(parts))[-1] == ("update", ANA.mailbox, "queued")
    if resumes:
        await mail_in(parts, letter(ANA.mailbox, to, "resume"), to)
    else:
        clock.advance_to(datetime.fromisoformat("2026-10-03T22:00:00+00:00"))
    await send_all(parts)
    assert ("update", ANA.mailbox, "sent") in await rows(parts)


@pytest.mark.parametrize("resumes", [False, True])
async def test_a_pause_beyond_the_webinar_keeps_it_quiet_unless_it_is_ended(
    world: World, *, resumes: bool
) -> None:
    parts, clock = world
    ana = await subscribed(parts)
    webinar = await announced(world)
    token = parts.secrets.mint.mint(Purpose.PREFERENCES, subject=ana.id, day=NOON.date())
    to = f"webinars+preferences-{token}@lists.example.org"
    await mail_in(parts, letter(ANA.mailbox, to, "pause 2026-12-24"), to)
    await moved(world, webinar)
    await settled(world)
    assert (await rows(parts))[-1] == ("update", ANA.mailbox, "queued")
    if resumes:
        await mail_in(parts, letter(ANA.mailbox, to, "resume"), to)
        await send_all(parts)
    else:
        clock.advance_to(datetime.fromisoformat("2026-10-12T12:00:00+00:00"))  # it is over
        await send_all(parts)
        await parts.store.write(lambda c: withdrawal.expire(c, now=clock.now(), limit=9))
    ended = "sent" if resumes else "expired"
    assert ("update", ANA.mailbox, ended) in await rows(parts)


async def test_who_leaves_before_it_goes_out_does_not_get_it(world: World) -> None:
    parts, clock = world
    await subscribed(parts)
    webinar = await moved(world, await announced(world))
    assert webinar.sequence == 1
    clock.advance_to(NOON + WINDOW)
    await parts.planner.tick()
    to = "webinars+unsubscribe@lists.example.org"
    await mail_in(parts, letter(ANA.mailbox, to), to)
    await send_all(parts)
    assert ("update", ANA.mailbox, "cancelled") in await rows(parts)


async def welcomed(parts: Parts) -> None:
    """Bob comes in, too late for announcements, and is greeted with the next webinars."""
    parts.clock.advance_to(NOON + timedelta(hours=1))  # type: ignore[attr-defined]
    terms = Terms(confirmed=True, evidence="on paper", welcome=True)
    await parts.enrolling.add(SERIES, PersonRow(address=BOB), terms)


async def test_who_knows_it_by_a_welcome_alone_is_told(world: World) -> None:
    parts, _ = world
    webinar = await scheduled(parts, START)
    await parts.planner.tick()
    await welcomed(parts)
    await send_all(parts)
    await moved(world, webinar)
    await settled(world)
    assert await rows(parts) == [("welcome", BOB.mailbox, "sent"), ("update", BOB.mailbox, "sent")]


async def test_a_welcome_that_waits_tells_the_new_time(world: World) -> None:
    parts, _ = world
    webinar = await scheduled(parts, START)
    other = await scheduled(parts, START + timedelta(days=14), "other", title="Other")
    await parts.planner.tick()
    await welcomed(parts)
    await moved(world, webinar)
    await settled(world)
    assert await rows(parts) == [("welcome", BOB.mailbox, "sent")]
    told = text(mails(parts.config.outbound.maildir)[0])
    assert "12 October" in told
    assert "11 October" not in told
    assert other.title in told


async def test_a_welcome_that_waits_leaves_out_what_was_called_off(world: World) -> None:
    parts, _ = world
    webinar = await scheduled(parts, START)
    await welcomed(parts)
    await revised(world, webinar, status=Status.CANCELLED, reason="")
    data = await parts.store.read(lambda c: c.scalar(select(outbox.c.data)))
    assert from_json(data or "").facts.webinars == ()
    await settled(world)
    assert await rows(parts) == [("welcome", BOB.mailbox, "sent")]


async def test_mentions_go_with_their_mails_and_their_people(world: World) -> None:
    parts, _ = world
    await scheduled(parts, START)
    await welcomed(parts)
    assert await count(parts) == 1
    await parts.person_changes.forget(BOB)
    assert await count(parts) == 0


async def count(parts: Parts) -> int:
    found = await parts.store.read(lambda c: c.scalar(select(func.count()).select_from(mention)))
    return found or 0


async def test_a_further_correction_tells_each_what_they_knew(world: World) -> None:
    """Ana was told of the move, Bob was not: each is told from their own time to the new one."""
    parts, _ = world
    await subscribed(parts)
    await subscribed(parts, BOB)
    webinar = await moved(world, await announced(world))

    async def unsaid(connection: Connection) -> None:
        of_bob = (outbox.c.kind == "update") & (outbox.c.recipient == BOB.mailbox)
        await connection.execute(delete(outbox).where(of_bob))

    await parts.planner.tick()
    parts.clock.advance_to(NOON + WINDOW)  # type: ignore[attr-defined]
    await parts.planner.tick()
    await parts.store.write(unsaid)
    await send_all(parts)
    await moved(world, webinar, START + timedelta(days=2))
    await settled(world)
    *_, first, second = mails(parts.config.outbound.maildir)
    assert "Old time: Monday, 12 October 2026" in text(first)
    assert "Old time: Sunday, 11 October 2026" in text(second)
    assert all("New time: Tuesday, 13 October 2026" in text(one) for one in (first, second))


async def test_only_the_registered_are_told_of_another_link(world: World) -> None:
    parts, clock = world
    ana, _ = await subscribed(parts), await subscribed(parts, BOB)
    webinar = await announced(world)
    await chosen(parts, ana, webinar, Choice.REGISTERED)
    there = replace(content(START), join_url="https://meet.example.org/2")
    await parts.store.write(lambda c: revise(c, webinar, content=there, now=clock.now()))
    await settled(world)
    assert [row for row in await rows(parts) if row[0] == "update"] == [
        ("update", ANA.mailbox, "sent")
    ]
