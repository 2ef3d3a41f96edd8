"""Slices of an announcement's readers: what ends one, and what one costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from mailer import planner
from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import announcement, expansion, registration
from mailer.store.announcement import Announcement
from mailer.store.registration import State as Choice
from scheduler.model import Audience
from tests.outbox_reader import queued
from tests.store.rows import ledger
from tests.store.statements import recorded
from tests.world import NOON, scheduled, subscribed

IN_TEN_DAYS = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock


def person(number: int) -> Address:
    return Address(key=f"reader{number}@example.net", mailbox=f"Reader{number}@example.net")


async def planned(parts: Parts, readers: int) -> Announcement:
    """The announcement of a webinar, about to be let go to so many readers."""
    for number in range(1, readers + 1):
        await subscribed(parts, person(number))
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.plan()
    (item,) = await parts.store.read(lambda c: announcement.due(c, now=NOON))
    return item


async def look(
    parts: Parts, item: Announcement, after: int, limit: int
) -> tuple[list[int], int | None]:
    """The readers in a slice, and where the next begins."""
    found, reached = await parts.store.read(
        lambda c: expansion.readers(c, item, after=after, limit=limit, now=NOON)
    )
    return [reader.subscription_id for reader in found], reached


async def test_slices_follow_each_other_to_the_last_reader(parts: Parts) -> None:
    item = await planned(parts, 5)
    assert await look(parts, item, 0, 2) == ([1, 2], 2)
    assert await look(parts, item, 2, 2) == ([3, 4], 4)
    assert await look(parts, item, 4, 2) == ([5], None)


async def test_a_slice_ends_after_so_many_subscriptions_whoever_is_owed_it(parts: Parts) -> None:
    """A small audience among many people makes no long slice."""
    item = replace(await planned(parts, 5), audience=Audience.REGISTERED)
    assert item.webinar_id is not None
    await parts.store.write(
        lambda c: registration.choose(
            c, subscriber_id=3, webinar_id=item.webinar_id, state=Choice.REGISTERED, now=NOON
        )
    )
    assert await look(parts, item, 0, 2) == ([], 2)
    assert await look(parts, item, 2, 2) == ([3], 4)
    assert await look(parts, item, 4, 2) == ([], None)


async def test_groups_are_those_of_who_is_owed_it_in_a_slice(parts: Parts) -> None:
    item = await planned(parts, 3)
    everybody, registered = item, replace(item, audience=Audience.REGISTERED)

    async def groups(of: Announcement, after: int) -> tuple[set[object], int | None]:
        found, reached = await parts.store.read(
            lambda c: expansion.groups(c, of, after=after, limit=2, now=NOON)
        )
        return {group[:3] for group in found}, reached

    assert await groups(everybody, 0) == ({(None, None, False)}, 2)
    assert await groups(everybody, 2) == ({(None, None, False)}, None)
    assert await groups(registered, 0) == (set(), 2)


async def test_every_reader_gets_one_row_in_whatever_slices(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "SLICE", 2)
    monkeypatch.setattr(planner, "LOOK_SLICE", 2)
    await planned(parts, 5)
    await parts.planner.tick()
    assert [row.recipient for row in await queued(parts)] == [
        person(number).mailbox for number in range(1, 6)
    ]
    done = (await parts.store.read(announcement.listing))[0]
    assert (done.state, done.total) == ("done", 5)


async def test_a_row_has_what_its_reader_and_its_announcement_say(parts: Parts) -> None:
    item = await planned(parts, 1)
    await parts.planner.tick()
    (row,) = await ledger(parts)
    expected = {
        "series_id": "copyright",
        "announcement_id": item.id,
        "subscription_id": 1,
        "webinar_id": item.webinar_id,
        "kind": "announcement",
        "template": "announcement",
        "priority": 5,
        "recipient": "Reader1@example.net",
        "recipient_key": "reader1@example.net",
        "language": "en",
        "zone": "Europe/Zurich",
        "registered": False,
        "state": "queued",
        "queued_at": NOON,
        "not_before": NOON,
        "expires_at": item.expires_at,
        "attempts": 0,
        "data": "",
    }
    assert {name: row[name] for name in expected} == expected


async def test_a_slice_takes_the_same_statements_for_any_number_of_readers(
    parts: Parts,
) -> None:
    counted = []
    for first, last in ((1, 1), (2, 31)):
        for number in range(first, last + 1):
            await subscribed(parts, person(number))
        await scheduled(parts, IN_TEN_DAYS, f"webinar-{last}")
        await parts.planner.plan()
        with recorded(parts.store) as statements:
            await parts.planner.tick()
        counted.append(len(statements))
    assert counted[0] == counted[1]
    assert len(await queued(parts)) == 1 + 31
