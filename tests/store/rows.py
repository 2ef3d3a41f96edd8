"""Rows of the ledger for tests: queued, claimed and settled by the real functions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mailer.parts import Parts
from mailer.store import lease, outbox, settlement
from mailer.store.lease import Claimed
from mailer.store.outbox import Envelope, Priority
from mailer.store.schema import outbox as table
from mailer.store.settlement import Settlement
from tests.world import ANA, NOON, SERIES

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


async def claim(
    parts: Parts,
    limit: int = 100,
    *,
    now: datetime = NOON,
    node: str = "a",
    priorities: tuple[Priority, Priority] = ALL,
) -> list[Claimed]:
    return list(
        await parts.store.write(
            lambda c: lease.claim(c, node=node, now=now, limit=limit, priorities=priorities)
        )
    )


async def settle(parts: Parts, *settlements: Settlement, node: str = "a") -> None:
    await parts.store.write(lambda c: settlement.settle(c, settlements, node=node, now=NOON))


async def take_back(parts: Parts, node: str = "a", *, now: datetime = NOON) -> int:
    return await parts.store.write(lambda c: lease.take_back(c, node=node, now=now))


async def states(parts: Parts) -> list[tuple[str, str]]:
    """State and reason of each row, oldest first."""
    return [(row["state"], row["reason"]) for row in await ledger(parts)]


async def ledger(parts: Parts) -> list[dict[str, object]]:
    """Every row, oldest first."""
    rows = await parts.store.read(lambda c: c.execute(select(table).order_by(table.c.id)))
    return [dict(row._mapping) for row in rows]
