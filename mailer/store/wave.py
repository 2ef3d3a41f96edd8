"""Waves of mails that come back at once: how many to each domain in a day, and what was decided.

The counts are slices as in `quota`. Beside them stands one setting for each domain that ever had
enough of them to be looked at, and one for all domains together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.bounce_brake import SPAN
from mailer.store import quota, setting
from mailer.store.people import State
from mailer.store.prepared import Prepared
from mailer.store.schema import setting as settings
from mailer.store.schema import subscriber, subscription

EVERYWHERE = "*"  # in the place of a domain: all of them together

_KEY = "bounces.wave:"
_SCOPE = "hard:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """``people`` are subscribed at the domain, as of ``counted_at``. While ``since`` is set nobody
    there is tested or removed. Until ``accepted_until`` an organiser vouches for the reports."""

    domain: str
    people: int
    counted_at: datetime
    since: datetime | None = None
    accepted_until: datetime | None = None


async def count(connection: AsyncConnection, domain: str, *, now: datetime) -> None:
    """One more mail to this domain came back for good."""
    await quota.count(connection, (_SCOPE + domain, _SCOPE + EVERYWHERE), now)


async def came_back(
    connection: AsyncConnection, domains: Iterable[str], *, now: datetime
) -> dict[str, int]:
    """How many did within the last day, by domain, in one statement."""
    wanted = tuple(domains)
    used = await quota.used(connection, [_SCOPE + domain for domain in wanted], now - SPAN)
    return {domain: used[_SCOPE + domain] for domain in wanted}


async def people_at(connection: AsyncConnection, domain: str) -> int:
    """How many people with an address there get mails. Reads every subscriber."""
    statement = (
        select(func.count(subscriber.c.id.distinct()))
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .where(subscription.c.state == State.ACTIVE)
    )
    if domain != EVERYWHERE:
        statement = statement.where(
            subscriber.c.address_key.endswith(f"@{domain}", autoescape=True)
        )
    return await connection.scalar(statement) or 0


async def find(connection: AsyncConnection, domain: str) -> Wave | None:
    """What is known of a domain; None if it never had many mails come back."""
    row = await _FIND.row(connection, which=_KEY + domain)
    return None if row is None else msgspec.json.decode(row[0], type=Wave)


_FIND = Prepared(lambda _: select(settings.c.value).where(settings.c.key == bindparam("which")))


async def put(connection: AsyncConnection, wave: Wave) -> None:
    """Keep what is known of a domain."""
    await setting.put(connection, _KEY + wave.domain, msgspec.json.encode(wave).decode())


async def known(connection: AsyncConnection) -> tuple[Wave, ...]:
    """Every domain of which something is known, all together first."""
    rows = await connection.execute(
        select(settings.c.value)
        .where(settings.c.key.startswith(_KEY, autoescape=True))
        .order_by(settings.c.key)
    )
    return tuple(msgspec.json.decode(row.value, type=Wave) for row in rows)
