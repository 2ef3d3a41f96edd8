"""What a change of the programme does, as values that a page can show: what differs, who is told.

Decides nothing. Texts that came from outside are escaped by the page and cut to a length here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mailer.intake.drafting import Difference, Value
from mailer.intake.editing import Edited
from mailer.message import moment
from mailer.message.facts import Link, Speaker
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.outlook import Outlook
from mailer.store import history
from mailer.store.webinar import WebinarRecord

LONGEST = 200  # characters of an old or a new value


def changes(edited: Edited, language: str) -> tuple[Shown, ...]:
    """Every field that differs, as it was and as it is."""
    return tuple(_change(one, edited.record, language) for one in edited.differences)


def mailings(news: Sequence[Outlook]) -> tuple[Shown, ...]:
    """What goes out, each with the webinar that it is about; ``corrects`` if it goes to those who
    were told otherwise."""
    return tuple(
        Shown(
            at=one.at.isoformat(),
            kind=one.kind,
            webinar=one.webinar,
            audience=one.audience,
            recipients=one.recipients,
            corrects=one.kind in history.CORRECTS,
        )
        for one in news
    )


def notes(edited: Edited) -> tuple[Shown, ...]:
    """What the organiser should know beside it."""
    return tuple(Shown(remark=note.remark.value, other=note.other) for note in edited.notes)


def _change(difference: Difference, record: WebinarRecord, language: str) -> Shown:
    return Shown(
        field=difference.field,
        old=_text(difference.old, record.zone, language),
        new=_text(difference.new, record.zone, language),
    )


def _text(value: Value, zone: str, language: str) -> str:
    match value:
        case datetime():
            return moment.instant(value, zone, language)
        case tuple():
            text = moment.listed(
                (_speaker(one) if isinstance(one, Speaker) else _link(one) for one in value),
                language,
            )
        case _:
            text = str(value)
    short = safe_line(text)
    return short if len(short) <= LONGEST else short[: LONGEST - 1] + "…"


def _speaker(one: Speaker) -> str:
    parts = [one.name, f"({one.affiliation})", f"<{one.url}>", f"<{one.address}>"]
    return " ".join(part for part in parts if part not in ("()", "<>"))


def _link(one: Link) -> str:
    return f"{one.title} <{one.url}>"
