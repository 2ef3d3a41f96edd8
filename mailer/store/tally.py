"""Counts the rows of the ledger by state."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import State
from mailer.store.schema import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows by state, disjoint: deferred is queued after an attempt, in doubt is queued or sending
    after an attempt whose end nobody saw."""

    queued: int
    deferred: int
    sending: int
    in_doubt: int
    sent: int
    failed: int
    suppressed: int
    expired: int
    cancelled: int


async def counts(connection: AsyncConnection, *which: ColumnElement[bool]) -> Counts:
    """How the ledger stands, the whole of it or the rows named."""
    label = case(
        (and_(outbox.c.state.in_((State.QUEUED, State.SENDING)), outbox.c.doubts > 0), "in_doubt"),
        (and_(outbox.c.state == State.QUEUED, outbox.c.attempts > 0), "deferred"),
        else_=outbox.c.state,
    ).label("label")
    rows = await connection.execute(
        select(label, func.count().label("n")).where(*which).group_by(label)
    )
    found = {row.label: row.n for row in rows}
    names = Counts.__dataclass_fields__
    return Counts(**{name: found.get(name, 0) for name in names})
