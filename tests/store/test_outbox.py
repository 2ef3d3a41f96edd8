"""The ledger: what is claimed, what is stopped at the claim, and what a settle may change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from mailer.parts import Parts
from mailer.store import outbox, people
from mailer.store.outbox import Claimed, Envelope, Priority, Settlement, State
from mailer.store.people import State as SubscriptionState
from mailer.store.schema import outbox as table
from tests.world import ANA, NOON, SERIES, subscribed

ALL = (Priority.ANSWER, Priority.INVITATION)


def envelope(**changes: object) -> Envelope:
    values: dict[str, object] = {
        "series_id": SERIES.id,
        "kind": "reply",
        "template": "reply-help",
        "priority": Priority.ANSWER,
        "recipient": ANA.mailbox,
        "recipient_key": ANA.key,
        "language": "en",
        "zone": SERIES.timezone,
        "message_id": "reply.x",
        **changes,
    }
    return Envelope(**values)  # type: ignore[arg-type]


async def queue(parts: Parts, *envelopes: Envelope) -> None:
    await parts.store.write(lambda c: outbox.queue(c, envelopes, now=NOON))


async def claim(parts: Parts, limit: int = 100, *, now=NOON, node: str = "a") -> list[Claimed]:  # type: ignore[no-untyped-def]
    return list(
        await parts.store.write(
            lambda c: outbox.claim(c, node=node, now=now, limit=limit, priorities=ALL)
        )
    )


async def states(parts: Parts) -> list[tuple[str, str]]:
    rows = await parts.store.read(
        lambda c: c.execute(select(table.c.state, table.c.reason).order_by(table.c.id))
    )
    return [(row.state, row.reason) for row in rows]


async def test_answers_are_claimed_before_bulk_whenever_they_were_queued(parts: Parts) -> None:
    await queue(
        parts,
        envelope(priority=Priority.BULK, message_id="1"),
        envelope(priority=Priority.PERSONAL, message_id="2"),
        envelope(priority=Priority.ANSWER, message_id="3"),
    )
    assert [row.message_id for row in await claim(parts)] == ["3", "2", "1"]


async def test_a_claimed_row_is_not_claimed_again(parts: Parts) -> None:
    await queue(parts, envelope(), envelope())
    first, second = await claim(parts, 1), await claim(parts, 5)
    assert [row.id for row in first + second] == [1, 2]
    assert await claim(parts) == []


async def test_a_row_is_not_claimed_before_its_time(parts: Parts) -> None:
    await queue(parts, envelope(not_before=NOON + timedelta(minutes=5)))
    assert await claim(parts) == []
    assert len(await claim(parts, now=NOON + timedelta(minutes=5))) == 1


async def test_a_row_past_its_deadline_is_expired_at_the_claim(parts: Parts) -> None:
    await queue(parts, envelope(expires_at=NOON))
    assert await claim(parts) == []
    assert await states(parts) == [("expired", "too late")]


@pytest.mark.parametrize("state", [SubscriptionState.UNSUBSCRIBED, SubscriptionState.BOUNCED])
async def test_programme_mail_for_an_ended_subscription_is_suppressed_at_the_claim(
    parts: Parts, state: SubscriptionState
) -> None:
    ana = await subscribed(parts)
    await queue(parts, envelope(kind="reminder", subscription_id=ana.id, priority=Priority.BULK))
    await parts.store.write(lambda c: people.end(c, ana.id, state=state, now=NOON))
    assert await claim(parts) == []
    assert await states(parts) == [("suppressed", "not wanted any more")]


async def test_a_farewell_is_sent_although_the_subscription_has_ended(parts: Parts) -> None:
    ana = await subscribed(parts)
    await parts.store.write(
        lambda c: people.end(c, ana.id, state=SubscriptionState.UNSUBSCRIBED, now=NOON)
    )
    await queue(parts, envelope(kind="farewell", subscription_id=ana.id))
    assert [row.kind for row in await claim(parts)] == ["farewell"]


async def test_a_pause_holds_programme_mail_back_but_not_the_welcome(parts: Parts) -> None:
    ana = await subscribed(parts)
    until = NOON + timedelta(days=3)
    await parts.store.write(lambda c: people.pause(c, ana.id, until=until))
    await queue(
        parts,
        envelope(kind="reminder", subscription_id=ana.id),
        envelope(kind="welcome", subscription_id=ana.id),
    )
    assert [row.kind for row in await claim(parts)] == ["welcome"]
    assert [state for state, _ in await states(parts)] == ["suppressed", "sending"]


async def test_a_confirmation_of_an_older_generation_is_not_sent(parts: Parts) -> None:
    asked = await parts.store.write(
        lambda c: people.ask(c, series_id=SERIES.id, address=ANA, language=None, now=NOON)
    )
    await queue(
        parts,
        envelope(kind="confirmation", subscription_id=asked.id, generation=asked.generation - 1),
        envelope(kind="confirmation", subscription_id=asked.id, generation=asked.generation),
    )
    assert [row.id for row in await claim(parts)] == [2]


async def test_settling_writes_what_the_other_server_said(parts: Parts) -> None:
    await queue(parts, envelope())
    (row,) = await claim(parts)
    done = Settlement(id=row.id, state=State.SENT, attempts=1, reply_code=250, reply="250 Ok")
    await parts.store.write(lambda c: outbox.settle(c, [done], node="a", now=NOON))
    found = (await parts.store.read(lambda c: c.execute(select(table)))).one()
    assert (found.state, found.reply_code, found.reply, found.lease_owner) == (
        "sent",
        250,
        "250 Ok",
        None,
    )


async def test_a_node_that_lost_its_lease_cannot_settle(parts: Parts) -> None:
    await queue(parts, envelope())
    (row,) = await claim(parts, node="a")
    await parts.store.write(lambda c: outbox.take_back(c, node="a", now=NOON))
    await claim(parts, node="b")
    late = Settlement(id=row.id, state=State.FAILED, reason="late")
    await parts.store.write(lambda c: outbox.settle(c, [late], node="a", now=NOON))
    assert [state for state, _ in await states(parts)] == ["sending"]


async def test_what_a_stopped_node_had_under_way_is_in_doubt_and_keeps_its_message_id(
    parts: Parts,
) -> None:
    await queue(parts, envelope(message_id="reply.kept"))
    await claim(parts, node="a")
    assert await parts.store.write(lambda c: outbox.take_back(c, node="a", now=NOON)) == 1
    assert (await parts.store.read(outbox.counts)).in_doubt == 1
    assert [row.message_id for row in await claim(parts, node="a")] == ["reply.kept"]


async def test_counts_are_disjoint(parts: Parts) -> None:
    await queue(parts, *[envelope() for _ in range(4)])
    first, second, third = await claim(parts, 3)
    await parts.store.write(
        lambda c: outbox.settle(
            c,
            [
                Settlement(id=first.id, state=State.SENT, attempts=1),
                Settlement(id=second.id, state=State.QUEUED, attempts=1, not_before=NOON),
            ],
            node="a",
            now=NOON,
        )
    )
    counts = await parts.store.read(outbox.counts)
    assert (counts.queued, counts.deferred, counts.sending, counts.sent) == (1, 1, 1, 1)
    assert third.id == 3


async def test_claim_and_settle_take_the_same_number_of_statements_for_any_number_of_rows(
    parts: Parts,
) -> None:
    ana = await subscribed(parts)
    counted: list[int] = []
    for size in (1, 50):
        await queue(
            parts,
            *[
                envelope(kind="reminder", subscription_id=ana.id, announcement_id=None)
                for _ in range(size)
            ],
        )
        statements: list[str] = []
        engine = parts.store._writer.sync_engine

        def note(_c, _cur, statement, *_: object, into: list[str] = statements) -> None:  # type: ignore[no-untyped-def]
            into.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        rows = await claim(parts)
        settled = [Settlement(id=row.id, state=State.SENT) for row in rows]
        await parts.store.write(
            lambda c, settled=settled: outbox.settle(c, settled, node="a", now=NOON)  # type: ignore[misc]
        )
        event.remove(engine, "before_cursor_execute", note)
        assert len(rows) == size
        counted.append(len([one for one in statements if not one.startswith("BEGIN")]))
    assert counted == [3, 3]
