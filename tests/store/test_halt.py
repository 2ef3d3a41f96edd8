"""Pausing, resuming and cancelling an announcement, exact to the recipient, on both engines."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from mailer.errors import AnnouncementRefused
from mailer.files.announcement_md import Manuscript
from mailer.intake import announcing
from mailer.intake.halting import Act, halting
from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import announcement, halt, ledger, outbox, withdrawal, written
from mailer.store.announcement import BY_HAND, State
from mailer.store.outbox import State as RowState
from mailer.store.settlement import Settlement
from scheduler.model import Audience, Due, Kind
from tests.store.rows import claim, envelope, queue, settle, states, take_back
from tests.store.rows import ledger as rows
from tests.world import NOON, SERIES, scheduled, subscribed

LATER = NOON + timedelta(minutes=5)
TEXT = Manuscript(subject="News", body="Dear all")


async def announced(parts: Parts, readers: int = 5) -> int:
    """An announcement that an organiser wrote, with a row for each of so many readers."""
    for number in range(readers):
        address = f"reader{number}@example.net"
        await subscribed(parts, Address(key=address, mailbox=address))

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        return await announcing.queue(context, TEXT, writer="", approved=True, again=True)

    queued = await parts.store.write(unit)
    await parts.planner.tick()
    return int(queued.item.id)


async def act(parts: Parts, number: int, wanted: Act) -> halt.Left:
    return await halting(parts.store, number, wanted, who="ada@example.org", now=NOON)


async def state(parts: Parts, number: int) -> State:
    found = await parts.store.read(lambda c: announcement.by_id(c, number))
    assert found is not None
    return found.state


async def ids(parts: Parts) -> list[int]:
    return [row.id for row in await claim(parts)]


async def test_nothing_of_a_paused_announcement_is_claimed_and_all_of_it_afterwards(
    parts: Parts,
) -> None:
    number = await announced(parts)
    before = [row["not_before"] for row in await rows(parts)]
    assert await act(parts, number, Act.PAUSE) == halt.Left(sent=0, waiting=5, under_way=0)
    assert await ids(parts) == []
    assert await parts.store.write(lambda c: outbox.retry(c, now=NOON)) == 0
    assert await act(parts, number, Act.RESUME) == halt.Left(sent=0, waiting=5, under_way=0)
    assert [row["not_before"] for row in await rows(parts)] == before
    assert await ids(parts) == [1, 2, 3, 4, 5]


async def test_another_announcement_goes_on(parts: Parts) -> None:
    paused = await announced(parts, 2)
    other = await announced(parts, 0)
    await act(parts, paused, Act.PAUSE)
    assert {row.announcement_id for row in await claim(parts)} == {other}


async def test_what_is_under_way_at_a_pause_ends_as_it_ends(parts: Parts) -> None:
    number = await announced(parts)
    sent, deferred, doubtful = (await claim(parts, 3))[:3]
    assert await act(parts, number, Act.PAUSE) == halt.Left(sent=0, waiting=2, under_way=3)
    await settle(
        parts,
        Settlement(id=sent.id, state=RowState.SENT),
        Settlement(id=deferred.id, state=RowState.QUEUED, attempts=1, not_before=LATER),
    )
    assert await take_back(parts) == 1
    assert await claim(parts, now=LATER) == []
    assert await act(parts, number, Act.RESUME) == halt.Left(sent=1, waiting=4, under_way=0)
    found = [row.id for row in await claim(parts, now=LATER)]
    assert found == sorted([deferred.id, doubtful.id, 4, 5])


async def test_what_is_still_under_way_when_it_goes_on_is_not_left_behind(parts: Parts) -> None:
    number = await announced(parts, 1)
    (row,) = await claim(parts)
    await act(parts, number, Act.PAUSE)
    await act(parts, number, Act.RESUME)
    await settle(parts, Settlement(id=row.id, state=RowState.QUEUED, not_before=LATER))
    assert [one.id for one in await claim(parts, now=LATER)] == [row.id]


async def test_who_leaves_during_a_pause_gets_nothing_afterwards(parts: Parts) -> None:
    number = await announced(parts, 2)
    await act(parts, number, Act.PAUSE)
    await parts.store.write(
        lambda c: withdrawal.cancel_for(
            c,
            subscription_id=1,
            recipient_key="reader0@example.net",
            reason="left",
            now=NOON,
        )
    )
    await act(parts, number, Act.RESUME)
    assert [row.recipient for row in await claim(parts)] == ["reader1@example.net"]


async def test_what_is_paused_for_too_long_expires(parts: Parts) -> None:
    number = await announced(parts, 1)
    await act(parts, number, Act.PAUSE)
    late = NOON + announcing.LIVES_FOR
    await parts.store.write(lambda c: withdrawal.expire(c, now=late, limit=10))
    await parts.store.write(lambda c: announcement.plan(c, [], now=late))
    assert await states(parts) == [("expired", "too late")]
    assert await state(parts, number) is State.EXPIRED


async def test_it_is_paused_before_it_is_due(parts: Parts) -> None:
    for number in range(2):
        address = f"reader{number}@example.net"
        await subscribed(parts, Address(key=address, mailbox=address))

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        return await announcing.queue(context, TEXT, writer="", approved=True)

    number = (await parts.store.write(unit)).item.id
    await act(parts, number, Act.PAUSE)
    await parts.planner.tick()
    assert await rows(parts) == []
    await act(parts, number, Act.RESUME)
    await parts.planner.tick()
    assert await state(parts, number) is State.DONE
    assert len(await claim(parts)) == 2


async def test_an_expansion_stops_where_it_is_and_goes_on_from_there(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.planner.SLICE", 2)
    for number in range(5):
        address = f"reader{number}@example.net"
        await subscribed(parts, Address(key=address, mailbox=address))

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        return await announcing.queue(context, TEXT, writer="", approved=True)

    number = (await parts.store.write(unit)).item.id
    item = await parts.store.read(lambda c: announcement.by_id(c, number))
    assert item is not None
    planner = parts.planner
    await planner._draw_all(item)
    added, after = await parts.store.write(lambda c: planner._expand(c, item=item, after=0))
    assert (added, after) == (2, 2)
    await act(parts, number, Act.PAUSE)
    assert await parts.store.write(lambda c: planner._expand(c, item=item, after=2)) == (0, None)
    assert await state(parts, number) is State.PAUSED
    assert await claim(parts) == []
    await act(parts, number, Act.RESUME)
    await planner.tick()
    found = await claim(parts)
    assert sorted(row.recipient for row in found) == [f"reader{n}@example.net" for n in range(5)]


async def test_resuming_what_was_all_queued_queues_nobody_again(parts: Parts) -> None:
    number = await announced(parts, 3)
    first, *_ = await claim(parts, 1)
    await settle(parts, Settlement(id=first.id, state=RowState.FAILED, reason="refused"))
    await act(parts, number, Act.PAUSE)
    await act(parts, number, Act.RESUME)
    assert await state(parts, number) is State.DONE
    await parts.planner.tick()
    assert [row["state"] for row in await rows(parts)] == ["failed", "queued", "queued"]


async def test_fifty_pauses_at_random_lose_nobody_and_double_nobody(parts: Parts) -> None:
    chance = random.Random(7)
    number = await announced(parts, 40)
    sent: list[int] = []
    for _ in range(50):
        await act(parts, number, Act.PAUSE)
        assert await claim(parts) == []
        await act(parts, number, Act.RESUME)
        taken = await claim(parts, chance.randrange(3))
        if chance.random() < 0.5:
            await act(parts, number, Act.PAUSE)
            await act(parts, number, Act.RESUME)
        for row in taken:
            gone = chance.random() < 0.8
            after = RowState.SENT if gone else RowState.QUEUED
            await settle(parts, Settlement(id=row.id, state=after, not_before=NOON))
            sent += [row.id] if gone else []
    sent += await ids(parts)
    assert sorted(sent) == list(range(1, 41))


async def test_slices_reach_everybody(parts: Parts) -> None:
    number = await announced(parts, 7)
    await parts.store.write(lambda c: halt.pause(c, number))
    after: int | None = 0
    slices = 0
    while after is not None:
        at = after
        after = await parts.store.write(
            lambda c, at=at: halt.follow(c, number, after=at, limit=3, now=NOON)
        )
        slices += 1
    assert slices == 3
    assert await claim(parts) == []
    assert await parts.store.read(halt.lagging) == ()


async def test_who_speaks_and_is_not_subscribed_is_halted_as_well(parts: Parts) -> None:
    number = await announced(parts, 2)
    await queue(
        parts,
        envelope(kind="reminder", announcement_id=number, recipient_key="speaker@example.net"),
    )
    await act(parts, number, Act.PAUSE)
    assert await claim(parts) == []
    await act(parts, number, Act.RESUME)
    assert len(await claim(parts)) == 3


async def test_the_planner_finishes_what_was_begun(parts: Parts) -> None:
    number = await announced(parts, 3)
    await parts.store.write(lambda c: halt.pause(c, number))
    assert await parts.store.read(halt.lagging) == (number,)
    await parts.planner.tick()
    assert await parts.store.read(halt.lagging) == ()
    assert await claim(parts) == []


async def test_what_was_cut_off_in_the_middle_is_finished_exactly(parts: Parts) -> None:
    number = await announced(parts, 5)
    before = [row["not_before"] for row in await rows(parts)]

    async def one_slice() -> None:
        await parts.store.write(lambda c: halt.follow(c, number, after=0, limit=2, now=NOON))

    await parts.store.write(lambda c: halt.pause(c, number))
    await one_slice()
    await parts.planner.tick()
    assert [row["not_before"] - halt.PARKED_FOR for row in await rows(parts)] == before  # type: ignore[operator]
    await parts.store.write(lambda c: halt.resume(c, number, now=NOON))
    await one_slice()
    await parts.planner.tick()
    assert [row["not_before"] for row in await rows(parts)] == before
    assert len(await claim(parts)) == 5


async def test_cancelling_closes_what_waits_and_tells_what_is_under_way(parts: Parts) -> None:
    number = await announced(parts, 4)
    sent, going = await claim(parts, 2)
    await settle(parts, Settlement(id=sent.id, state=RowState.SENT))
    assert await act(parts, number, Act.CANCEL) == halt.Left(sent=1, waiting=0, under_way=1)
    assert await states(parts) == [
        ("sent", ""),
        ("sending", ""),
        ("cancelled", BY_HAND),
        ("cancelled", BY_HAND),
    ]
    await settle(
        parts, Settlement(id=going.id, state=RowState.QUEUED, attempts=1, not_before=LATER)
    )
    assert await claim(parts, now=LATER) == []
    assert (await states(parts))[1] == ("expired", "too late")


async def test_a_paused_announcement_can_be_cancelled(parts: Parts) -> None:
    number = await announced(parts, 2)
    await act(parts, number, Act.PAUSE)
    await act(parts, number, Act.CANCEL)
    assert await states(parts) == [("cancelled", BY_HAND)] * 2
    with pytest.raises(AnnouncementRefused, match="is cancelled: it cannot be resumed"):
        await act(parts, number, Act.RESUME)


async def test_what_has_gone_out_cannot_be_halted(parts: Parts) -> None:
    number = await announced(parts, 1)
    (row,) = await claim(parts)
    await settle(parts, Settlement(id=row.id, state=RowState.SENT))
    for wanted in (Act.PAUSE, Act.CANCEL):
        with pytest.raises(AnnouncementRefused, match="has gone out already"):
            await act(parts, number, wanted)
    with pytest.raises(AnnouncementRefused, match="there is no announcement 9"):
        await act(parts, 9, Act.PAUSE)


async def test_a_notice_of_the_programme_stays_cancelled_and_paused(parts: Parts) -> None:
    def due(webinar_id: int) -> Due:
        return Due(
            webinar_id=webinar_id,
            notice_id="reminder-1",
            kind=Kind.REMINDER,
            audience=Audience.SUBSCRIBED,
            sequence=0,
            due_at=LATER,
            released_at=LATER,
            expires_at=LATER + timedelta(hours=1),
        )

    first = await scheduled(parts, datetime(2026, 10, 7, 13), "a")  # noqa: DTZ001
    second = await scheduled(parts, datetime(2026, 10, 7, 15), "b")  # noqa: DTZ001
    dues = [(SERIES.id, due(first.id)), (SERIES.id, due(second.id))]
    await parts.store.write(lambda c: announcement.plan(c, dues, now=NOON))
    await act(parts, 1, Act.CANCEL)
    await act(parts, 2, Act.PAUSE)
    await parts.store.write(lambda c: announcement.plan(c, dues, now=NOON))
    assert [await state(parts, n) for n in (1, 2)] == [State.CANCELLED, State.PAUSED]
    assert await parts.store.read(lambda c: announcement.due(c, now=LATER)) == ()
    held = await parts.store.read(announcement.held_back)
    assert held == {one.key for _, one in dues}
    await act(parts, 2, Act.RESUME)
    assert await state(parts, 2) is State.PLANNED


async def test_the_plan_leaves_alone_what_organisers_wrote(parts: Parts) -> None:
    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        return await announcing.queue(context, TEXT, writer="", approved=True)

    number = (await parts.store.write(unit)).item.id
    await parts.store.write(lambda c: announcement.plan(c, [], now=NOON))
    assert await state(parts, number) is State.PLANNED
    late = NOON + announcing.LIVES_FOR
    await parts.store.write(lambda c: announcement.plan(c, [], now=late))
    assert await state(parts, number) is State.EXPIRED


async def test_a_paused_mail_is_explained(parts: Parts) -> None:
    number = await announced(parts, 1)
    await act(parts, number, Act.PAUSE)
    (mail,) = await parts.store.read(lambda c: ledger.mails(c, "reader0@example.net"))
    assert (mail.state, mail.reason, mail.at) == ("queued", halt.PAUSED, NOON)
    assert await parts.store.read(lambda c: ledger.waiting(c, now=NOON)) == ()


async def test_who_did_what_is_kept(parts: Parts) -> None:
    number = await announced(parts, 1)
    await act(parts, number, Act.PAUSE)
    await act(parts, number, Act.RESUME)
    found = await parts.store.read(lambda c: written.deeds(c, number))
    assert [(one.who, one.act) for one in found] == [
        ("the command line", "queued"),
        ("the command line", "approved"),
        ("ada@example.org", "paused"),
        ("ada@example.org", "resumed"),
    ]
