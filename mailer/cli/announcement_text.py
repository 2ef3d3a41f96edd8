"""From a file, or the id of what is queued, to an announcement as it would go out.

Nothing is kept: the same rules that queue it are run and taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailer.cli.specimen import Specimen, specimen
from mailer.config.model import Series
from mailer.errors import AnnouncementError
from mailer.files.announcement_md import Manuscript, read
from mailer.files.text import decode
from mailer.intake import announcing
from mailer.message.letter import Letter, draw
from mailer.parts import Parts
from mailer.store import expansion
from mailer.store.engine import Connection
from mailer.store.written import Draft
from scheduler.model import Audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A text as it would go out: to how many if it were let go now, in which languages its frame,
    and one copy of it."""

    draft: Draft
    recipients: int
    languages: tuple[str, ...]
    letter: Letter
    copy: Specimen


def from_file(parts: Parts, path: Path, series: Series, *, at: str = "") -> Manuscript:
    """What the file says; raises AnnouncementError with every fault and its line."""
    text = decode(path.read_bytes())
    if not isinstance(text, str):
        raise AnnouncementError(str(path), (text,))
    return read(text, series, now=parts.clock.now(), source=str(path), at=at)


async def preview(
    parts: Parts, series: Series, text: Manuscript, *, language: str | None, zone: str | None
) -> Preview:
    """What would go out if this were queued now. Raises AnnouncementError, TemplateFault."""

    async def unit(connection: Connection) -> Preview:
        context = parts.intake.context(connection, series)
        draft = await announcing.draft(context, text, writer="")
        item = announcing.as_planned(series, draft)
        drawing, now = parts.drawing, context.now
        registered = text.audience is Audience.REGISTERED
        group = drawing.group(item, language=language, zone=zone, registered=registered)
        letter = await drawing.letter(connection, item, group, draft)
        return Preview(
            draft=draft,
            recipients=await expansion.count_readers(connection, item, now=now),
            languages=await drawing.try_out(connection, item, draft, now=now),
            letter=letter,
            copy=specimen(draw(letter, drawing.renderer, kind=item.kind, date=now)),
        )

    return await parts.store.read(unit)
