"""Says what a mail would be taken for, without doing it (CONTRACT.md, `classify`).

Goes by what the mail itself says, whether its token is genuine or not. Machine mail is told apart
first; what is left is read like any mail to the series address. Never raises, knows no subscriber.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mailer.config.model import Series
from mailer.message.address import Purpose, Recipient, own_addresses, route, series_names
from mailer.message.command import (
    Announce,
    AnswerInvitation,
    Approve,
    Command,
    Complaint,
    Confirm,
    Drop,
    FreeText,
    Help,
    Nothing,
    Pause,
    Redraft,
    Register,
    Resume,
    ReturnPath,
    SetLanguage,
    SetTimezone,
    ShowProgramme,
    ShowStatus,
    Skip,
    Subscribe,
    ToOwner,
    Unsubscribe,
)
from mailer.message.incoming import read
from mailer.message.judgement import Bounce, Verdict
from mailer.message.parse import headers, parse
from mailer.message.report import judge
from mailer.message.report_status import ADDRESS
from mailer.message.wish import decide

WISH_WORDS = 40  # of free text that is still only a wish to subscribe

WORDS: dict[type[Command], str] = {
    Subscribe: "subscribe",
    Unsubscribe: "unsubscribe",
    Confirm: "confirm",
    Help: "help",
    ShowStatus: "status",
    ShowProgramme: "programme",
    Register: "register",
    Skip: "skip",
    SetLanguage: "language",
    SetTimezone: "timezone",
    Pause: "pause",
    Resume: "resume",
    ToOwner: "owner",
    Announce: "announce",
    Approve: "approve",
    Drop: "approve",  # whatever an organiser answers to a preview
    Redraft: "approve",
}

# What the server before us noted down of the envelope tells more than what the sender wrote.
_RECIPIENT_FIELDS = (
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "delivered-to",
    "x-rcpt-to",
    "to",
    "cc",
    "resent-to",
)
_ADDRESSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a mail is taken for; ``command`` is the word that CONTRACT.md lists, None for none."""

    verdict: Verdict
    command: str | None = None
    series: str | None = None
    feedback: str | None = None
    bounces: tuple[Bounce, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The fields as `mailer classify --json` gives them, all but the file."""
        return {
            "verdict": self.verdict.value,
            "command": self.command,
            "series": self.series,
            "feedback": self.feedback,
            "bounces": [
                {"address": one.address, "class": one.cls.value, "status": one.status or None}
                for one in self.bounces
            ],
        }


def classify(content: bytes, series: Sequence[Series]) -> Classification:
    """What this mail would be taken for if it came to one of these series."""
    recipient = _recipient(content, series)
    judgement = judge(content)
    if judgement:
        return Classification(
            verdict=judgement.verdict,
            series=recipient.series,
            feedback=judgement.feedback,
            bounces=judgement.bounces,
        )
    mail = read(content, sender=None, authserv_id="", own=own_addresses(series))
    names = (series_names(one) for one in series if one.id == recipient.series)
    command = decide(mail, recipient, next(names, frozenset())).command
    verdict, word = _verdict(command)
    return Classification(verdict=verdict, command=word, series=recipient.series)


def _recipient(content: bytes, series: Sequence[Series]) -> Recipient:
    """Which address of ours the mail went to: one that asks for something before the series'."""
    found = [one for one in _ours(content, series) if one.series is not None]
    asking = [one for one in found if one.purpose not in (Purpose.SERIES, Purpose.BOUNCE)]
    chosen = next(iter((*asking, *found)), None)
    if chosen is None:
        only = series[0].id if len(series) == 1 else None
        return Recipient(series=only, purpose=Purpose.SERIES)
    if chosen.purpose is Purpose.BOUNCE:  # what a person writes there is read as anywhere else
        return replace(chosen, purpose=Purpose.SERIES, token=None)
    return chosen


def _ours(content: bytes, series: Sequence[Series]) -> Iterator[Recipient]:
    message = parse(content)
    for name in _RECIPIENT_FIELDS:
        for value in headers(message, name)[:_ADDRESSES]:
            for found, _ in zip(ADDRESS.finditer(value), range(_ADDRESSES), strict=False):
                recipient = route(found.group(), series)
                if recipient:
                    yield recipient


def _verdict(command: Command) -> tuple[Verdict, str | None]:
    match command:
        case FreeText(words=words, attachments=attachments):
            wish = words <= WISH_WORDS and not attachments
            return (Verdict.SUBSCRIBE_WISH if wish else Verdict.MESSAGE), None
        case Subscribe(explicit=False):
            return Verdict.SUBSCRIBE_WISH, None
        case Nothing() | AnswerInvitation():  # nobody is answered, nothing is forwarded
            return Verdict.IGNORED, None
        case ReturnPath():
            return Verdict.MESSAGE, None
        case Complaint():
            return Verdict.COMPLAINT, None
        case _:
            return Verdict.COMMAND, WORDS[type(command)]
