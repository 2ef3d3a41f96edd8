"""Reads the bytes of a mail into a value, within limits and without ever raising.

Gathers what `wish` decides on: who wrote, the first lines of their own, whether a machine did,
what our mail server found out about the sender. Decides nothing and believes nothing. RFC 5322,
3834, 8601.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256

from mailer.message.address import Address, first_address
from mailer.message.authentication import Authentication, trusted_result
from mailer.message.automatic import machine_reason
from mailer.message.invitation_answer import InvitationAnswer, read_answer
from mailer.message.parse import (
    has_attachments,
    header,
    headers,
    normalised,
    parse,
    raw_headers,
    text_lines,
)
from mailer.message.quotation import unquoted
from mailer.message.tongue import script_language, words_language

__all__ = ["LINES", "Authentication", "Incoming", "count_words", "read"]

LINES = 5  # of a mail that may hold a command
_LINE_CHARS = 998
_IDENTIFIERS = 100
_IDENTIFIER = re.compile(r"<[^<>\s]{1,996}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One mail as read. Text is decoded, NUL and controls removed; nothing in it is trusted.

    ``author`` is the From address, or None when there is none that could be answered.
    ``lines`` are the first unquoted non-empty text lines (at most `LINES`), ``words`` counts all
    unquoted words. ``machine`` names why this is no person's mail, None if it may be one.
    ``digest`` is the dedupe key: SHA-256 over Message-ID, Date, From, Subject and body, without
    trace fields; the recipient is added by the journal.
    """

    content: bytes
    digest: bytes
    author: Address | None
    author_name: str
    subject: str
    message_id: str
    replies_to: tuple[str, ...]  # In-Reply-To and References, Message-IDs with their <>
    lines: tuple[str, ...]
    words: int
    attachments: bool
    language: str | None  # what its words show, None if they do not tell
    stated_language: str | None  # what its header says, often that of a program's menus
    authentication: Authentication
    spam: bool  # X-Spam-Flag: YES and its kin
    machine: str | None
    received_count: int
    invitation_answer: InvitationAnswer | None = None
    sender: str | None = None  # the envelope's, None where it is not known


def read(content: bytes, *, sender: str | None, authserv_id: str, own: frozenset[str]) -> Incoming:
    """The mail as a value. ``sender`` is the envelope's (empty or ``<>``: null, None: not known),
    ``own`` the keys of our addresses, ``authserv_id`` whom to believe (empty: nobody)."""
    message = parse(content)
    author, name = _author(message)
    lines = unquoted(text_lines(message))
    subject = header(message, "subject")
    stated = _stated(message)
    return Incoming(
        content=content,
        digest=_digest(message, content),
        author=author,
        author_name=name,
        subject=subject,
        message_id=_identifier(header(message, "message-id")),
        replies_to=_replies_to(message),
        lines=tuple(line[:_LINE_CHARS] for line in lines[:LINES]),
        words=sum(map(count_words, lines)),
        attachments=has_attachments(message),
        language=_shown([subject, *lines[:LINES]], stated),
        stated_language=stated,
        authentication=trusted_result(message, authserv_id),
        spam=_is_spam(message),
        machine=machine_reason(message, sender, own),
        received_count=len(raw_headers(message, "received")),
        invitation_answer=read_answer(message),
        sender=sender,
    )


def count_words(line: str) -> int:
    """Words of a line; in scripts without spaces two characters count as one word."""
    scripts_without_spaces = len(_UNSPACED.findall(line))
    return len(_UNSPACED.sub(" ", line).split()) + (scripts_without_spaces + 1) // 2


_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f]")
_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")


def _author(message: Message) -> tuple[Address | None, str]:
    """Who wrote. Several From fields are nobody: each reader would choose another one of them."""
    fields = raw_headers(message, "from")
    return first_address(fields[0]) if len(fields) == 1 else (None, "")


def _shown(lines: Sequence[str], stated: str | None) -> str | None:
    """The language that a text is seen to be in. Letters tell nothing where the mail states another
    language that is not written in Latin ones: neighbours share them."""
    text = " ".join(lines)
    script = script_language(text)
    return script if script and stated in {None, script, *_LATIN} else words_language(text)


def _stated(message: Message) -> str | None:
    """What the mail says it is in; many programs state the language of their menus there."""
    for name in ("content-language", "accept-language"):
        found = _TAG.match(header(message, name))
        if found:
            return found[1].lower()
    return None


_LATIN = frozenset({"en", "fr", "es", "de", "it", "pt", "nl"})


def _identifier(value: str) -> str:
    found = _IDENTIFIER.search(value)
    return found[0] if found else value


def _replies_to(message: Message) -> tuple[str, ...]:
    fields = (*headers(message, "in-reply-to"), *headers(message, "references"))
    identifiers = _IDENTIFIER.findall(" ".join(fields))
    return tuple(dict.fromkeys(identifiers))[:_IDENTIFIERS]


def _is_spam(message: Message) -> bool:
    """Whether a filter before us says so: SpamAssassin, rspamd and others, Exchange Online."""
    for name in ("x-spam-flag", "x-spam-status", "x-spam"):
        if header(message, name).lower().startswith("yes"):
            return True
    return "sfv:spm" in header(message, "x-forefront-antispam-report").lower().replace(" ", "")


def _digest(message: Message, content: bytes) -> bytes:
    """What makes it the same mail whichever way it came: each part with its length before it."""
    body = normalised(content).partition(b"\n\n")[2].strip(b"\n")
    digest = sha256()
    for name in ("message-id", "date", "from", "subject"):
        value = "\n".join(" ".join(field.split()) for field in raw_headers(message, name)[:1])
        digest.update(b"%d:%s" % (len(value), value.encode("utf-8", "replace")))
    digest.update(body)
    return digest.digest()
