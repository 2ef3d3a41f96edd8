"""What an organiser wrote, on its way."""

from __future__ import annotations

from mailer.files.announcement_md import of_fields
from mailer.intake import announcing, previewing
from mailer.store.written import Written
from tests.desk.place import ADA, Place

TEXT = "Dear all,\n\nour next series starts in **January**."


async def write(
    place: Place, subject: str = "What comes next", *, queue: bool = False, **given: str
) -> Written:
    """A text of Ada's that is kept as a preview, or queued."""
    series, now = place.parts.config.series[0], place.clock.now()
    text = of_fields({"subject": subject, **given}, TEXT, series, now=now)

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = place.parts.intake.context(connection, series)
        if queue:
            return await previewing.queue(context, text, writer=ADA.mailbox)
        return await announcing.queue(context, text, writer=ADA.mailbox, approved=False)

    queued = await place.parts.store.write(unit)
    item: Written = queued.item
    return item
