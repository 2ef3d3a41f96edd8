"""Speakers and hosts with an address get the reminders, subscribed or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest_asyncio

from mailer.message.address import Address
from mailer.message.facts import Speaker
from mailer.outlook import outlook
from mailer.parts import Parts
from mailer.store import people, registration, suppression
from mailer.store.programme import WebinarRecord
from scheduler.clock import VirtualClock
from scheduler.model import Status
from tests.flow.happenings import entry
from tests.outbox_reader import mails, queued, text
from tests.world import (
    ANA,
    BOB,
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

WALL = datetime(2026, 10, 20, 13, 0)  # noqa: DTZ001 - wall clock, 11:00 UTC
DAY_BEFORE = datetime(2026, 10, 19, 11, tzinfo=UTC)
HOUR_BEFORE = datetime(2026, 10, 20, 10, tzinfo=UTC)
EVE = Address(key="eve@example.com", mailbox="Eve@example.com")
HERE = {
    "registration_url": "",
    "join_url": "https://meet.example.org/1",
    "speakers": (
        Speaker(name="Eve", address="Eve@example.com"),
        Speaker(name="Ana", address=ANA.mailbox),
        Speaker(name="Nobody"),
        Speaker(name="Eve again", address="eve@example.com"),
    ),
}


@pytest_asyncio.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    async with opened(migrated_url, tmp_path, replace(SERIES, reports=())) as world:
        yield world


@pytest_asyncio.fixture
async def parts(world: tuple[Parts, VirtualClock]) -> Parts:
    return world[0]


@pytest_asyncio.fixture
async def clock(world: tuple[Parts, VirtualClock]) -> VirtualClock:
    return world[1]


async def sent_at(parts: Parts, clock: VirtualClock, at: datetime) -> list[EmailMessage]:
    """What goes out at an instant, by recipient."""
    await send_all(parts)
    before = len(mails(parts.config.outbound.maildir))
    clock.advance_to(at)
    await parts.planner.tick()
    await send_all(parts)
    found = mails(parts.config.outbound.maildir)[before:]
    return sorted(found, key=lambda one: str(one["To"]).casefold())


def whom(found: list[EmailMessage]) -> list[str]:
    return [str(one["To"]).casefold() for one in found]


async def test_a_reminder_goes_to_each_speaker_once(parts: Parts, clock: VirtualClock) -> None:
    await subscribed(parts)
    await subscribed(parts, BOB)
    await scheduled(parts, WALL, **HERE)
    found = await sent_at(parts, clock, DAY_BEFORE)
    assert whom(found) == [ANA.key, BOB.key, EVE.key]
    eve = found[-1]
    said = text(eve)
    assert "The webinar in which you take part as a speaker or host begins soon:" in said
    assert "Join: https://meet.example.org/1" in said
    assert "You get this mail because you are a speaker or host" in " ".join(said.split())
    assert "because you subscribed" not in said
    invitation = entry(eve)
    assert invitation is not None
    assert (invitation.method, invitation.attendee) == ("REQUEST", "Eve@example.com")
    # Of the reminder for registered people they get their own copy, subscribed or not.
    assert whom(await sent_at(parts, clock, HOUR_BEFORE)) == [ANA.key, EVE.key]
    assert await sent_at(parts, clock, HOUR_BEFORE + timedelta(minutes=1)) == []


async def test_who_registered_gets_it_as_a_subscriber(parts: Parts, clock: VirtualClock) -> None:
    ana = await subscribed(parts)
    webinar = await scheduled(parts, WALL, **HERE)
    chosen = registration.State.REGISTERED
    await parts.store.write(
        lambda c: registration.choose(
            c, ana.subscriber_id, webinar.id, chosen, now=parts.clock.now()
        )
    )
    await sent_at(parts, clock, DAY_BEFORE)
    found = await sent_at(parts, clock, HOUR_BEFORE)
    assert whom(found) == [ANA.key, EVE.key]
    assert "because you subscribed" in text(found[0])


async def test_an_announcement_is_for_subscribers_alone(parts: Parts, clock: VirtualClock) -> None:
    await scheduled(parts, WALL, **HERE)
    assert await sent_at(parts, clock, datetime(2026, 10, 6, 7, tzinfo=UTC)) == []


async def test_the_plan_counts_them(parts: Parts) -> None:
    await subscribed(parts)
    await subscribed(parts, BOB)
    await scheduled(parts, WALL, **HERE)
    coming = await outlook(parts, start=None, until=None)
    assert [(one.kind, one.recipients) for one in coming] == [
        ("announcement", 2),
        ("reminder", 3),
        ("reminder", 2),
    ]


async def unsubscribed(parts: Parts, mail: EmailMessage) -> str:
    """Press the button of a mail program; what came of it."""
    (uri,) = str(mail["List-Unsubscribe"]).strip("<>").split(",")
    to = uri.removeprefix("mailto:")
    return (await mail_in(parts, letter("anybody@example.org", to), to)).word


async def test_who_wants_no_more_gets_no_more_of_the_series(
    parts: Parts, clock: VirtualClock
) -> None:
    await scheduled(parts, WALL, **HERE)
    ana, eve = await sent_at(parts, clock, DAY_BEFORE)
    assert await unsubscribed(parts, eve) == "speaker left"
    assert whom(await sent_at(parts, clock, HOUR_BEFORE)) == [ANA.key]
    second = await scheduled(parts, WALL + timedelta(days=14), "second", **HERE)
    assert whom(await sent_at(parts, clock, second.starts_at - timedelta(days=1))) == [ANA.key]
    assert str(ana["List-Unsubscribe"]) != str(eve["List-Unsubscribe"])


async def test_what_waits_is_called_off_with_it(parts: Parts, clock: VirtualClock) -> None:
    await scheduled(parts, WALL, **HERE)
    _, eve = await sent_at(parts, clock, DAY_BEFORE)
    clock.advance_to(HOUR_BEFORE)
    await parts.planner.tick()
    await unsubscribed(parts, eve)
    rows = [one for one in await queued(parts) if one.state != "sent"]
    assert {(one.recipient, one.state) for one in rows} == {
        ("Eve@example.com", "cancelled"),
        (ANA.mailbox, "queued"),
    }


async def test_a_subscription_of_their_own_brings_them_back(
    parts: Parts, clock: VirtualClock
) -> None:
    await scheduled(parts, WALL, **HERE)
    _, eve = await sent_at(parts, clock, DAY_BEFORE)
    await unsubscribed(parts, eve)
    await mail_in(parts, letter(EVE.mailbox, SERIES.address, "subscribe"), sender=EVE.mailbox)
    await send_all(parts)
    to = str(mails(parts.config.outbound.maildir)[-1]["Reply-To"])
    await mail_in(parts, letter(EVE.mailbox, to, "yes"), to, sender=EVE.mailbox)
    await send_all(parts)
    assert whom(await sent_at(parts, clock, HOUR_BEFORE)) == [ANA.key, EVE.key]


async def test_who_must_not_be_mailed_is_not(parts: Parts, clock: VirtualClock) -> None:
    async def bar(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        await suppression.add(
            connection,
            address_hash=context.address_hash(EVE),
            scope=suppression.EVERYWHERE,
            reason=suppression.Reason.BOUNCE,
            now=parts.clock.now(),
        )

    await parts.store.write(bar)
    await scheduled(parts, WALL, **HERE)
    assert whom(await sent_at(parts, clock, DAY_BEFORE)) == [ANA.key]


async def moved(parts: Parts, webinar: WebinarRecord, wall: datetime) -> None:
    later = content(wall, **HERE)
    await parts.store.write(lambda c: revise(c, webinar, content=later, now=parts.clock.now()))


async def test_who_was_reminded_hears_that_it_moved_and_is_reminded_anew(
    parts: Parts, clock: VirtualClock
) -> None:
    webinar = await scheduled(parts, WALL, **HERE)
    await sent_at(parts, clock, DAY_BEFORE)
    await moved(parts, webinar, WALL + timedelta(days=7))
    found = await sent_at(parts, clock, DAY_BEFORE + timedelta(hours=2))
    assert whom(found) == [ANA.key, EVE.key]
    assert [str(one["Subject"]).partition(":")[0] for one in found] == ["New time", "New time"]
    assert "Old time: Tuesday, 20 October 2026, 13:00" in text(found[0])
    again = await sent_at(parts, clock, DAY_BEFORE + timedelta(days=7, hours=1))
    assert whom(again) == [ANA.key, EVE.key]


async def test_who_was_told_nothing_hears_of_no_change(parts: Parts, clock: VirtualClock) -> None:
    webinar = await scheduled(parts, WALL, **HERE)
    clock.advance_to(datetime(2026, 10, 10, 12, tzinfo=UTC))
    await parts.planner.tick()
    await moved(parts, webinar, WALL + timedelta(days=7))
    assert await sent_at(parts, clock, datetime(2026, 10, 12, 12, tzinfo=UTC)) == []


async def test_a_cancellation_reaches_who_was_reminded(parts: Parts, clock: VirtualClock) -> None:
    webinar = await scheduled(parts, WALL, **HERE)
    await sent_at(parts, clock, DAY_BEFORE)
    cancelled = Status.CANCELLED
    await parts.store.write(lambda c: revise(c, webinar, status=cancelled, now=parts.clock.now()))
    found = await sent_at(parts, clock, DAY_BEFORE + timedelta(minutes=1))
    assert whom(found) == [ANA.key, EVE.key]
    entries = [entry(one) for one in found]
    assert [one.method for one in entries if one] == ["CANCEL", "CANCEL"]


async def test_a_host_gets_what_a_speaker_gets(parts: Parts, clock: VirtualClock) -> None:
    here = {**HERE, "speakers": (), "hosts": (Speaker(name="Eve", address=EVE.mailbox),)}
    webinar = await scheduled(parts, WALL, **here)
    (found,) = await sent_at(parts, clock, DAY_BEFORE)
    assert found["To"] == EVE.mailbox
    assert "Host: Eve\n" in text(found).replace("\r\n", "\n")
    later = content(WALL + timedelta(days=7), **here)
    await parts.store.write(lambda c: revise(c, webinar, content=later, now=parts.clock.now()))
    (found,) = await sent_at(parts, clock, DAY_BEFORE + timedelta(hours=2))
    assert (found["To"], str(found["Subject"])[:8]) == (EVE.mailbox, "New time")


async def test_who_was_reminded_and_is_named_no_more_hears_that_it_moved(
    parts: Parts, clock: VirtualClock
) -> None:
    webinar = await scheduled(parts, WALL, **HERE)
    await sent_at(parts, clock, DAY_BEFORE)
    ana_alone = (Speaker(name="Ana", address=ANA.mailbox),)
    room = "https://meet.example.org/2"
    later = content(WALL + timedelta(days=7), **{**HERE, "speakers": ana_alone, "join_url": room})
    await parts.store.write(lambda c: revise(c, webinar, content=later, now=parts.clock.now()))
    ana, eve = await sent_at(parts, clock, DAY_BEFORE + timedelta(hours=2))
    assert (ana["To"], eve["To"]) == (ANA.mailbox, EVE.mailbox)
    assert [str(one["Subject"])[:8] for one in (ana, eve)] == ["New time", "New time"]
    assert [room in text(one) for one in (ana, eve)] == [True, False]
    assert "link to join" not in text(eve)
    theirs = entry(eve)
    assert theirs is not None
    assert (theirs.method, theirs.attendee) == ("REQUEST", EVE.mailbox)
    assert room not in eve.as_string()
    again = await sent_at(parts, clock, DAY_BEFORE + timedelta(days=7, hours=1))
    assert whom(again) == [ANA.key]


async def test_who_was_told_as_a_subscriber_and_stopped_silently_hears_that_it_moved(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await subscribed(parts)
    webinar = await scheduled(parts, WALL, **HERE)
    assert whom(await sent_at(parts, clock, datetime(2026, 10, 6, 7, tzinfo=UTC))) == [ANA.key]
    gone = people.State.UNSUBSCRIBED
    await parts.store.write(lambda c: people.end(c, ana.id, state=gone, now=clock.now()))
    await moved(parts, webinar, WALL + timedelta(days=7))
    found = await sent_at(parts, clock, datetime(2026, 10, 6, 9, tzinfo=UTC))
    assert whom(found) == [ANA.key]
    assert "as a speaker or host" not in text(found[0])
    assert "you are a speaker or host" in " ".join(text(found[0]).split())


async def test_a_moved_webinar_never_sends_a_speaker_its_old_time(
    parts: Parts, clock: VirtualClock
) -> None:
    webinar = await scheduled(parts, WALL, **HERE)
    clock.advance_to(DAY_BEFORE)
    await parts.planner.tick()
    await moved(parts, webinar, WALL + timedelta(days=7))
    await send_all(parts)
    assert {one.state for one in await queued(parts)} == {"cancelled"}


async def test_all_of_them_can_be_forgotten(parts: Parts, clock: VirtualClock) -> None:
    await scheduled(parts, WALL, **HERE)
    await sent_at(parts, clock, DAY_BEFORE)
    for one in (ANA, EVE):
        erased = await parts.person_changes.forget(one)
        assert erased.mails == 1
    assert {one.recipient for one in await queued(parts)} == {""}
    assert await sent_at(parts, clock, HOUR_BEFORE) == []  # and are not mailed again


async def test_planning_twice_sends_once(parts: Parts, clock: VirtualClock) -> None:
    await scheduled(parts, WALL, **HERE)
    await sent_at(parts, clock, DAY_BEFORE)
    for _ in range(3):
        await parts.planner.tick()
    assert await send_all(parts) == 0


async def test_they_are_written_to_in_the_language_they_chose(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await subscribed(parts)

    async def prefer(connection):  # type: ignore[no-untyped-def]
        await people.prefer(connection, ana.subscriber_id, now=clock.now(), language="fr")
        await people.end(connection, ana.id, state=people.State.UNSUBSCRIBED, now=clock.now())

    await parts.store.write(prefer)
    await scheduled(parts, WALL, **HERE)
    found = await sent_at(parts, clock, DAY_BEFORE)
    assert [str(one["Content-Language"]) for one in found] == ["fr", "en"]
