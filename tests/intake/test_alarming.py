"""The letter to whoever looks after the machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mailer.config.model import Operator
from mailer.intake import alarming
from mailer.message.header import date_text
from mailer.message.letter import draw, from_json
from mailer.message.mark import Personal
from mailer.parts import Parts
from mailer.store import lease
from mailer.store.engine import Connection
from mailer.store.lease import Claimed
from mailer.store.outbox import Priority
from mailer.store.trouble import Trouble
from scheduler.clock import VirtualClock
from tests.world import NOON, SERIES

TROUBLE = Trouble(since=NOON, phase="auth", code=535, cause="5.7.8 who are you?", alarm=True)
SECOND = replace(
    SERIES,
    id="second",
    address="second@lists.example.org",
    organisers=("ORGANISER@example.org", "other@example.org"),
)


async def rung(parts: Parts, trouble: Trouble = TROUBLE, **config: object) -> bool:
    """Ring with a changed configuration; whether letters were queued."""

    async def unit(connection: Connection) -> bool:
        context = parts.intake.context(connection, SERIES)
        changed = replace(context.config, **config)  # type: ignore[arg-type]
        return await alarming.alarm(replace(context, config=changed), trouble)

    return await parts.store.write(unit)


async def letters(parts: Parts) -> list[Claimed]:
    now = parts.clock.now()
    every = (Priority.ANSWER, Priority.INVITATION)
    rows = await parts.store.write(
        lambda c: lease.claim(c, node="n", now=now, limit=10, priorities=every)
    )
    return sorted(rows, key=lambda row: row.recipient)


async def test_the_operator_is_told_what_and_since_when(parts: Parts) -> None:
    assert await rung(parts, operator=Operator(address="operator@example.org"))
    (row,) = await letters(parts)
    assert (row.recipient, row.kind, row.template) == ("operator@example.org", "report", "alarm")
    assert row.priority == Priority.PERSONAL
    skeleton = draw(from_json(row.data), parts.drawing.renderer, kind=row.kind, date=None)
    values = {
        Personal.ADDRESS: row.recipient,
        Personal.MESSAGE_ID: row.message_id,
        Personal.DATE: date_text(row.queued_at),
    }
    text = skeleton.fill(values).decode()
    assert "Subject: No mail leaves: 127.0.0.1:25 does not take any\r\n" in text
    assert "has taken no mail since 2026-10-01 12:00 UTC." in text
    assert "Where it stopped: AUTH\r\nWhat it said: 535 5.7.8 who are you?\r\n" in text


async def test_without_an_operator_each_organiser_is_told_once(parts: Parts) -> None:
    assert await rung(parts, series=(SERIES, SECOND))
    told = [row.recipient for row in await letters(parts)]
    assert told == ["ORGANISER@example.org", "other@example.org"]


async def test_where_there_is_nobody_there_is_no_letter(parts: Parts) -> None:
    assert not await rung(parts, series=(replace(SERIES, organisers=()),))
    assert await letters(parts) == []


async def test_there_is_one_letter_an_hour_at_most(parts: Parts, clock: VirtualClock) -> None:
    assert [await rung(parts) for _ in range(3)] == [True, False, False]
    clock.advance_to(NOON + timedelta(minutes=66))
    assert await rung(parts)
    assert len(await letters(parts)) == 2


async def test_a_long_word_of_the_server_is_cut(parts: Parts) -> None:
    await rung(parts, replace(TROUBLE, code=None, cause="x" * 5_000))
    (row,) = await letters(parts)
    said = from_json(row.data).facts.detail["said"]
    assert said == "x" * alarming.SAID_CHARS
