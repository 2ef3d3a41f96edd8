"""Writes the header fields of every mail we send, with marks where persons differ.

Text from outside is made one line and encoded, so that it can never end its field. Decides nothing
about who gets the mail; structure (MIME-Version, Content-Type) belongs to `compose`. RFC 5322 §3.6,
RFC 2047, RFC 2369, RFC 2919, RFC 3834 §5, RFC 8058 §3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from mailer.message.facts import SeriesFacts
from mailer.message.mark import LEFTOVER, Personal, mark, without_marks
from mailer.message.quoted import phrase, unstructured

SUPPRESS = "DR, RN, NRN, OOF, AutoReply"  # Exchange; not All, which would include bounces
SENDER = "webinarmail"  # last part of Feedback-ID: 5 to 15 characters, the same for ever
_LIST_ID_OCTETS = 255  # RFC 2919 §3
_REFERENCES = 10  # the first and the last nine
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,248}>")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


def headers_for(
    *,
    series: SeriesFacts,
    kind: str,
    subject: str,
    language: str,
    date: datetime | None,
    answers: bool = False,
    unsubscribe: bool = True,
    about: str = "",
    via: str = "",
    reply_to: Personal | str = "",
    in_reply_to: Personal | str = "",
    references: Sequence[str] = (),
) -> list[tuple[str, str]]:
    """Every field of one mail of a series, as ASCII name and value, not folded.

    ``kind`` and ``about`` (a webinar or announcement) go to Feedback-ID. Without ``date``, and
    with ``in_reply_to`` ANSWERED, these are personal places too. ``answers`` says that the
    mail answers one; then ``in_reply_to`` and ``references`` are that mail's Message-ID and those
    it names. ``unsubscribe=False`` is for who has nothing to leave. ``via`` is a person for whom
    the series passes something on. ``reply_to`` is the purpose of a token address (confirm,
    approve) or a person's address, which is left out if it would need SMTPUTF8.
    """
    answered = _answered(in_reply_to)
    fields = [
        ("From", _mailbox(f"{via} via {series.title}" if via else series.title, series.address)),
        ("To", mark(Personal.ADDRESS)),
        ("Subject", unstructured(without_marks(subject)) or unstructured(series.title)),
        ("Date", date_text(date) if date else mark(Personal.DATE)),
        ("Message-ID", f"<{mark(Personal.MESSAGE_ID)}@{series.domain}>"),
        ("Reply-To", _reply_to(series, reply_to)),
        ("In-Reply-To", "".join(answered)),
        ("References", " ".join(_message_ids([*references, *answered]))),
        ("Content-Language", language if _LANGUAGE.fullmatch(language) else ""),
        *_list_fields(series),
        *(_unsubscribe_fields(series) if unsubscribe else ()),
        ("Auto-Submitted", "auto-replied" if answers else "auto-generated"),
        ("X-Auto-Response-Suppress", SUPPRESS),
        ("Precedence", "list"),
        ("Feedback-ID", ":".join([*map(_feedback_part, (kind, series.id, about)), SENDER])),
        ("X-Loop", series.address),
    ]
    return [(name, value) for name, value in fields if value]


@lru_cache(maxsize=256)  # all mails of an announcement have few dates between them
def date_text(instant: datetime) -> str:
    """An instant as a Date field has it (RFC 5322 §3.3), in UTC."""
    return format_datetime(instant.astimezone(UTC))


def _answered(in_reply_to: Personal | str) -> list[str]:
    if isinstance(in_reply_to, Personal):
        return [mark(in_reply_to)]
    return list(_message_ids([in_reply_to]))


def may_be_answered(message_id: str) -> bool:
    """Whether a Message-ID from outside is well formed, so that a field of ours may repeat it."""
    return bool(list(_message_ids([message_id])))


def token_address(series: SeriesFacts, personal: Personal) -> str:
    """The series' address that carries this person's token, as a mark."""
    return f"{series.local}+{personal.value}-{mark(personal)}@{series.domain}"


def _mailbox(name: str, address: str) -> str:
    display = phrase(without_marks(name))
    return f"{display} <{address}>" if display else address


def is_answerable(address: str) -> bool:
    """Whether an address from outside may stand in a field of ours: a plain one, in ASCII."""
    return not LEFTOVER.search(address) and _PLAIN_ADDRESS.fullmatch(address) is not None


def _reply_to(series: SeriesFacts, reply_to: Personal | str) -> str:
    if isinstance(reply_to, Personal):
        return token_address(series, reply_to)
    return reply_to if is_answerable(reply_to) else ""


def _message_ids(found: Sequence[str]) -> Iterator[str]:
    """What may be repeated of Message-IDs that others made: well-formed ones, each once."""
    sound = [
        message_id
        for message_id in dict.fromkeys(found)
        if message_id == mark(Personal.ANSWERED)
        or (_MESSAGE_ID.fullmatch(message_id) and not LEFTOVER.search(message_id))
    ]
    if len(sound) > _REFERENCES:
        sound = [sound[0], *sound[1 - _REFERENCES :]]
    yield from sound


def _list_fields(series: SeriesFacts) -> Iterator[tuple[str, str]]:
    """Fields that name the list; its id is made of what never changes, not of the title."""
    list_id = f"<{series.id}.{series.domain}>"
    titled = f"{phrase(without_marks(series.title))} {list_id}".lstrip(" ")
    yield "List-Id", titled if len(titled) <= _LIST_ID_OCTETS else list_id
    yield "List-Help", f"<{_mailto(series, 'help')}>"
    yield "List-Post", "NO"
    yield "List-Owner", f"<{_mailto(series, 'owner')}>"


def _unsubscribe_fields(series: SeriesFacts) -> Iterator[tuple[str, str]]:
    by_mail = f"<{_mailto(series, f'unsubscribe-{mark(Personal.UNSUBSCRIBE)}')}>"
    if not series.base_url:
        yield "List-Unsubscribe", by_mail
        return
    page = f"{series.base_url.rstrip('/')}/u/{mark(Personal.UNSUBSCRIBE)}"
    yield "List-Unsubscribe", f"<{page}>, {by_mail}"
    yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _mailto(series: SeriesFacts, purpose: str) -> str:
    return f"mailto:{quote(series.local, safe='!$*+-._~')}+{purpose}@{series.domain}"


def _feedback_part(part: str) -> str:
    """One part of a Feedback-ID, which counts mails by it: no colon, nothing personal."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", without_marks(part))[:60]
