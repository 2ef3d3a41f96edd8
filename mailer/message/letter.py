"""A mail before it is rendered: which template, with which facts, in answer to what.

Plain data, kept as JSON in the ledger's row, so that the mail can be made again exactly. `draw`
makes it a skeleton: rendered, headed, cut at the personal places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mailer.message.compose import Attachment, Calendar, compose
from mailer.message.facts import Facts
from mailer.message.header import headers_for
from mailer.message.invite import calendar
from mailer.message.mark import Personal
from mailer.message.render import Renderer
from mailer.message.skeleton import Skeleton

# Kinds that tell a webinar's time, and so carry it for the calendar too (RFC 5546 §3.2.1).
_WITH_CALENDAR = frozenset({"announcement", "reminder", "update"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """``answers`` is True for an answer to a mail, ``refers`` if that mail has a Message-ID;
    ``reply_to`` names the token address that an answer to this one should go to (a
    confirmation's); ``unsubscribe`` is False for somebody who has nothing to leave.

    Nothing in it is one person's: two people who get the same answer have equal letters.
    """

    template: str
    facts: Facts
    answers: bool = False
    refers: bool = False
    reply_to: Personal | None = None
    unsubscribe: bool = True


_DECODER = msgspec.json.Decoder(Letter)


def to_json(letter: Letter) -> str:
    """The letter as it is kept."""
    return msgspec.json.encode(letter).decode()


def from_json(data: str) -> Letter:
    """A kept letter."""
    return _DECODER.decode(data)


def draw(
    letter: Letter,
    renderer: Renderer,
    *,
    kind: str,
    date: datetime | None,
    attachments: Sequence[Attachment] = (),
) -> Skeleton:
    """The whole mail but for its personal values; raises TemplateFault.

    Without ``date`` the date is one of them.
    """
    facts = letter.facts
    rendered = renderer.render(letter.template, facts)
    headers = headers_for(
        series=facts.series,
        kind=kind,
        subject=rendered.subject,
        language=renderer.language(letter.template, facts.series.id, facts.language),
        date=date,
        answers=letter.answers,
        unsubscribe=letter.unsubscribe,
        about=facts.webinar.id if facts.webinar else "",
        reply_to=letter.reply_to or "",
        in_reply_to=Personal.ANSWERED if letter.refers else "",
    )
    return compose(
        headers=headers,
        text=rendered.text,
        html=rendered.html,
        calendar=_calendar(letter, kind),
        attachments=attachments,
    )


def _calendar(letter: Letter, kind: str) -> Calendar | None:
    facts = letter.facts
    if facts.webinar is None or kind not in _WITH_CALENDAR:
        return None
    content = calendar(
        facts.webinar, facts.series, method="PUBLISH", attendee=None, registered=False
    )
    return Calendar(content=content, method="PUBLISH")
