"""Counts the rows of the ledger by state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


# What a row counts as.
_LABEL = case(
    (and_(outbox.c.state.in_((State.QUEUED, State.SENDING)), outbox.c.doubts > 0), "in_doubt"),
    (and_(outbox.c.state == State.QUEUED, outbox.c.attempts > 0), "deferred"),
    else_=outbox.c.state,
).label("label")
_NAMES = tuple(Counts.__dataclass_fields__)


async def counts(connection: AsyncConnection, *which: ColumnElement[bool]) -> Counts:
    """How the ledger stands, the whole of it or the rows named."""
    rows = await connection.execute(
        select(_LABEL, func.count().label("n")).where(*which).group_by(_LABEL)
    )
    return _counts({row.label: row.n for row in rows})


async def counts_of(
    connection: AsyncConnection, announcement_ids: Collection[int]
) -> dict[int, Counts]:
    """How the rows of each of these announcements stand."""
    rows = await connection.execute(
        select(outbox.c.announcement_id, _LABEL, func.count().label("n"))
        .where(outbox.c.announcement_id.in_(announcement_ids))
        .group_by(outbox.c.announcement_id, _LABEL)
    )
    found: dict[int, dict[str, int]] = {one: {} for one in announcement_ids}
    for row in rows:
        found[row.announcement_id][row.label] = row.n
    return {one: _counts(by_label) for one, by_label in found.items()}


def _counts(found: Mapping[str, int]) -> Counts:
    return Counts(**{name: found.get(name, 0) for name in _NAMES})
