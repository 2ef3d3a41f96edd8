"""The way into a webinar is told to who has a place, and to nobody else, in whatever mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.config.model import Web
from mailer.intake.context import Asker
from mailer.message.address import Address
from mailer.message.command import Channel, Register
from mailer.message.facts import Link, Speaker
from mailer.parts import Parts, open_parts
from mailer.store import programme
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, text
from tests.world import (
    ANA,
    BOB,
    NOON,
    SERIES,
    make_config,
    make_sqlite,
    revise,
    scheduled,
    send_all,
    subscribed,
)
from tests.world import content as content_of

WALL = datetime(2026, 10, 20, 13, 0)  # noqa: DTZ001 - wall clock, 11:00 UTC
EVE = Address(key="eve@example.com", mailbox="eve@example.com")
ROOMS = ("https://meet.example.org/first", "https://meet.example.org/second")
HERE = {
    "registration_url": "",
    "capacity": 1,
    "speakers": (Speaker(name="Eve", address=EVE.mailbox),),
}


@pytest_asyncio.fixture(params=["pages", "mail alone"])
async def parts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Parts]:
    await make_sqlite(tmp_path / "mailer.db")
    config = make_config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path)
    if request.param == "pages":
        config = replace(config, web=Web(base_url="https://webinars.example.org"))
    async with open_parts(config, VirtualClock(NOON)) as parts:
        yield parts


def everything(message: EmailMessage) -> str:
    """All that a mail says in any of its parts, decoded, long lines joined."""
    found = [str(message)]
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            found.append(payload.decode().replace("\r\n ", ""))
    return "\n".join(found)


async def go_to(parts: Parts, at: datetime) -> None:
    parts.clock.advance_to(at)  # type: ignore[attr-defined]
    for _ in range(2):
        await parts.planner.tick()
        await parts.rounds.go()
        await send_all(parts)


async def test_only_who_has_a_place_is_told(parts: Parts) -> None:
    readers = [await subscribed(parts), await subscribed(parts, BOB)]
    webinar = await scheduled(parts, WALL, join_url=ROOMS[0], **HERE)
    await go_to(parts, datetime(2026, 10, 6, 7, tzinfo=UTC))
    for one in readers:  # the second of them waits
        asker = Asker(address=one.address, channel=Channel.MAIL, proven=True)
        await parts.intake.command(SERIES, asker, Register(number=1))
    await go_to(parts, datetime(2026, 10, 8, 12, tzinfo=UTC))
    moved = content_of(WALL, join_url=ROOMS[1], **HERE)
    await parts.store.write(lambda c: revise(c, webinar, content=moved, now=parts.clock.now()))
    for at in (
        datetime(2026, 10, 8, 14, tzinfo=UTC),
        datetime(2026, 10, 19, 11, tzinfo=UTC),
        datetime(2026, 10, 20, 10, tzinfo=UTC),
        datetime(2026, 10, 20, 13, tzinfo=UTC),
    ):
        await go_to(parts, at)
    record = await parts.store.read(lambda c: programme.by_id(c, webinar.id))
    assert record is not None
    slides = (Link(title="Slides", url="https://www.example.org/slides"),)
    await parts.store.write(lambda c: revise(c, record, materials=slides, now=parts.clock.now()))
    await go_to(parts, datetime(2026, 10, 21, 9, tzinfo=UTC) + timedelta(hours=2))
    found = mails(parts.config.outbound.maildir)
    told = {str(one["To"]) for one in found if any(room in everything(one) for room in ROOMS)}
    places = {str(one["To"]) for one in found if "/j/" in everything(one)}
    if parts.config.web is None:
        assert (told, places) == ({ANA.mailbox, EVE.mailbox}, set())
    else:
        assert (told, places) == ({EVE.mailbox}, {ANA.mailbox})
    published = [one for one in found if "METHOD:PUBLISH" in everything(one)]
    assert len(published) >= 3
    assert "meet.example.org" not in "".join(map(everything, published))
    to_bob = [str(one["Subject"]).partition(":")[0] for one in found if BOB.mailbox in one["To"]]
    assert to_bob[0] == "Webinar on 20 October 2026"
    assert to_bob[-1] == "After the webinar"


async def test_another_room_is_told_to_who_has_no_link_of_their_own(parts: Parts) -> None:
    ana = await subscribed(parts)
    here = {**HERE, "capacity": 0}
    webinar = await scheduled(parts, WALL, join_url=ROOMS[0], **here)
    asker = Asker(address=ana.address, channel=Channel.MAIL, proven=True)
    await parts.intake.command(SERIES, asker, Register(number=1))
    await go_to(parts, datetime(2026, 10, 6, 7, tzinfo=UTC))
    await go_to(parts, datetime(2026, 10, 19, 12, tzinfo=UTC))  # Eve and Ana were reminded
    elsewhere = content_of(WALL, join_url=ROOMS[1], **here)
    record = await parts.store.write(
        lambda c: revise(c, webinar, content=elsewhere, now=parts.clock.now())
    )
    await go_to(parts, parts.clock.now() + timedelta(minutes=15))
    later = content_of(WALL + timedelta(days=1), join_url=ROOMS[1], **here)
    await parts.store.write(lambda c: revise(c, record, content=later, now=parts.clock.now()))
    await go_to(parts, parts.clock.now() + timedelta(minutes=15))
    updates = [
        (str(one["To"]), "The link to join has changed." in everything(one))
        for one in mails(parts.config.outbound.maildir)
        if str(one["Subject"]).startswith(("Changed:", "New time:"))
    ]
    of_the_room = [(ANA.mailbox, True)] if parts.config.web is None else []
    assert sorted(updates) == sorted(
        [*of_the_room, (EVE.mailbox, True), (ANA.mailbox, False), (EVE.mailbox, False)]
    )


async def test_a_room_that_is_gone_is_told_as_that(parts: Parts) -> None:
    ana = await subscribed(parts)
    here = {**HERE, "speakers": (), "capacity": 5}
    webinar = await scheduled(parts, WALL, join_url=ROOMS[0], **here)
    asker = Asker(address=ana.address, channel=Channel.MAIL, proven=True)
    await parts.intake.command(SERIES, asker, Register(number=1))
    await go_to(parts, datetime(2026, 10, 12, 12, tzinfo=UTC))
    nowhere = content_of(WALL, **here)
    await parts.store.write(lambda c: revise(c, webinar, content=nowhere, now=parts.clock.now()))
    await go_to(parts, parts.clock.now() + timedelta(minutes=15))
    last = text(mails(parts.config.outbound.maildir)[-1])
    assert "There is no link to join at the moment." in last
    assert "The link to join has changed." not in last
