"""Announcements as they would go out: one copy, for nobody, and to how many it would go.

Nothing is kept: the same rules that queue a text are run and taken back.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.config.model import Series
from mailer.files.announcement_md import Manuscript
from mailer.intake import announcing
from mailer.message.letter import Letter, draw
from mailer.message.specimen import Specimen, specimen
from mailer.parts import Parts
from mailer.store import expansion
from mailer.store.announcement import Announcement
from mailer.store.audience import NEVER_TOLD
from mailer.store.engine import Connection
from mailer.store.written import Draft
from scheduler.model import Audience

_LOOKED_AT = 1_000  # subscriptions among which a reader is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A text as it would go out: to how many if it were let go now, in which languages its frame,
    and one copy of it."""

    draft: Draft
    recipients: int
    languages: tuple[str, ...]
    letter: Letter
    copy: Specimen


async def of_text(
    parts: Parts, series: Series, text: Manuscript, *, language: str | None, zone: str | None
) -> Proof:
    """What would go out if this were queued now. Raises AnnouncementError, TemplateFault."""

    async def unit(connection: Connection) -> Proof:
        context = parts.intake.context(connection, series)
        draft = await announcing.draft(context, text, writer="")
        item = announcing.as_planned(series, draft)
        drawing, now = parts.drawing, context.now
        registered = text.audience is Audience.REGISTERED
        group = drawing.group(item, language=language, zone=zone, registered=registered)
        letter = await drawing.letter(connection, item, group, draft)
        return Proof(
            draft=draft,
            recipients=await expansion.count_readers(connection, item, now=now),
            languages=await drawing.try_out(connection, item, draft, now=now),
            letter=letter,
            copy=specimen(draw(letter, drawing.renderer, kind=item.kind, date=now)),
        )

    return await parts.store.read(unit)


async def of_planned(
    parts: Parts, connection: Connection, item: Announcement, *, language: str | None
) -> Letter:
    """The letter that a reader of an announcement gets, in this language. A correction says what
    some reader of it was told before."""
    found, _ = await expansion.groups(
        connection, item, after=0, limit=_LOOKED_AT, now=parts.clock.now()
    )
    told = max((one[3] for one in found), default=NEVER_TOLD)
    group = parts.drawing.group(
        item,
        language=language,
        zone=None,
        registered=item.audience is Audience.REGISTERED,
        told_sequence=told,
    )
    return await parts.drawing.letter(connection, item, group)
