"""What organisers did at their pages: who, when, what. Written in the transaction that does it.

`about` names what it was done to by an id, never by anything that tells of a person; so that
`forget` finds nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.schema import page_deed


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDeed:
    """One deed; ``who`` is an organiser's address."""

    at: datetime
    who: str
    act: str
    about: str
    detail: str


def webinar(webinar_id: int) -> str:
    """How a webinar is named."""
    return f"webinar {webinar_id}"


def subscription(subscription_id: int) -> str:
    """How a subscription is named; the row may be gone, its id is never used again."""
    return f"subscription {subscription_id}"


async def note(
    connection: AsyncConnection,
    *,
    series_id: str | None,
    who: str,
    act: str,
    now: datetime,
    about: str = "",
    detail: str = "",
) -> None:
    """Write down what somebody did."""
    await connection.execute(
        insert(page_deed).values(
            series_id=series_id, at=now, who=who, act=act, about=about, detail=detail
        )
    )


async def latest(
    connection: AsyncConnection, series_id: str, *, about: str | None = None, limit: int
) -> tuple[PageDeed, ...]:
    """The last deeds in a series, or those about one thing in it; the newest first."""
    columns = [page_deed.c[name] for name in PageDeed.__dataclass_fields__]
    statement = (
        select(*columns)
        .where(page_deed.c.series_id == series_id)
        .order_by(page_deed.c.id.desc())
        .limit(limit)
    )
    if about is not None:
        statement = statement.where(page_deed.c.about == about)
    return tuple(PageDeed(**row._mapping) for row in await connection.execute(statement))
