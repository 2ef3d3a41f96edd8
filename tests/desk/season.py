"""Half a year of a series in the ledger: people who came and went, mailings and what came back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.message.judgement import BounceClass
from mailer.parts import Parts
from mailer.store import announcement, bounce, lease, outbox, people, settlement
from mailer.store.engine import Connection
from mailer.store.outbox import Envelope, Priority, State
from mailer.store.people import Act
from mailer.store.schema import announcement as announcements
from mailer.store.settlement import Settlement
from scheduler.model import Audience, Due, Kind
from tests.world import NOON, SERIES, scheduled

BULK = (Priority.BULK, Priority.BULK)
BACK = ((BounceClass.HARD, "5.1.1"), (BounceClass.FULL, "5.2.2"))


async def came(parts: Parts, number: int, at: datetime, *, went: datetime | None = None) -> None:
    """Somebody subscribes, and perhaps leaves."""
    address = Address(key=f"r{number}@example.net", mailbox=f"r{number}@example.net")

    async def unit(connection: Connection) -> None:
        one = await people.ask(
            connection, series_id=SERIES.id, address=address, language=None, now=at
        )
        await people.activate(connection, one.id, now=at)
        await said(connection, one.id, Act.CONFIRMED, at)
        if went is not None:
            await people.end(connection, one.id, state=people.State.UNSUBSCRIBED, now=went)
            await said(connection, one.id, Act.LEFT, went)

    await parts.store.write(unit)


async def said(connection: Connection, subscription_id: int, act: Act, at: datetime) -> None:
    await people.note_consent(
        connection, subscription_id, act=act, channel=Channel.WEB, evidence="test", now=at
    )


async def mailing(
    parts: Parts,
    at: datetime,
    slug: str,
    *,
    sent: int,
    back: int = 0,
    refused: int = 0,
    title: str = "",
) -> int:
    """A mailing to so many, and what became of it; its id."""
    webinar = await scheduled(
        parts, at.replace(tzinfo=None), slug, title=title or f"Webinar {slug}"
    )
    due = Due(
        webinar_id=webinar.id,
        notice_id="announcement-1",
        kind=Kind.ANNOUNCEMENT,
        audience=Audience.SUBSCRIBED,
        sequence=0,
        due_at=at,
        released_at=at,
        expires_at=at + timedelta(days=365),
    )
    await parts.store.write(lambda c: announcement.plan(c, [(SERIES.id, due)], now=at))
    listed = await parts.store.read(announcement.listing)
    made = next(one.id for one in listed if one.webinar_id == webinar.id)
    total = sent + refused
    await parts.store.write(lambda c: outbox.queue(c, _rows(made, total), now=at))
    rows = await parts.store.write(
        lambda c: lease.claim(c, node="a", now=at, limit=total, priorities=BULK)
    )
    outcomes = [
        Settlement(id=row.id, state=State.SENT, reply_code=250, reply="250 ok")
        if number < sent
        else Settlement(
            id=row.id,
            state=State.FAILED,
            reason="refused at rcpt",
            reply_code=550,
            reply="550 5.7.1 not from here",
            bounce_class=BounceClass.BLOCK,
            bounce_status="5.7.1",
        )
        for number, row in enumerate(rows)
    ]

    async def unit(connection: Connection) -> None:
        await settlement.settle(connection, outcomes, node="a", now=at)
        await connection.execute(
            update(announcements)
            .where(announcements.c.id == made)
            .values(total=total, state=announcement.State.DONE)
        )
        for number, row in enumerate(rows[:back]):
            mail = await bounce.returned(connection, row.id)
            assert mail is not None
            cls, status = BACK[number % len(BACK)]
            await bounce.note_report(
                connection, mail, cls=cls, status=status, detail=f"{status} <no> such", now=at
            )

    await parts.store.write(unit)
    return made


def _rows(announcement_id: int, count: int) -> list[Envelope]:
    return [
        Envelope(
            series_id=SERIES.id,
            announcement_id=announcement_id,
            kind="announcement",
            template="announcement",
            priority=Priority.BULK,
            recipient=f"r{number}@example.net",
            recipient_key=f"r{number}.{announcement_id}@example.net",
            language="en",
            zone="UTC",
            message_id=f"m{announcement_id}.{number}",
        )
        for number in range(count)
    ]


async def season(parts: Parts) -> None:
    """Twenty people over twenty weeks, of whom four left, and three mailings."""
    for number in range(20):
        began = NOON - timedelta(weeks=number)
        went = NOON - timedelta(weeks=2) if number in (9, 10, 11, 12) else None
        await came(parts, number, began, went=went)
    await mailing(parts, NOON - timedelta(weeks=8), "one", sent=16, back=3)
    await mailing(parts, NOON - timedelta(weeks=4), "two", sent=12, back=1, refused=3)
    await mailing(parts, NOON - timedelta(weeks=1), "three", sent=18)
