"""How many automatic answers may still go out: per address, per domain, overall.

Counts stand in the database so that several nodes share them. A limit's span is cut into slices;
the sum over the slices that touch the span is never less than the true count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Integer, Select, Text, bindparam, delete, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.prepared import Prepared
from mailer.store.schema import answer_count

_SLICE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most ``limit`` answers for ``scope`` in any ``span``; 0 is no limit."""

    scope: str
    limit: int
    span: timedelta


def slice_of(instant: datetime) -> int:
    """The number of the slice in which an instant lies."""
    return int(instant.timestamp()) // _SLICE_SECONDS


async def take(connection: AsyncConnection, quotas: Sequence[Quota], now: datetime) -> str | None:
    """Count one answer against every quota; the scope that is exhausted, or None if all allow it.

    An answer that is refused counts nowhere.
    """
    limited = [quota for quota in quotas if quota.limit > 0]
    if not limited:
        return None
    used = await _used(len(limited)).rows(
        connection,
        **{f"scope{number}": quota.scope for number, quota in enumerate(limited)},
        **{f"first{number}": slice_of(now - quota.span) for number, quota in enumerate(limited)},
    )
    counts: dict[str, int] = dict(used)
    for quota in limited:
        if counts[quota.scope] >= quota.limit:
            return quota.scope
    current = slice_of(now)
    await _COUNT.each(connection, [{"what": one.scope, "when": current} for one in limited])
    return None


async def count(connection: AsyncConnection, scopes: Sequence[str], now: datetime) -> None:
    """Count one for each scope, whatever the limits."""
    current = slice_of(now)
    await _COUNT.each(connection, [{"what": scope, "when": current} for scope in scopes])


async def used(
    connection: AsyncConnection, scopes: Sequence[str], since: datetime
) -> dict[str, int]:
    """How many were counted since then, by scope."""
    if not scopes:
        return {}
    first = slice_of(since)
    rows = await _used(len(scopes)).rows(
        connection,
        **{f"scope{number}": scope for number, scope in enumerate(scopes)},
        **{f"first{number}": first for number in range(len(scopes))},
    )
    return dict(rows)


@cache
def _used(scopes: int) -> Prepared:
    """How many answers count for each of so many scopes."""
    return Prepared(lambda _: union_all(*map(_used_of, range(scopes))))


def _used_of(number: int) -> Select[tuple[str, int]]:
    scope = bindparam(f"scope{number}", type_=Text())
    first = bindparam(f"first{number}", type_=Integer())
    return select(scope, func.coalesce(func.sum(answer_count.c.n), 0)).where(
        answer_count.c.scope == scope, answer_count.c.slice >= first
    )


_COUNT = Prepared(
    lambda insert: (
        insert(answer_count)
        .values(scope=bindparam("what"), slice=bindparam("when"), n=1)
        .on_conflict_do_update(
            index_elements=[answer_count.c.scope, answer_count.c.slice],
            set_={"n": answer_count.c.n + 1},
        )
    )
)


async def sweep(connection: AsyncConnection, before: datetime) -> None:
    """Forget counts older than any span."""
    await connection.execute(delete(answer_count).where(answer_count.c.slice < slice_of(before)))
