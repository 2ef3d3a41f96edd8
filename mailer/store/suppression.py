"""Addresses that must not be mailed. Kept as keyed hashes, so that they outlive `forget`.

A suppression is for one series or, with scope ``*``, for all. A person's own confirmed subscription
lifts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.prepared import Prepared
from mailer.store.schema import suppression
from mailer.store.statement import upsert

EVERYWHERE = "*"


class Reason(StrEnum):
    LEFT = "left"
    COMPLAINT = "complaint"
    BOUNCE = "bounce"
    FORGOTTEN = "forgotten"
    REMOVED = "removed"
    DECLINED = "declined"  # pressed "never again" in a confirmation they had not asked for


async def add(
    connection: AsyncConnection,
    *,
    address_hash: bytes,
    scope: str,
    reason: Reason,
    now: datetime,
    detail: str = "",
) -> None:
    """Suppress an address in a scope; the newest reason stands."""
    statement = upsert(connection, suppression).values(
        address_hash=address_hash, scope=scope, reason=reason, detail=detail, at=now
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[suppression.c.address_hash, suppression.c.scope],
            set_={"reason": reason, "detail": detail, "at": now},
        )
    )


async def lift(connection: AsyncConnection, *, address_hash: bytes, series_id: str) -> None:
    """A person confirmed a subscription themselves: nothing keeps mail from them any more."""
    await connection.execute(
        delete(suppression).where(
            suppression.c.address_hash == address_hash,
            suppression.c.scope.in_((series_id, EVERYWHERE)),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    reason: Reason
    at: datetime


async def find(
    connection: AsyncConnection, *, address_hash: bytes, series_id: str
) -> Suppressed | None:
    """Why and since when an address must not get this series' mails, None if it may."""
    row = await _FIND.row(connection, who=address_hash, series=series_id)
    return None if row is None else Suppressed(reason=Reason(row[0]), at=row[1])


_FIND = Prepared(
    lambda _: (
        select(suppression.c.reason, suppression.c.at)
        .where(
            suppression.c.address_hash == bindparam("who"),
            or_(suppression.c.scope == bindparam("series"), suppression.c.scope == EVERYWHERE),
        )
        .order_by(suppression.c.at.desc())
        .limit(1)
    )
)


async def among(
    connection: AsyncConnection, address_hashes: Sequence[bytes], *, series_id: str
) -> dict[bytes, Reason]:
    """Which of many addresses are suppressed, and why."""
    rows = await connection.execute(
        select(suppression.c.address_hash, suppression.c.reason).where(
            suppression.c.address_hash.in_(address_hashes),
            suppression.c.scope.in_((series_id, EVERYWHERE)),
        )
    )
    return {bytes(row.address_hash): Reason(row.reason) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One suppression of an address; ``scope`` is a series or `EVERYWHERE`."""

    scope: str
    reason: Reason
    detail: str
    at: datetime


async def of_address(connection: AsyncConnection, address_hash: bytes) -> tuple[Entry, ...]:
    """Every suppression of an address, oldest first."""
    rows = await connection.execute(
        select(suppression.c.scope, suppression.c.reason, suppression.c.detail, suppression.c.at)
        .where(suppression.c.address_hash == address_hash)
        .order_by(suppression.c.at, suppression.c.id)
    )
    return tuple(
        Entry(scope=row.scope, reason=Reason(row.reason), detail=row.detail, at=row.at)
        for row in rows
    )


async def forget(connection: AsyncConnection, address_hash: bytes, *, now: datetime) -> None:
    """The address is erased everywhere else: from now on this alone says to keep it out."""
    await connection.execute(delete(suppression).where(suppression.c.address_hash == address_hash))
    await add(
        connection,
        address_hash=address_hash,
        scope=EVERYWHERE,
        reason=Reason.FORGOTTEN,
        now=now,
    )


# What a person or their organiser decided; a bounce is of the mailbox alone.
_OF_PERSON = (Reason.LEFT, Reason.COMPLAINT, Reason.REMOVED, Reason.DECLINED)


async def carry_over(connection: AsyncConnection, *, old_hash: bytes, new_hash: bytes) -> None:
    """The person has another address: what they decided holds for that one too."""
    for one in await of_address(connection, old_hash):
        if one.reason in _OF_PERSON:
            await add(
                connection,
                address_hash=new_hash,
                scope=one.scope,
                reason=one.reason,
                detail=one.detail,
                now=one.at,
            )
