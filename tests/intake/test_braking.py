"""A server that suddenly calls everybody unknown costs nobody their subscription."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.dossier import dossier
from mailer.intake import answering, braking
from mailer.intake.braking import Brake
from mailer.intake.context import Asker
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.parts import Parts
from mailer.store import people
from mailer.store.people import State, Subscription
from scheduler.clock import VirtualClock
from tests.intake.returning import last_return_path, noted, now_of, report, send_one
from tests.outbox_reader import mails, templates
from tests.world import BOB, NOON, SERIES, opened, send_all, subscribed

DAY = timedelta(days=1)
MANY = 20
HARD = "bounce: hard 5.1.1"


@pytest_asyncio.fixture
async def both(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    """One series, on each engine."""
    async with opened(migrated_url, tmp_path, SERIES) as world:
        yield world


async def come(parts: Parts, domain: str, number: int = MANY) -> list[Subscription]:
    """So many people of one domain."""

    async def unit(connection):  # type: ignore[no-untyped-def]
        found = []
        for n in range(number):
            address = Address(key=f"p{n}@{domain}", mailbox=f"p{n}@{domain}")
            asked = await people.ask(
                connection, series_id=SERIES.id, address=address, language=None, now=NOON
            )
            await people.activate(connection, asked.id, now=NOON)
            found.append(await people.by_id(connection, asked.id))
        return found

    return await parts.store.write(unit)


async def all_come_back(parts: Parts, readers: list[Subscription], day: int) -> list[str]:
    """A mail to each of them, and a report for each: what was noted down."""

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        for one in readers:
            await answering.welcome(context, Asker(address=one.address, channel=Channel.MAIL), one)

    await parts.store.write(unit)
    await send_all(parts)
    sent = mails(parts.config.outbound.maildir)[-len(readers) :]
    paths = [str(one["X-Envelope-From"]).strip("<>") for one in sent]
    return [(await report(parts, path, number=100 * day + n)).word for n, path in enumerate(paths)]


async def held(parts: Parts, clock: VirtualClock) -> tuple[Brake, ...]:
    return await parts.store.read(lambda c: braking.brakes(c, now=clock.now()))


async def accept(parts: Parts, domain: str) -> int:
    async def unit(connection):  # type: ignore[no-untyped-def]
        return await braking.accept(parts.intake.context(connection, SERIES), domain)

    again: int = await parts.store.write(unit)
    await parts.refusals.catch_up()
    return again


async def test_in_a_wave_bounces_are_kept_and_nobody_is_tested(
    both: tuple[Parts, VirtualClock], caplog: pytest.LogCaptureFixture
) -> None:
    parts, clock = both
    readers = await come(parts, "example.com")
    clock.advance_to(NOON + DAY)
    assert await all_come_back(parts, readers, 1) == [HARD] * MANY
    clock.advance_to(NOON + 1.4 * DAY)
    with caplog.at_level(logging.ERROR):
        assert await all_come_back(parts, readers, 2) == [HARD] * MANY
        clock.advance_to(NOON + 2 * DAY)
        assert await all_come_back(parts, readers, 3) == [f"{HARD}, held"] * MANY
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 2
    assert len(await noted(parts)) == 3 * MANY
    assert "probe" not in await templates(parts)
    now = clock.now()
    assert await held(parts, clock) == (
        Brake(domain="*", hard=60, people=20, since=now, accepted_until=None),
        Brake(domain="example.com", hard=60, people=20, since=now, accepted_until=None),
    )
    found = await dossier(parts, readers[0].address)
    assert [one.domain for one in found.held] == ["*", "example.com"]


async def test_a_test_that_comes_back_in_a_wave_removes_nobody(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    readers = await come(parts, "example.com")
    first = readers[0]
    for day in (1, 2):
        clock.advance_to(NOON + day * DAY)
        word = (await report(parts, await send_one(parts, first), number=day)).word
    assert word == f"{HARD}, tested"
    await send_all(parts)
    test = last_return_path(parts)
    await all_come_back(parts, readers[1:], 3)
    assert (await report(parts, test, number=9_999)).word == f"{HARD}, held"
    assert (await now_of(parts, first)).state is State.ACTIVE


async def test_when_the_share_has_fallen_the_next_bounce_counts_as_ever(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    readers = await come(parts, "example.com")
    for day in (1, 2):
        clock.advance_to(NOON + day * DAY)
        await all_come_back(parts, readers, day)
    assert len(await held(parts, clock)) == 2
    clock.advance_to(NOON + 3.5 * DAY)
    assert await held(parts, clock) == ()
    word = (await report(parts, await send_one(parts, readers[0]), number=999)).word
    assert word == f"{HARD}, tested"


async def test_an_organiser_says_that_they_are_gone_indeed(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    readers = await come(parts, "example.com")
    for day in (1, 2):
        clock.advance_to(NOON + day * DAY)
        await all_come_back(parts, readers, day)
    assert await accept(parts, "example.com") == 2 * MANY
    assert "probe" not in await templates(parts)  # all domains together are held still
    assert await accept(parts, "*") == 2 * MANY
    assert (await templates(parts)).count("probe") == MANY
    assert [one.since for one in await held(parts, clock)] == [None, None]


async def test_a_wave_at_one_domain_of_many_holds_nobody_elsewhere(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    readers = await come(parts, "example.com")
    others = await come(parts, "example.org", 200 + 2 * MANY)
    bob = await subscribed(parts, BOB)
    assert bob.address.domain == "example.com"
    clock.advance_to(NOON + DAY)
    await report(parts, await send_one(parts, others[0]), number=1)
    await report(parts, await send_one(parts, readers[0]), number=2)
    clock.advance_to(NOON + 2 * DAY)
    await all_come_back(parts, readers[1:], 2)
    word = (await report(parts, await send_one(parts, readers[0]), number=3)).word
    assert word == f"{HARD}, held"
    word = (await report(parts, await send_one(parts, others[0]), number=4)).word
    assert word == f"{HARD}, tested"
