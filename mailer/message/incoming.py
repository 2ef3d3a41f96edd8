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

__all__ = ["LINES", "Authentication", "Incoming", "count_words", "read", "script_language"]

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
    language: str | None  # what the mail itself says or shows, None if it does not tell
    authentication: Authentication
    spam: bool  # X-Spam-Flag: YES and its kin
    machine: str | None
    received_count: int


def read(content: bytes, *, sender: str | None, authserv_id: str, own: frozenset[str]) -> Incoming:
    """The mail as a value. ``sender`` is the envelope's (empty or ``<>``: null, None: not known),
    ``own`` the keys of our addresses, ``authserv_id`` whom to believe (empty: nobody)."""
    message = parse(content)
    author, name = _author(message)
    lines = unquoted(text_lines(message))
    subject = header(message, "subject")
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
        language=_language(message, [subject, *lines[:LINES]]),
        authentication=trusted_result(message, authserv_id),
        spam=_is_spam(message),
        machine=machine_reason(message, sender, own),
        received_count=len(raw_headers(message, "received")),
    )


def count_words(line: str) -> int:
    """Words of a line; in scripts without spaces two characters count as one word."""
    scripts_without_spaces = len(_UNSPACED.findall(line))
    return len(_UNSPACED.sub(" ", line).split()) + (scripts_without_spaces + 1) // 2


def script_language(text: str) -> str | None:
    """Arabic, Russian or Chinese, if most letters of the text are of their script and none is of a
    neighbour that shares it (Persian, Ukrainian, Japanese…)."""
    letters = sum(map(str.isalpha, text))
    for language, (script, foreign) in _SCRIPTS.items():
        if 2 * len(script.findall(text)) > letters:
            return None if foreign.search(text) else language
    return None


_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f]")
_SCRIPTS = {
    "ar": (re.compile("[\u0620-\u064a\u066e-\u06d3]"), re.compile("[پچژگکیڑےۆ]")),
    "ru": (re.compile("[\u0400-\u052f]"), re.compile("[іїєґўјљњћђџѓќѕәғқңөұүһ]", re.IGNORECASE)),
    "zh": (re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"), re.compile("[\u3040-\u30ff]")),
}
_WRITTEN_OTHERWISE = frozenset(_SCRIPTS)
_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")


def _author(message: Message) -> tuple[Address | None, str]:
    """Who wrote. Several From fields are nobody: each reader would choose another one of them."""
    fields = raw_headers(message, "from")
    return first_address(fields[0]) if len(fields) == 1 else (None, "")


def _language(message: Message, lines: Sequence[str]) -> str | None:
    """What the mail says it is in. Many programs state the language of their menus instead, so a
    text in another script than the language stated has the last word."""
    shown = script_language(" ".join(lines))
    stated = None
    for name in ("content-language", "accept-language"):
        found = _TAG.match(header(message, name))
        if found:
            stated = found[1].lower()
            break
    return shown if shown and stated in _LATIN | {None} else stated


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
