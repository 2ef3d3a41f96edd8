"""What became of an announcement, counted and grouped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from mailer.message.address import Address
from mailer.message.judgement import BounceClass
from mailer.parts import Parts
from mailer.store import (
    announcement,
    bounce,
    delivery,
    lease,
    outbox,
    people,
    settlement,
    unjudged,
)
from mailer.store.delivery import Failure
from mailer.store.outbox import Envelope, Priority, State
from mailer.store.schema import outbox as rows
from mailer.store.schema import subscription
from mailer.store.settlement import Settlement
from scheduler.model import Audience, Due, Kind
from tests.world import NOON, SERIES, scheduled, subscribed

HARD = BounceClass.HARD


async def announced(parts: Parts, count: int) -> int:
    """An announcement to so many readers, all leased to node a; its id. Rows count from 1."""
    webinar = await scheduled(parts, NOON.replace(tzinfo=None))
    due = Due(
        webinar_id=webinar.id,
        notice_id="announcement-1",
        kind=Kind.ANNOUNCEMENT,
        audience=Audience.SUBSCRIBED,
        sequence=0,
        due_at=NOON,
        released_at=NOON,
        expires_at=NOON.replace(year=2027),
    )
    await parts.store.write(lambda c: announcement.plan(c, [(SERIES.id, due)], now=NOON))
    one = Envelope(
        series_id=SERIES.id,
        announcement_id=1,
        kind="announcement",
        template="announcement",
        priority=Priority.BULK,
        recipient="r@example.net",
        recipient_key="r@example.net",
        language="en",
        zone="UTC",
        message_id="m",
    )
    envelopes = [
        replace(one, message_id=f"m{number}", recipient_key=f"r{number}@example.net")
        for number in range(count)
    ]
    await parts.store.write(lambda c: outbox.queue(c, envelopes, now=NOON))
    claimed = await parts.store.write(
        lambda c: lease.claim(
            c, node="a", now=NOON, limit=count, priorities=(Priority.BULK, Priority.BULK)
        )
    )
    assert [row.id for row in claimed] == list(range(1, count + 1))
    return 1


async def settle(parts: Parts, *settlements: Settlement) -> None:
    await parts.store.write(lambda c: settlement.settle(c, settlements, node="a", now=NOON))


def refused(row: int, reply: str, cls: BounceClass, status: str) -> Settlement:
    return Settlement(
        id=row,
        state=State.FAILED,
        reason="refused at rcpt",
        reply_code=550,
        reply=reply,
        bounce_class=cls,
        bounce_status=status,
    )


async def test_an_announcement_that_nothing_was_said_of_has_no_reasons(parts: Parts) -> None:
    found = await parts.store.read(
        lambda c: delivery.outcome(c, 99),
    )
    assert (found.came_back, found.failures) == (0, ())
    assert sum(getattr(found.states, name) for name in found.states.__dataclass_fields__) == 0


async def test_reasons_are_grouped_whatever_else_the_servers_said(parts: Parts) -> None:
    item = await announced(parts, 9)
    await settle(
        parts,
        Settlement(id=1, state=State.SENT, reply_code=250, reply="250 ok as A1"),
        Settlement(id=2, state=State.SENT, reply_code=250, reply="250 ok as B2"),
        refused(3, "550 5.1.1 <a@example.net> unknown", HARD, "5.1.1"),
        refused(4, "550 5.1.1 <b@example.net> unknown", HARD, "5.1.1"),
        refused(5, "554 5.7.1 blocked, see https://example.net/1", BounceClass.BLOCK, "5.7.1"),
        Settlement(
            id=6,
            state=State.FAILED,
            reason="refused at dot",
            reply_code=554,
            reply="554 5.6.0 bad content, id 7",
        ),
        Settlement(
            id=7,
            state=State.FAILED,
            reason="refused at dot",
            reply_code=554,
            reply="554 5.6.0 bad content, id 6",
        ),
        Settlement(
            id=8,
            state=State.QUEUED,
            reason="later (rcpt)",
            reply_code=450,
            reply="450 4.2.0 greylisted",
            not_before=NOON,
            attempts=1,
        ),
    )
    sent = await parts.store.read(lambda c: bounce.returned(c, 2))
    assert sent is not None
    await parts.store.write(
        lambda c: bounce.note_report(
            c, sent, cls=BounceClass.FULL, status="5.2.2", detail="mailbox full", now=NOON
        )
    )
    found = await parts.store.read(lambda c: delivery.outcome(c, item))
    states = found.states
    assert (states.sent, states.failed, states.deferred, states.sending) == (2, 5, 1, 1)
    assert found.came_back == 1
    assert found.failures == (
        Failure(
            state="failed",
            reason="refused at rcpt",
            cls=HARD,
            status="5.1.1",
            count=2,
            example="550 5.1.1 <a@example.net> unknown",
        ),
        Failure(
            state="failed",
            reason="refused at dot",
            cls=None,
            status="5.6.0",
            count=2,
            example="554 5.6.0 bad content, id 6",
        ),
        Failure(
            state="failed",
            reason="refused at rcpt",
            cls=BounceClass.BLOCK,
            status="5.7.1",
            count=1,
            example="554 5.7.1 blocked, see https://example.net/1",
        ),
        Failure(
            state="queued",
            reason="later (rcpt)",
            cls=None,
            status="4.2.0",
            count=1,
            example="450 4.2.0 greylisted",
        ),
        Failure(
            state="sent",
            reason="",
            cls=BounceClass.FULL,
            status="5.2.2",
            count=1,
            example="mailbox full",
        ),
    )


async def test_a_refusal_is_written_only_by_who_holds_the_row(parts: Parts) -> None:
    await announced(parts, 1)
    await parts.store.write(lambda c: lease.take_back(c, node="a", now=NOON))
    await settle(parts, refused(1, "550 5.1.1 unknown", HARD, "5.1.1"))
    assert not await parts.store.read(unjudged.any_waiting)


async def test_a_refusal_is_handed_out_once(parts: Parts) -> None:
    await announced(parts, 3)
    await settle(parts, *(refused(row, f"550 5.1.1 {row}", HARD, "5.1.1") for row in (1, 2, 3)))
    first = await parts.store.write(lambda c: unjudged.take(c, limit=2))
    assert [(one.id, one.cls, one.status, one.detail) for one in first] == [
        (1, HARD, "5.1.1", "550 5.1.1 1"),
        (2, HARD, "5.1.1", "550 5.1.1 2"),
    ]
    rest = await parts.store.write(lambda c: unjudged.take(c, limit=2))
    assert [one.id for one in rest] == [3]
    assert await parts.store.write(lambda c: unjudged.take(c, limit=2)) == ()


async def test_who_left_within_a_week_of_it_is_told_from_who_complained(parts: Parts) -> None:
    ends = [
        (people.State.COMPLAINED, timedelta(hours=1)),
        (people.State.UNSUBSCRIBED, timedelta(days=6)),
        (people.State.UNSUBSCRIBED, timedelta(days=7)),  # too late to be over this one
        (people.State.UNSUBSCRIBED, timedelta(hours=-1)),  # before it reached them
        (people.State.BOUNCED, timedelta(hours=1)),
    ]
    item = await announced(parts, len(ends))
    await settle(parts, *[Settlement(id=n + 1, state=State.SENT) for n in range(len(ends))])
    for number, (state, after) in enumerate(ends, 1):
        name = f"p{number}@example.net"
        reader = await subscribed(parts, Address(key=name, mailbox=name))

        async def unit(connection, reader=reader, state=state, after=after, number=number):  # type: ignore[no-untyped-def]
            await connection.execute(
                update(rows).where(rows.c.id == number).values(subscription_id=reader.id)
            )
            await connection.execute(
                update(subscription)
                .where(subscription.c.id == reader.id)
                .values(state=state, ended_at=NOON + after)
            )

        await parts.store.write(unit)
    found = await parts.store.read(lambda c: delivery.outcome(c, item))
    assert (found.complained, found.left) == (1, 1)
