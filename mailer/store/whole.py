"""All that is known of one announcement, read on one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import announcement, approval, delivery, written
from mailer.store.announcement import Announcement
from mailer.store.delivery import Delivery
from mailer.store.written import Deed, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """``text`` is None for one that the programme's rules made."""

    item: Announcement
    text: Written | None
    deeds: tuple[Deed, ...]
    approvers: tuple[str, ...]
    delivery: Delivery


async def whole(connection: AsyncConnection, announcement_id: int) -> Whole | None:
    """The announcement, None if there is none."""
    item = await announcement.by_id(connection, announcement_id)
    if item is None:
        return None
    approvers = await approval.approvers(connection, [announcement_id])
    return Whole(
        item=item,
        text=await written.by_id(connection, announcement_id),
        deeds=await written.deeds(connection, announcement_id),
        approvers=approvers.get(announcement_id, ()),
        delivery=await delivery.outcome(connection, announcement_id),
    )
