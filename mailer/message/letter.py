"""A mail before it is rendered: which template, with which facts, in answer to what.

Plain data, kept as JSON in the ledger's row, so that the mail can be made again exactly. `draw`
makes it a skeleton: rendered, headed, cut at the personal places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from mailer.message.compose import Attachment, Calendar, compose
from mailer.message.facts import Facts, WebinarFacts
from mailer.message.header import headers_for
from mailer.message.invite import Method, calendar
from mailer.message.mark import Personal, mark
from mailer.message.render import Renderer
from mailer.message.skeleton import Skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote what is passed on, as their From field says; the name may be empty."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """``answers`` is True for an answer to a mail, ``refers`` if that mail has a Message-ID;
    ``reply_to`` names the token address that an answer to this one should go to (a
    confirmation's), ``passes_on`` the person whose words it passes on, to whom an answer goes;
    ``unsubscribe`` is False for somebody who has nothing to leave. ``calendar`` is
    how the webinar goes along for the reader's calendar, None if it does not: REQUEST and CANCEL
    are for who is or was registered (RFC 5546 §3.2).

    Nothing in it is one person's: two people who get the same answer have equal letters.
    """

    template: str
    facts: Facts
    answers: bool = False
    refers: bool = False
    reply_to: Personal | None = None
    passes_on: Author | None = None
    unsubscribe: bool = True
    calendar: Method | None = None


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
    series = facts.series
    rendered = renderer.render(letter.template, facts)
    headers = headers_for(
        series=series,
        kind=kind,
        subject=rendered.subject,
        language=renderer.language(
            letter.template, series.id, facts.language, otherwise=series.language
        ),
        date=date,
        answers=letter.answers,
        unsubscribe=letter.unsubscribe,
        about=facts.webinar.id if facts.webinar else "",
        via=letter.passes_on.name if letter.passes_on else "",
        reply_to=letter.reply_to or (letter.passes_on.address if letter.passes_on else ""),
        in_reply_to=Personal.ANSWERED if letter.refers else "",
    )
    return compose(
        headers=headers,
        text=rendered.text,
        html=rendered.html,
        calendar=_calendar(letter),
        attachments=attachments,
    )


def _calendar(letter: Letter) -> Calendar | None:
    facts = letter.facts
    if facts.webinar is None or letter.calendar is None:
        return None
    content = calendar(
        _with_own_way_in(facts.webinar, facts),
        facts.series,
        method=letter.calendar,
        attendee=None if letter.calendar == "PUBLISH" else mark(Personal.ADDRESS),
        registered=facts.registered,
    )
    return Calendar(content=content, method=letter.calendar)


def _with_own_way_in(webinar: WebinarFacts, facts: Facts) -> WebinarFacts:
    """With pages a reader's entry has a link of their own, which outlives the address of the
    meeting. Who speaks and need not be subscribed has none."""
    base = facts.series.base_url.rstrip("/")
    if not (base and facts.registered and webinar.registers_here) or facts.detail.get("speaker"):
        return webinar
    return replace(webinar, join_url=f"{base}/j/{mark(Personal.JOIN)}")
