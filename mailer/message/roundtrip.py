"""The mail that `mailer check --round-trip` sends to the series itself, and what came back of it.

Its Message-ID carries a token, so that nobody else can make the service keep a mail's head. Reads
who signed the mail and which fields the signature covers (RFC 6376 §3.5, RFC 8058 §4); verifies
nothing: that is for the Authentication-Results of whoever received it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from mailer.message.address import Purpose
from mailer.message.parse import parse, raw_headers
from mailer.message.token import SUBJECTS, TokenMint

HEAD_OCTETS = 65_536
ONE_CLICK = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
_FIRST = SUBJECTS // 2  # rows of the ledger, which have tokens of this purpose too, are below
_MESSAGE_ID = re.compile(r"<check\.([a-z2-7]{26})@[^<>@\s]+>")
_TAG = re.compile(r"\s*([a-z]+)\s*=\s*([^;]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One DKIM-Signature: who signed, with which key, and the signed fields in lower case."""

    domain: str
    selector: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """``results`` is the topmost Authentication-Results field, empty without one."""

    signatures: tuple[Signature, ...]
    results: str
    hops: int


def name(mint: TokenMint, number: int, day: date) -> str:
    """The local part of the Message-ID, from a number of at least 0 and less than 2**47."""
    token = mint.mint(Purpose.MESSAGE, subject=_FIRST + number % _FIRST, day=day)
    return f"check.{token}"


def is_own(mint: TokenMint, message_id: str) -> bool:
    """Whether this is the Message-ID of such a mail of ours."""
    found = _MESSAGE_ID.fullmatch(message_id)
    token = mint.read(Purpose.MESSAGE, found[1]) if found else None
    return token is not None and token.context == 0 and token.subject >= _FIRST


def head(content: bytes) -> bytes:
    """The header section, as far as it is kept."""
    return content.partition(b"\r\n\r\n")[0][:HEAD_OCTETS] + b"\r\n\r\n"


def read_back(content: bytes) -> Returned:
    """What the mail, or its head alone, says about its way; never raises."""
    message = parse(content)
    results = raw_headers(message, "authentication-results")
    return Returned(
        signatures=tuple(map(_signature, raw_headers(message, "dkim-signature"))),
        results=" ".join(results[0].split()) if results else "",
        hops=len(raw_headers(message, "received")),
    )


def _signature(field: str) -> Signature:
    tags = {match[1]: match[2].strip() for part in field.split(";") if (match := _TAG.match(part))}
    return Signature(
        domain=tags.get("d", ""),
        selector=tags.get("s", ""),
        fields=frozenset(one.strip().lower() for one in tags.get("h", "").split(":")),
    )
