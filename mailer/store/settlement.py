"""Writes what became of leased rows, however many in one statement.

A row whose lease is lost is left alone, and no row's time is moved back: what was put off or parked
while it was under way stays so. Each row is found by its key; bench/ledger.py shows what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Update, bindparam, case, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.judgement import BounceClass
from mailer.store.bounce import Refusal, note_refusals
from mailer.store.outbox import State
from mailer.store.prepared import Prepared
from mailer.store.schema import Instant, milliseconds, outbox
from mailer.store.statement import field, given_rows


class Settlement(NamedTuple):
    """What became of one leased row. Back to ``queued`` needs ``not_before``; ``attempts`` is what
    counts from now on; ``doubt`` when the peer may have it although it did not say so;
    ``bounce_class`` when it failed because the recipient was refused. A tuple, as there may be
    thousands of them a second.
    """

    id: int
    state: State
    reason: str = ""
    not_before: datetime | None = None
    attempts: int = 0
    reply_code: int | None = None
    reply: str = ""
    doubt: bool = False
    bounce_class: BounceClass | None = None
    bounce_status: str = ""


def _settle() -> Update:
    """The statement of `settle`: the rows given are walked, and each row of the ledger is found by
    its id. As a `case` the lease cannot make an engine walk all of ix_outbox_lease instead."""
    of = outbox.c
    given = given_rows("settlements")
    holder = case((of.state == State.SENDING, of.lease_owner))
    again = field(given, 3, of.not_before.type)
    return (
        update(outbox)
        .where(
            of.id == field(given, 0, of.id.type),
            holder == bindparam("node"),
        )
        .values(
            state=field(given, 1, of.state.type),
            reason=field(given, 2, of.reason.type),
            not_before=case((again > of.not_before, again), else_=of.not_before),
            attempts=field(given, 4, of.attempts.type),
            reply_code=field(given, 5, of.reply_code.type),
            reply=field(given, 6, of.reply.type),
            doubts=of.doubts + field(given, 7, of.doubts.type),
            lease_owner=None,
            settled_at=bindparam("now", type_=Instant()),
        )
    )


_SETTLE = Prepared(lambda _: _settle())


def is_one_statement(settlements: Sequence[Settlement]) -> bool:
    """Whether `settle` is a single statement for these."""
    return all(one.bounce_class is None for one in settlements)


async def settle(
    connection: AsyncConnection,
    settlements: Sequence[Settlement],
    *,
    node: str,
    now: datetime,
) -> None:
    """Write what became of rows that ``node`` holds; a row whose lease is lost is left alone."""
    if not settlements:
        return
    rows = msgspec.json.encode([_row(one) for one in settlements]).decode()
    await _SETTLE.rows(connection, settlements=rows, node=node, now=now)
    refusals = [
        Refusal(outbox_id=one.id, cls=one.bounce_class, status=one.bounce_status)
        for one in settlements
        if one.bounce_class is not None
    ]
    await note_refusals(connection, refusals, now=now)


def _row(one: Settlement) -> tuple[object, ...]:
    """A settlement in the places where the statement looks."""
    return (
        one.id,
        one.state,
        one.reason,
        None if one.not_before is None else milliseconds(one.not_before),
        one.attempts,
        one.reply_code,
        one.reply,
        int(one.doubt),
    )
