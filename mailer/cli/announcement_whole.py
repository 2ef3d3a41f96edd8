"""All that is known of one announcement, read on one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.errors import AnnouncementRefused
from mailer.parts import Parts
from mailer.store import announcement, approval, delivery, written
from mailer.store.announcement import Announcement
from mailer.store.delivery import Delivery
from mailer.store.engine import Connection
from mailer.store.written import Deed, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """``text`` is None for one that the programme's rules made."""

    item: Announcement
    text: Written | None
    deeds: tuple[Deed, ...]
    approvers: tuple[str, ...]
    delivery: Delivery


async def whole(parts: Parts, announcement_id: int) -> Whole:
    """The announcement; raises AnnouncementRefused if there is none."""

    async def unit(connection: Connection) -> Whole:
        item = await announcement.by_id(connection, announcement_id)
        if item is None:
            raise AnnouncementRefused(
                f"there is no announcement {announcement_id}; "
                "`mailer announcement list` has them all"
            )
        approvers = await approval.approvers(connection, [announcement_id])
        return Whole(
            item=item,
            text=await written.by_id(connection, announcement_id),
            deeds=await written.deeds(connection, announcement_id),
            approvers=approvers.get(announcement_id, ()),
            delivery=await delivery.outcome(connection, announcement_id),
        )

    return await parts.store.read(unit)
