"""What organisers did at these pages, noted and shown.

A deed is written in the transaction that does it, with the address of who is signed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mailer.config.model import Series
from mailer.desk.organiser import Organiser
from mailer.message.shown import Shown
from mailer.store import page_deed
from mailer.store.engine import Connection
from mailer.store.page_deed import PageDeed


async def note(
    connection: Connection,
    organiser: Organiser,
    series: Series | None,
    act: str,
    *,
    now: datetime,
    about: str = "",
    detail: str = "",
) -> None:
    """Write down what an organiser does in a series, or for all of them."""
    await page_deed.note(
        connection,
        series_id=series.id if series else None,
        who=organiser.address.mailbox,
        act=act,
        now=now,
        about=about,
        detail=detail,
    )


def shown_deeds(deeds: Sequence[PageDeed]) -> tuple[Shown, ...]:
    """Deeds as a page tells them."""
    return tuple(
        Shown(at=one.at.isoformat(), who=one.who, act=one.act, detail=one.detail) for one in deeds
    )
