"""The yearly question: who is asked, whose silence ends it, and what counts as an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import update

from mailer.housekeeping import Housekeeping
from mailer.intake import renewing
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.parts import Parts
from mailer.store import people, registration, suppression
from mailer.store.people import Act, State, Subscription
from mailer.store.schema import outbox
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, templates, text
from tests.world import ANA, BOB, NOON, SERIES, letter, mail_in, opened, send_all, subscribed
from tests.world import scheduled as put_in

ASKING = replace(SERIES, yearly_question=True, reports=())
DAY = timedelta(days=1)
WALL = datetime(2027, 12, 1, 13, 0)  # noqa: DTZ001 - wall clock


@pytest_asyncio.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    async with opened(migrated_url, tmp_path, ASKING) as world:
        yield world


@pytest_asyncio.fixture
async def parts(world: tuple[Parts, VirtualClock]) -> Parts:
    return world[0]


@pytest_asyncio.fixture
async def clock(world: tuple[Parts, VirtualClock]) -> VirtualClock:
    return world[1]


async def confirmed(parts: Parts, address: Address = ANA) -> Subscription:
    """Somebody who confirmed at this moment."""
    found = await subscribed(parts, address)
    await parts.store.write(
        lambda c: people.note_consent(
            c,
            found.id,
            act=Act.CONFIRMED,
            channel=Channel.MAIL,
            evidence="",
            now=parts.clock.now(),
        )
    )
    return found


async def on_day(parts: Parts, clock: VirtualClock, day: int) -> list[str]:
    """The templates of what has gone out, after the rounds of a day counted from the first."""
    clock.advance_to(NOON + day * DAY)
    await parts.rounds.go()
    await send_all(parts)
    return await templates(parts)


async def state(parts: Parts, who: Subscription) -> State:
    found = await parts.store.read(lambda c: people.by_id(c, who.id))
    assert found is not None
    return found.state


async def test_after_a_year_once_more_after_a_month_then_a_farewell(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await confirmed(parts)
    assert await on_day(parts, clock, 364) == []
    assert await on_day(parts, clock, 365) == ["question"]
    assert await on_day(parts, clock, 394) == ["question"]
    assert await on_day(parts, clock, 395) == ["question", "question"]
    assert await state(parts, ana) is State.ACTIVE
    assert await on_day(parts, clock, 424) == ["question", "question"]
    assert await on_day(parts, clock, 425) == ["question", "question", "farewell"]
    assert await state(parts, ana) is State.UNSUBSCRIBED
    assert await on_day(parts, clock, 900) == ["question", "question", "farewell"]
    acts = [one.act for one in await parts.store.read(lambda c: people.consents(c, ana.id))]
    assert acts == [Act.CONFIRMED, Act.LAPSED]
    hashed = await parts.store.read(
        lambda c: suppression.of_address(c, parts.intake.context(c, ASKING).address_hash(ANA))
    )
    assert hashed == ()  # silence is no refusal


async def test_what_each_of_them_says(parts: Parts, clock: VirtualClock) -> None:
    await confirmed(parts)
    for day in (365, 395, 425):
        await on_day(parts, clock, day)
    first, last, farewell = mails(parts.config.outbound.maildir)
    said = [" ".join(text(one).split()) for one in (first, last, farewell)]
    assert "since 1 October 2026. Once a year" in said[0]
    assert "we ask once more, and stop then" in said[0]
    assert "not long ago" in said[1]
    assert "If we hear nothing by 30 November 2027, we stop writing to you." in said[1]
    assert "We asked you twice" in said[2]
    assert str(first["Reply-To"]).startswith("webinars+confirm-")
    assert str(farewell["Auto-Submitted"]) == "auto-generated"


@pytest.mark.parametrize("answered", [1, 2])
async def test_an_empty_reply_to_either_question_is_a_yes_for_a_year(
    parts: Parts, clock: VirtualClock, answered: int
) -> None:
    ana = await confirmed(parts)
    await on_day(parts, clock, 365)
    if answered == 2:
        await on_day(parts, clock, 395)
    to = str(mails(parts.config.outbound.maildir)[-1]["Reply-To"])
    assert (await mail_in(parts, letter(ANA.mailbox, to), to)).word == "stays"
    asked = ["question"] * answered
    at = 365 if answered == 1 else 395
    assert await on_day(parts, clock, at + 100) == asked
    assert await state(parts, ana) is State.ACTIVE
    assert await on_day(parts, clock, at + 364) == asked
    assert await on_day(parts, clock, at + 366) == [*asked, "question"]


async def test_the_way_back_in_the_farewell_leads_back(parts: Parts, clock: VirtualClock) -> None:
    ana = await confirmed(parts)
    for day in (365, 395, 425):
        await on_day(parts, clock, day)
    farewell = text(mails(parts.config.outbound.maildir)[-1])
    (to,) = [line for line in farewell.splitlines() if line.startswith("webinars+confirm-")]
    assert (await mail_in(parts, letter(ANA.mailbox, to), to)).word == "confirmed"
    assert await state(parts, ana) is State.ACTIVE
    assert (await on_day(parts, clock, 426))[3:] == ["welcome"]


async def test_any_sign_of_their_own_answers(parts: Parts, clock: VirtualClock) -> None:
    ana, bob = await confirmed(parts), await confirmed(parts, BOB)
    webinar = await put_in(parts, WALL)
    assert await on_day(parts, clock, 365) == ["question", "question"]
    clock.advance_to(NOON + 370 * DAY)
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "programme"))
    await parts.store.write(
        lambda c: registration.choose(
            c, bob.subscriber_id, webinar.id, registration.State.DECLINED, now=clock.now()
        )
    )
    await send_all(parts)
    assert (await on_day(parts, clock, 396)).count("question") == 2
    assert await state(parts, ana) is State.ACTIVE


async def keep_house(parts: Parts, clock: VirtualClock, span: timedelta) -> None:
    """Erase the journal as it is erased after some time."""
    settings = replace(parts.config.retention, inbound=span)
    await Housekeeping(parts.store, settings, clock, node_id="a").sweep()


async def test_a_mail_that_is_erased_by_now_still_was_a_sign(
    parts: Parts, clock: VirtualClock
) -> None:
    await confirmed(parts)
    clock.advance_to(NOON + 200 * DAY)
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "programme"))
    clock.advance_to(NOON + 300 * DAY)
    await keep_house(parts, clock, 30 * DAY)
    assert "question" not in await on_day(parts, clock, 370)
    assert (await on_day(parts, clock, 566)).count("question") == 1  # a year after that mail


async def test_an_erased_mail_answers_the_question_before_it_and_none_after_it(
    parts: Parts, clock: VirtualClock
) -> None:
    await confirmed(parts)
    await confirmed(parts, BOB)
    assert (await on_day(parts, clock, 366)).count("question") == 2
    clock.advance_to(NOON + 367 * DAY)
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "programme"))
    clock.advance_to(NOON + 377 * DAY)
    await keep_house(parts, clock, 7 * DAY)
    assert (await on_day(parts, clock, 397)).count("question") == 3  # Bob, once more
    assert (await on_day(parts, clock, 428)).count("farewell") == 1


async def test_an_automatic_reply_is_no_sign(parts: Parts, clock: VirtualClock) -> None:
    await confirmed(parts)
    await on_day(parts, clock, 365)
    away = letter(ANA.mailbox, SERIES.address, "Away", "", "Auto-Submitted: auto-replied")
    await mail_in(parts, away)
    assert await on_day(parts, clock, 395) == ["question", "question"]


async def test_who_registered_within_the_year_is_not_asked(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await confirmed(parts)
    webinar = await put_in(parts, WALL)
    clock.advance_to(NOON + 100 * DAY)
    await parts.store.write(
        lambda c: registration.choose(
            c, ana.subscriber_id, webinar.id, registration.State.REGISTERED, now=clock.now()
        )
    )
    assert await on_day(parts, clock, 365) == []
    assert await on_day(parts, clock, 466) == ["question"]


async def test_a_question_that_did_not_leave_ends_nothing(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await confirmed(parts)
    await on_day(parts, clock, 365)
    await on_day(parts, clock, 395)
    await parts.store.write(lambda c: c.execute(update(outbox).values(state="failed")))
    await on_day(parts, clock, 430)
    assert await state(parts, ana) is State.ACTIVE
    assert await on_day(parts, clock, 520) == ["question"] * 3  # from the beginning


async def test_who_paused_is_left_in_peace(parts: Parts, clock: VirtualClock) -> None:
    ana = await confirmed(parts)
    await parts.store.write(lambda c: people.pause(c, ana.id, until=NOON + 400 * DAY))
    assert await on_day(parts, clock, 399) == []
    assert await on_day(parts, clock, 401) == ["question"]


async def test_it_is_asked_only_where_the_series_asks_it(migrated_url: str, tmp_path: Path) -> None:
    silent = replace(ASKING, yearly_question=False)
    async with opened(migrated_url, tmp_path, silent) as (parts, clock):
        await confirmed(parts)
        assert await on_day(parts, clock, 800) == []


async def test_many_are_asked_in_more_than_one_transaction(
    parts: Parts, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing, "SLICE", 2)
    for number in range(5):
        address = f"reader{number}@example.org"
        await confirmed(parts, Address(key=address, mailbox=address))
    assert await on_day(parts, clock, 365) == ["question"] * 5
    assert await on_day(parts, clock, 366) == ["question"] * 5
