"""What somebody asks for: the closed set of commands that mail, web and command line all make.

The values stand here; how a mail's text becomes one is in `wish` and `vocabulary`. A command says
nothing about whether it is allowed or what it changes: that is `mailer.intake`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from mailer.message.invitation_answer import InvitationAnswer


class Channel(StrEnum):
    """By which way a command came; kept with every consent."""

    MAIL = "mail"
    WEB = "web"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Wants the series' mails. ``explicit`` is False for free text or an empty mail that is only
    taken as a wish; ``forward`` when a person should read that text too (long, or attachments)."""

    language: str | None = None
    explicit: bool = True
    forward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """Wants none of them any more. ``token`` decides who is meant and then nothing is answered."""

    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Confirms what our own mail asked. Without token the
    mail's In-Reply-To must name that mail."""

    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """Wants to know what can be said to the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowStatus:
    """Wants to know what is kept about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowProgramme:
    """Wants the coming webinars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Wants a place in one webinar: by its permanent number, or by a token that names both."""

    number: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Does not come to one webinar and wants no more reminders of it."""

    number: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInvitation:
    """A calendar program says whether its owner comes. Nothing is ever answered to it."""

    answer: InvitationAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLanguage:
    """Wants mails in this language (BCP 47 tag as written, checked by intake)."""

    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimezone:
    """Wants times in this IANA zone (as written, checked by intake)."""

    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wants no mail until that day (in their zone); None: the date could not be read."""

    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Ends a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeText:
    """No command: from a stranger a wish to subscribe, from a subscriber a mail for the organisers.

    ``words`` counts the unquoted text; ``attachments`` whether any came along.
    """

    words: int
    attachments: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToOwner:
    """For the organisers (`+owner`) or the operator (`postmaster@`)."""

    postmaster: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """An organiser's announcement by mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """An organiser's yes to what waits: to the version that the token names."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """An organiser's no to it, or a stop after it was approved."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraft:
    """Another text in its place; ``answers`` when the mail is a reply, whose subject is then not
    its author's."""

    token: str
    answers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPath:
    """Something came to the return path of one of our mails: a report, or a person's reply."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A provider passes on what its user thinks of a mail of ours (RFC 5965). ``feedback`` is the
    type; the tokens, of unsubscribe addresses and of return paths, say whose mail it may be."""

    feedback: str
    unsubscribe: tuple[str, ...] = ()
    return_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Not to be acted on; ``reason`` is a stable word for the journal (`loop`, `spam`…)."""

    reason: str


Command = (
    Subscribe
    | Unsubscribe
    | Confirm
    | Help
    | ShowStatus
    | ShowProgramme
    | Register
    | Skip
    | AnswerInvitation
    | SetLanguage
    | SetTimezone
    | Pause
    | Resume
    | FreeText
    | ToOwner
    | Announce
    | Approve
    | Drop
    | Redraft
    | ReturnPath
    | Complaint
    | Nothing
)
