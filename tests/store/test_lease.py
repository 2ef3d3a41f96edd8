"""The claim: what is leased, in which order, what is stopped on the way, and what is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.parts import Parts
from mailer.store import people, tally
from mailer.store.lease import PACED
from mailer.store.outbox import PARKED_FROM, Priority, State
from mailer.store.people import State as SubscriptionState
from mailer.store.settlement import Settlement
from tests.store.rows import claim, envelope, ledger, queue, settle, states, take_back
from tests.store.statements import recorded
from tests.world import ANA, NOON, SERIES, subscribed

LATER = NOON + timedelta(minutes=5)


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


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (Priority.ANSWER, Priority.PERSONAL, [0, 1]),
        (Priority.BULK, Priority.INVITATION, [5, 7]),
        (Priority.PERSONAL, Priority.BULK, [1, 5]),
        (Priority.INVITATION, Priority.INVITATION, [7]),
    ],
)
async def test_only_the_priorities_asked_for_are_claimed(
    parts: Parts, first: Priority, last: Priority, found: list[int]
) -> None:
    await queue(parts, *(envelope(priority=one) for one in Priority))
    assert [row.priority for row in await claim(parts, priorities=(first, last))] == found


async def test_a_claimed_row_says_all_that_was_queued(parts: Parts) -> None:
    ana = await subscribed(parts)
    deadline = NOON + timedelta(hours=2)
    queued = envelope(
        kind="reminder",
        priority=Priority.BULK,
        subscription_id=ana.id,
        registered=True,
        generation=3,
        data="{}",
        answered="<x@example.net>",
        expires_at=deadline,
    )
    await queue(parts, queued)
    (row,) = await claim(parts)
    assert row._asdict() == {
        "id": 1,
        "series_id": SERIES.id,
        "kind": "reminder",
        "template": "reply-help",
        "priority": 5,
        "recipient": "ana@example.net",
        "language": "en",
        "zone": "Europe/Zurich",
        "message_id": "reply.x",
        "subscription_id": ana.id,
        "announcement_id": None,
        "webinar_id": None,
        "registered": True,
        "told_sequence": -1,
        "generation": 3,
        "data": "{}",
        "answered": "<x@example.net>",
        "blob_id": None,
        "queued_at": NOON,
        "not_before": NOON,
        "expires_at": deadline,
        "attempts": 1,
        "paced": False,
    }


async def test_what_is_stopped_counts_no_try_and_has_no_owner(parts: Parts) -> None:
    await queue(parts, envelope(expires_at=NOON), envelope())
    await claim(parts)
    stopped, leased = await ledger(parts)
    columns = ("attempts", "lease_owner", "settled_at")
    assert [stopped[name] for name in columns] == [0, None, NOON]
    assert [leased[name] for name in columns] == [1, "a", None]


async def test_a_claim_is_one_statement_however_many_rows_it_leases(parts: Parts) -> None:
    ana = await subscribed(parts)
    for size in (1, 50):
        await queue(
            parts, *(envelope(kind="reminder", subscription_id=ana.id) for _ in range(size))
        )
        with recorded(parts.store) as statements:
            assert len(await claim(parts)) == size
        assert len(statements) == 1


async def test_what_a_stopped_node_had_under_way_is_in_doubt_and_keeps_its_message_id(
    parts: Parts,
) -> None:
    await queue(parts, envelope(message_id="reply.kept"))
    await claim(parts, node="a")
    assert await take_back(parts) == 1
    assert (await parts.store.read(tally.counts)).in_doubt == 1
    assert [row.message_id for row in await claim(parts, node="a")] == ["reply.kept"]


async def paced(parts: Parts, **changes: object) -> None:
    """A row that waits for the turn of its domain, five minutes from now."""
    await queue(parts, envelope(**changes))
    (row,) = await claim(parts)
    await settle(
        parts,
        Settlement(
            id=row.id,
            state=State.QUEUED,
            reason=PACED,
            not_before=LATER,
            attempts=row.attempts - 1,
        ),
    )


async def test_a_row_that_had_to_wait_for_its_domain_says_so_when_its_turn_comes(
    parts: Parts,
) -> None:
    await paced(parts)
    assert await claim(parts) == []
    (row,) = await claim(parts, now=LATER)
    assert (row.paced, row.attempts) == (True, 1)


async def test_turns_end_with_the_node_that_gave_them(parts: Parts) -> None:
    await paced(parts)
    await queue(parts, envelope(not_before=LATER))
    assert await take_back(parts) == 0
    (row,) = await claim(parts)
    assert (row.id, row.paced) == (1, False)


async def test_a_parked_row_stays_parked_when_its_turn_ends(parts: Parts) -> None:
    await paced(parts)
    parked = Settlement(id=1, state=State.QUEUED, reason=PACED, not_before=PARKED_FROM)
    await claim(parts, now=LATER)
    await settle(parts, parked)
    await take_back(parts, now=LATER)
    (row,) = await ledger(parts)
    assert (row["reason"], row["not_before"]) == ("", PARKED_FROM)
