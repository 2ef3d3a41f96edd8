"""What was done last: a sign that things move. Only reads; each is a few steps into an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.outbox import State
from mailer.store.schema import bounce, inbound, outbox

_NEWEST = 500  # rows of the ledger that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """When the mail server last took a mail, when one last came in, when one last came back; None
    for never, or not for long."""

    sent_at: datetime | None
    received_at: datetime | None
    came_back_at: datetime | None


async def lately(connection: AsyncConnection) -> Lately:
    """The last success of each way, among all series."""
    newest = (
        select(outbox.c.state, outbox.c.settled_at)
        .order_by(outbox.c.id.desc())
        .limit(_NEWEST)
        .subquery()
    )
    return Lately(
        sent_at=await connection.scalar(
            select(func.max(newest.c.settled_at)).where(newest.c.state == State.SENT)
        ),
        received_at=await connection.scalar(select(func.max(inbound.c.received_at))),
        came_back_at=await connection.scalar(
            select(bounce.c.at).order_by(bounce.c.id.desc()).limit(1)
        ),
    )
