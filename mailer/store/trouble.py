"""What keeps a node from sending, where other processes can see it.

One setting for each node. What a node left behind that is gone does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import setting
from mailer.store.node import LEASE
from mailer.store.schema import node as nodes
from mailer.store.schema import setting as settings

_KEY = "outbox.trouble:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The mail server has not taken any mail since then: how far it came, and what was said.
    ``code`` is None when no reply was read; ``alarm`` when it will not end by waiting alone."""

    since: datetime
    phase: str
    code: int | None
    cause: str
    alarm: bool


async def put(connection: AsyncConnection, node: str, trouble: Trouble | None) -> None:
    """A node has this trouble now, or none any more."""
    if trouble is None:
        await setting.remove(connection, _KEY + node)
    else:
        await setting.put(connection, _KEY + node, msgspec.json.encode(trouble).decode())


async def troubles(connection: AsyncConnection, *, now: datetime) -> tuple[Trouble, ...]:
    """The troubles of the nodes that are alive, those that need a person first."""
    rows = await connection.execute(
        select(settings.c.value)
        .join(nodes, settings.c.key == literal(_KEY) + nodes.c.id)
        .where(nodes.c.heartbeat_at > now - LEASE)
    )
    found = [msgspec.json.decode(row.value, type=Trouble) for row in rows]
    return tuple(sorted(found, key=lambda one: (not one.alarm, one.since)))
