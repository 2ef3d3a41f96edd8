"""Places in a webinar that has only so many, on each engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.intake import seating, subscribing
from mailer.intake.context import Asker, Outcome
from mailer.message.address import Address
from mailer.message.command import Channel, Confirm, Register, Skip
from mailer.parts import Parts
from mailer.store import people, registration
from mailer.store.engine import Connection
from mailer.store.people import Subscription
from mailer.store.programme import WebinarRecord
from mailer.store.registration import State
from mailer.store.suppression import Reason
from tests.flow.happenings import entry
from tests.outbox_reader import mails, queued, text
from tests.world import (
    NOON,
    SERIES,
    opened,
    revise,
    scheduled,
    send_all,
    subscribed,
)

START = datetime(2026, 10, 20, 13, 0)  # noqa: DTZ001 - wall clock
HERE = {"registration_url": "", "join_url": "https://meet.example.org/1"}


@pytest_asyncio.fixture
async def parts(migrated_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(migrated_url, tmp_path) as (parts, _):
        yield parts


async def crowd(parts: Parts, number: int) -> list[Subscription]:
    """So many subscribers."""
    addresses = [f"reader{one}@example.org" for one in range(number)]
    return [await subscribed(parts, Address(key=one, mailbox=one)) for one in addresses]


async def says(parts: Parts, who: Subscription, command: Register | Skip | Confirm) -> Outcome:
    asker = Asker(address=who.address, channel=Channel.MAIL, proven=True)
    return await parts.intake.command(SERIES, asker, command)


async def states(parts: Parts, webinar: WebinarRecord) -> dict[str, str]:
    found = await parts.store.read(lambda c: registration.listing(c, webinar_id=webinar.id))
    return {one.address.partition("@")[0]: one.state.value for one in found}


async def enlarge(parts: Parts, webinar: WebinarRecord, capacity: int) -> None:
    content = replace(webinar.content, capacity=capacity)
    await parts.store.write(lambda c: revise(c, webinar, content=content, now=parts.clock.now()))


async def full(parts: Parts, places: int, readers: Sequence[Subscription]) -> WebinarRecord:
    """A webinar for which these people have asked, in this order."""
    webinar = await scheduled(parts, START, capacity=places, **HERE)
    for one in readers:
        await says(parts, one, Register(number=1))
    return webinar


async def test_who_comes_too_late_waits_in_the_order_of_asking(parts: Parts) -> None:
    readers = await crowd(parts, 4)
    webinar = await scheduled(parts, START, capacity=2, **HERE)
    words = [(await says(parts, one, Register(number=1))).word for one in readers]
    assert words == ["registered", "registered", "waiting", "waiting"]
    await send_all(parts)
    found = mails(parts.config.outbound.maildir)
    assert [str(one["Subject"]).partition(":")[0] for one in found] == [
        *["You are registered"] * 2,
        *["You are on the waiting list"] * 2,
    ]
    assert ["as number 1" in text(one) for one in found] == [False, False, True, False]
    assert ["as number 2" in text(one) for one in found] == [False, False, False, True]
    assert [webinar.join_url in text(one) for one in found] == [True, True, False, False]
    assert [entry(one) is not None for one in found] == [True, True, False, False]


async def test_asking_again_changes_nothing(parts: Parts) -> None:
    readers = await crowd(parts, 3)
    webinar = await full(parts, 1, readers)
    for one in (readers[1], readers[0]):
        await says(parts, one, Register(number=1))
    await says(parts, readers[0], Skip(number=1))
    assert await states(parts, webinar) == {
        "reader0": "declined",
        "reader1": "registered",
        "reader2": "waiting",
    }


async def test_a_place_given_up_goes_to_the_first_who_waits_and_they_are_told(
    parts: Parts,
) -> None:
    readers = await crowd(parts, 3)
    webinar = await full(parts, 1, readers)
    await send_all(parts)
    before = len(mails(parts.config.outbound.maildir))
    await says(parts, readers[0], Skip(number=1))
    await send_all(parts)
    declined, moved = sorted(
        mails(parts.config.outbound.maildir)[before:], key=lambda one: str(one["To"])
    )
    assert str(moved["To"]) == "reader1@example.org"
    assert str(moved["Subject"]) == "You have a place now: CAPASSO"
    assert webinar.join_url in text(moved)
    assert str(moved["Auto-Submitted"]) == "auto-generated"
    invited, withdrawn = entry(moved), entry(declined)
    assert invited is not None
    assert withdrawn is not None
    assert (invited.method, withdrawn.method) == ("REQUEST", "CANCEL")


async def test_who_declines_and_asks_again_goes_to_the_end(parts: Parts) -> None:
    readers = await crowd(parts, 3)
    webinar = await full(parts, 1, readers)
    parts.clock.advance_to(NOON + timedelta(hours=1))  # type: ignore[attr-defined]
    await says(parts, readers[1], Skip(number=1))
    await says(parts, readers[1], Register(number=1))
    await says(parts, readers[0], Skip(number=1))
    assert await states(parts, webinar) == {
        "reader0": "declined",
        "reader1": "waiting",
        "reader2": "registered",
    }


async def test_a_larger_room_is_filled_by_the_next_round(parts: Parts) -> None:
    readers = await crowd(parts, 5)
    webinar = await full(parts, 1, readers)
    await enlarge(parts, webinar, 3)
    await parts.rounds.go()
    expected = ["registered"] * 3 + ["waiting"] * 2
    assert list((await states(parts, webinar)).values()) == expected
    told = [row for row in await queued(parts) if row.recipient in ("reader1@example.org",)]
    assert [row.template for row in told] == ["reply-register", "reply-register"]
    await parts.rounds.go()
    assert list((await states(parts, webinar)).values()) == expected


async def test_without_a_bound_nobody_waits_any_more(parts: Parts) -> None:
    readers = await crowd(parts, 5)
    webinar = await full(parts, 1, readers)
    await enlarge(parts, webinar, 0)
    await parts.rounds.go()
    assert set((await states(parts, webinar)).values()) == {"registered"}


async def test_a_smaller_room_takes_nobodys_place(parts: Parts) -> None:
    readers = await crowd(parts, 4)
    webinar = await full(parts, 3, readers)
    await enlarge(parts, webinar, 1)
    await says(parts, readers[0], Skip(number=1))
    await parts.rounds.go()
    assert await states(parts, webinar) == {
        "reader0": "declined",
        "reader1": "registered",
        "reader2": "registered",
        "reader3": "waiting",
    }


async def test_who_leaves_the_series_frees_a_place_and_has_the_first_claim_again(
    parts: Parts,
) -> None:
    readers = await crowd(parts, 3)
    webinar = await full(parts, 1, readers)

    async def leave(connection: Connection) -> None:
        context = parts.intake.context(connection, SERIES)
        asker = Asker(address=readers[0].address, channel=Channel.MAIL)
        await subscribing.end(
            context, asker, readers[0], state=people.State.UNSUBSCRIBED, reason=Reason.LEFT
        )

    await parts.store.write(leave)
    await parts.rounds.go()
    after = {"reader0": "waiting", "reader1": "registered", "reader2": "waiting"}
    assert await states(parts, webinar) == after
    await parts.store.write(lambda c: people.activate(c, readers[0].id, now=parts.clock.now()))
    await parts.rounds.go()
    assert await states(parts, webinar) == after
    await says(parts, readers[1], Skip(number=1))
    assert (await states(parts, webinar))["reader0"] == "registered"


async def test_nobody_moves_up_when_it_has_begun(parts: Parts) -> None:
    readers = await crowd(parts, 2)
    webinar = await full(parts, 1, readers)
    parts.clock.advance_to(webinar.starts_at + timedelta(minutes=1))  # type: ignore[attr-defined]
    await says(parts, readers[0], Skip(number=1))
    await parts.rounds.go()
    assert (await states(parts, webinar))["reader1"] == "waiting"


async def test_who_asks_when_it_has_begun_gets_the_place_that_is_free(parts: Parts) -> None:
    readers = await crowd(parts, 3)
    webinar = await full(parts, 1, readers[:2])
    parts.clock.advance_to(webinar.starts_at + timedelta(minutes=1))  # type: ignore[attr-defined]
    await says(parts, readers[0], Skip(number=1))
    assert (await says(parts, readers[2], Register(number=1))).word == "registered"
    assert (await says(parts, readers[1], Register(number=1))).word == "waiting"
    await says(parts, readers[2], Skip(number=1))
    assert (await says(parts, readers[1], Register(number=1))).word == "registered"


async def test_two_who_ask_at_once_never_get_the_same_place(parts: Parts) -> None:
    readers = await crowd(parts, 12)
    webinar = await scheduled(parts, START, capacity=5, **HERE)
    asked = (says(parts, one, Register(number=1)) for one in readers)
    await asyncio.gather(*asked)
    found = await states(parts, webinar)
    assert sorted(found.values()) == ["registered"] * 5 + ["waiting"] * 7


async def test_places_given_back_at_once_are_each_given_once(parts: Parts) -> None:
    readers = await crowd(parts, 9)
    webinar = await full(parts, 4, readers)
    going = (says(parts, one, Skip(number=1)) for one in readers[:3])
    await asyncio.gather(parts.rounds.go(), *going, parts.rounds.go())
    found = await states(parts, webinar)
    assert [found[f"reader{one}"] for one in range(9)] == [
        *["declined"] * 3,
        *["registered"] * 4,
        *["waiting"] * 2,
    ]
    told = [row.template for row in await queued(parts)]
    assert told.count("reply-register") == 9 + 3


async def test_many_move_up_in_more_than_one_transaction(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = await crowd(parts, 6)
    webinar = await full(parts, 1, readers)
    monkeypatch.setattr(seating, "MOVED_AT_ONCE", 2)
    await enlarge(parts, webinar, 6)
    await parts.rounds.go()
    assert set((await states(parts, webinar)).values()) == {State.REGISTERED.value}


async def test_registration_is_here_when_there_are_places_but_no_link_yet(parts: Parts) -> None:
    (reader,) = await crowd(parts, 1)
    await scheduled(parts, START, capacity=1, registration_url="")
    assert (await says(parts, reader, Register(number=1))).word == "registered"
    await send_all(parts)
    (answer,) = mails(parts.config.outbound.maildir)
    assert "The link to join follows before the webinar begins." in text(answer)
