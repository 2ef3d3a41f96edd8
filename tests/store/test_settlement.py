"""What a settle may change, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.message.judgement import BounceClass
from mailer.parts import Parts
from mailer.store.outbox import State
from mailer.store.settlement import Settlement
from tests.store.rows import claim, envelope, ledger, queue, settle, states, take_back
from tests.store.statements import recorded
from tests.world import NOON

LATER = NOON + timedelta(minutes=5)


async def test_settling_writes_what_the_other_server_said(parts: Parts) -> None:
    await queue(parts, envelope())
    (row,) = await claim(parts)
    await settle(
        parts,
        Settlement(
            id=row.id,
            state=State.FAILED,
            reason="refused at rcpt",
            attempts=3,
            reply_code=550,
            reply='550 "Ü" \\ \u2028 no such user',
            doubt=True,
        ),
    )
    (found,) = await ledger(parts)
    assert {name: found[name] for name in _WRITTEN} == {
        "state": "failed",
        "reason": "refused at rcpt",
        "not_before": NOON,
        "attempts": 3,
        "reply_code": 550,
        "reply": '550 "Ü" \\ \u2028 no such user',
        "doubts": 1,
        "lease_owner": None,
        "settled_at": NOON,
    }


_WRITTEN = (
    "state",
    "reason",
    "not_before",
    "attempts",
    "reply_code",
    "reply",
    "doubts",
    "lease_owner",
    "settled_at",
)


async def test_each_row_gets_its_own_outcome(parts: Parts) -> None:
    await queue(parts, *(envelope() for _ in range(3)))
    await claim(parts)
    await settle(
        parts,
        Settlement(id=3, state=State.SENT, attempts=1, reply_code=250),
        Settlement(id=1, state=State.QUEUED, reason="later", attempts=1, not_before=LATER),
    )
    found = [(row["state"], row["reason"], row["not_before"]) for row in await ledger(parts)]
    assert found == [("queued", "later", LATER), ("sending", "", NOON), ("sent", "", NOON)]


@pytest.mark.parametrize("parked", [LATER, NOON + timedelta(days=73_050)])
async def test_settling_never_moves_a_row_back(parts: Parts, parked) -> None:  # type: ignore[no-untyped-def]
    """What was put off while it was under way stays so."""
    await queue(parts, envelope(not_before=parked))
    await claim(parts, now=parked)
    await settle(parts, Settlement(id=1, state=State.QUEUED, attempts=0, not_before=NOON))
    (row,) = await ledger(parts)
    assert (row["state"], row["not_before"]) == ("queued", parked)


async def test_a_time_without_zone_is_refused(parts: Parts) -> None:
    naive = LATER.replace(tzinfo=None)
    with pytest.raises(ValueError, match="needs a zone"):
        await settle(parts, Settlement(id=1, state=State.QUEUED, not_before=naive))


async def test_a_node_that_lost_its_lease_cannot_settle(parts: Parts) -> None:
    await queue(parts, envelope())
    (row,) = await claim(parts, node="a")
    await take_back(parts)
    await claim(parts, node="b")
    late = Settlement(id=row.id, state=State.FAILED, reason="late")
    await settle(parts, late)
    assert [state for state, _ in await states(parts)] == ["sending"]


async def test_a_settle_is_one_statement_and_one_more_for_what_was_refused(parts: Parts) -> None:
    for size in (1, 50):
        await queue(parts, *(envelope() for _ in range(2 * size)))
        ids = [row.id for row in await claim(parts)]
        sent = [Settlement(id=one, state=State.SENT) for one in ids[:size]]
        refused = [
            Settlement(id=one, state=State.FAILED, bounce_class=BounceClass.HARD)
            for one in ids[size:]
        ]
        with recorded(parts.store) as statements:
            await settle(parts, *sent)
        assert len(statements) == 1
        with recorded(parts.store) as statements:
            await settle(parts, *refused)
        assert len(statements) == 2


async def test_nothing_to_settle_is_no_statement(parts: Parts) -> None:
    with recorded(parts.store) as statements:
        await settle(parts)
    assert statements == []
