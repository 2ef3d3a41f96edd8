"""Decides what one mail asks for: the address decides first, then the subject, then early lines.

On an address command nobody reads the text. On the series address a command must be a whole line;
greetings, thanks, accents, case and punctuation aside. A sentence that only contains such a word is
free text, and free text is for `mailer.intake` to judge, which knows who is a subscriber. What a
machine wrote asks for nothing (RFC 3834 §2), and who cannot be believed gets no answer. A complaint
is one at whatever address of ours it arrives. What a calendar program says to the organiser of an
invitation, which is the series address, is the one thing that a machine may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mailer.message.address import Purpose, Recipient, token_in
from mailer.message.arf import DEFAULT_FEEDBACK, complaint_in
from mailer.message.assent import read_assent
from mailer.message.authentication import Authentication
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
    Redraft,
    Register,
    ReturnPath,
    ShowProgramme,
    ShowStatus,
    Skip,
    Subscribe,
    ToOwner,
    Unsubscribe,
)
from mailer.message.incoming import LINES, Incoming
from mailer.message.judgement import Judgement
from mailer.message.line import is_answer, read_line
from mailer.message.phrase import key

HOPS = 100  # Received fields before a mail is taken to go in circles (RFC 5321 §6.3)
_FIXED: Mapping[Purpose, Command] = {
    Purpose.HELP: Help(),
    Purpose.PROGRAMME: ShowProgramme(),
    Purpose.STATUS: ShowStatus(),
    Purpose.OWNER: ToOwner(),
    Purpose.POSTMASTER: ToOwner(postmaster=True),
    Purpose.ANNOUNCE: Announce(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The command, and the language to answer in as far as its words tell (None: as stored, else
    as the mail's header states)."""

    command: Command
    language: str | None = None


def decide(mail: Incoming, recipient: Recipient, names: frozenset[str] = frozenset()) -> Decision:
    """What this mail asks for at that address of ours. ``names`` are what its series is called, as
    written (`series_names`): a command may name it."""
    if mail.received_count > HOPS:
        return Decision(command=Nothing(reason="loop"))
    complaint = complaint_in(mail.content)
    if complaint:
        return Decision(command=_complaint(complaint, recipient))
    if mail.invitation_answer and recipient.purpose is Purpose.SERIES:
        answered: Command = AnswerInvitation(answer=mail.invitation_answer)
        reason = _refusal(mail, recipient, answered)
        return Decision(command=Nothing(reason=reason) if reason else answered)
    if mail.machine and not _takes_machines(recipient):
        return Decision(command=Nothing(reason=mail.machine))
    wanted = _wanted(mail, recipient, names)
    reason = _refusal(mail, recipient, wanted.command)
    return Decision(command=Nothing(reason=reason)) if reason else wanted


def _complaint(told: Judgement, recipient: Recipient) -> Complaint:
    """A complaint with the tokens of ours that it may be about, the address's own first."""
    own = [(recipient.purpose, recipient.token)] if recipient.token else []
    found = [*own, *filter(None, map(token_in, told.tokens))]
    return Complaint(
        feedback=told.feedback or DEFAULT_FEEDBACK,
        unsubscribe=tuple(token for purpose, token in found if purpose is Purpose.UNSUBSCRIBE),
        return_path=tuple(token for purpose, token in found if purpose is Purpose.BOUNCE),
    )


def _takes_machines(recipient: Recipient) -> bool:
    """Return paths are for machines, and mail programs press the unsubscribe button alone."""
    match recipient.purpose:
        case Purpose.BOUNCE:
            return True
        case Purpose.UNSUBSCRIBE:
            return recipient.token is not None
        case _:
            return False


def _refusal(mail: Incoming, recipient: Recipient, command: Command) -> str | None:
    """Why nothing may come of this command, None if nothing is in its way.

    A token says who is meant; then nothing else about the sender counts. What people wrote in
    their own words is never lost to a filter: the intake knows who is a subscriber.
    """
    spam = "spam" if mail.spam else None
    match command:
        case Nothing() | Confirm(token=str()):
            return None
        case _ if recipient.token is not None:
            return None
        case ToOwner():
            return spam
        case FreeText():
            return None if mail.author else "no author"
        case Unsubscribe():  # filters mistake many an honest one
            spam = None
    if mail.authentication is Authentication.FAIL:
        return spam or "authentication"
    return spam or (None if mail.author else "no author")


def _wanted(mail: Incoming, recipient: Recipient, names: frozenset[str]) -> Decision:
    called = frozenset(filter(None, map(key, (*names, recipient.series or ""))))
    if recipient.purpose is Purpose.SERIES:
        return _by_text(mail, called)
    if recipient.purpose is Purpose.PREFERENCES:
        return _preference(mail, recipient, called)
    if recipient.purpose is Purpose.APPROVE and recipient.token:
        return Decision(command=_ruling(mail, recipient.token), language=mail.language)
    language = mail.language
    if language is None and recipient.token is None:  # what stands beside a token may be our words
        language = _of_subject(mail, called)
    return Decision(
        command=_by_address(recipient, language or mail.stated_language), language=language
    )


def _by_address(recipient: Recipient, language: str | None) -> Command:
    token = recipient.token
    command = _FIXED.get(recipient.purpose)
    match recipient.purpose:
        case Purpose.SUBSCRIBE:
            command = Subscribe(language=language)
        case Purpose.UNSUBSCRIBE:
            command = Unsubscribe(token=token)
        case Purpose.CONFIRM if token:
            command = Confirm(token=token)
        case Purpose.REGISTER if token:
            command = Register(token=token)
        case Purpose.SKIP if token:
            command = Skip(token=token)
        case Purpose.BOUNCE if token:
            command = ReturnPath(token=token)
    # What is left is for web pages only, or lacks its token: `route` lets no such address in.
    return command or Nothing(reason="no such address")


def _ruling(mail: Incoming, token: str) -> Command:
    """What an organiser says to a preview: a word in the subject or in their first line decides. An
    empty mail says yes, as its address does; a text without such a word replaces the old one."""
    for line in (mail.subject, *mail.lines[:1]):
        said = read_assent(line)
        if said is not None:
            return Approve(token=token) if said else Drop(token=token)
    if mail.lines or mail.attachments:
        return Redraft(token=token, answers=bool(mail.replies_to) or is_answer(mail.subject))
    return Approve(token=token)


def _by_text(mail: Incoming, called: frozenset[str]) -> Decision:
    return _first_line(mail, called) or Decision(
        command=FreeText(words=mail.words, attachments=mail.attachments), language=mail.language
    )


def _preference(mail: Incoming, recipient: Recipient, called: frozenset[str]) -> Decision:
    """The one address that says who but not what: that is in the text, as for the series. With a
    token the text may be what our own mail put there, so its words tell no language."""
    wanted = _first_line(mail, called) or Decision(command=ShowStatus(), language=mail.language)
    return replace(wanted, language=mail.language) if recipient.token else wanted


def _of_subject(mail: Incoming, called: frozenset[str]) -> str | None:
    """The language of the command in the subject, which a command address makes needless."""
    found = _first_line(replace(mail, lines=()), called)
    return found.language if found else None


def _first_line(mail: Incoming, called: frozenset[str]) -> Decision | None:
    """The first line that is a command: of the subject and the first unquoted lines."""
    known = frozenset({key(mail.author.key)} if mail.author else ())
    for line in (mail.subject, *mail.lines[:LINES]):
        found = read_line(line, known, called)
        if found:
            [language, *others] = sorted(found.languages)
            spoken = mail.language if others else language
            command = found.command
            if isinstance(command, Subscribe):
                command = Subscribe(language=spoken or mail.stated_language)
            return Decision(command=command, language=spoken)
    return None
