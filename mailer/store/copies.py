"""The readers' rows of an announcement in the ledger: a slice of them is written by one statement.

Who they are says `expansion`; their Message-IDs and times are given (bench/ledger.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Insert, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.announcement import Announcement
from mailer.store.outbox import Priority, State
from mailer.store.schema import outbox
from mailer.store.statement import field, given_rows


class Copy(NamedTuple):
    """A reader's row of the ledger, as far as it is theirs alone."""

    subscription_id: int
    recipient: str
    recipient_key: str
    language: str
    zone: str
    registered: bool
    told_sequence: int
    message_id: str
    not_before: int  # in milliseconds, as it is stored


# What all rows of an announcement have in common.
_SHARED = (
    "series_id",
    "announcement_id",
    "webinar_id",
    "kind",
    "template",
    "priority",
    "state",
    "queued_at",
    "expires_at",
)


def _queue() -> Insert:
    """The statement of `queue_copies`."""
    given = given_rows("copies")
    theirs = {
        name: field(given, place, outbox.c[name].type) for place, name in enumerate(Copy._fields)
    }
    shared = {name: bindparam(f"all_{name}", type_=outbox.c[name].type) for name in _SHARED}
    return insert(outbox).from_select(
        [*theirs, *shared], select(*theirs.values(), *shared.values())
    )


_QUEUE = _queue()


async def queue_copies(
    connection: AsyncConnection, item: Announcement, copies: Sequence[Copy], *, now: datetime
) -> None:
    """Queue the rows of a slice's readers."""
    if not copies:
        return
    await connection.execute(
        _QUEUE,
        {
            "copies": msgspec.json.encode(copies).decode(),
            "all_series_id": item.series_id,
            "all_announcement_id": item.id,
            "all_webinar_id": item.webinar_id,
            "all_kind": item.kind,
            "all_template": item.kind,
            "all_priority": int(Priority.BULK),
            "all_state": State.QUEUED,
            "all_queued_at": now,
            "all_expires_at": item.expires_at,
        },
    )
