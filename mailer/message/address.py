"""Addresses: those of people, and the family of addresses that each series answers to.

Decides what an envelope recipient means before a mail is taken (RFC 5321 §4.5.1, RFC 5233 for the
idea of a detail behind a separator), and who a From field names (RFC 5322 §3.4, RFC 6531). Asks no
DNS and does not read tokens: whether one is genuine is for `token`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from email_validator import EmailNotValidError, validate_email

from mailer.config.model import Series
from mailer.message.text import clean, decode_bytes, decode_words


class Purpose(StrEnum):
    """What the part behind the separator asks for; the value is that part without its token."""

    SERIES = ""
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    CONFIRM = "confirm"
    HELP = "help"
    PROGRAMME = "programme"
    STATUS = "status"
    REGISTER = "register"
    SKIP = "skip"
    PREFERENCES = "preferences"
    OWNER = "owner"
    ANNOUNCE = "announce"
    APPROVE = "approve"
    JOIN = "join"  # web pages only; the address `+join` without a token means SUBSCRIBE
    BOUNCE = "bounce"
    POSTMASTER = "postmaster"
    MESSAGE = "message"  # in Message-IDs only; no address carries it
    SIGN_IN = "sign-in"  # web pages only


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One mailbox. ``key`` is who it is (local part case-folded, domain as lower-case A-label);
    ``mailbox`` is how its owner spells it and what mail is sent to, domain as A-label."""

    key: str
    mailbox: str

    @property
    def domain(self) -> str:
        """The domain as lower-case A-label."""
        return self.key.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An address of ours, understood: whose it is and what it asks for."""

    series: str | None  # None only for POSTMASTER
    purpose: Purpose
    token: str | None = None


SEPARATORS = "+-"
LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
ADDRESS_CHARS = 320
LETTERS = 26  # of a token
_TOKEN = re.compile(r"[a-z2-7]{26}")
_POSTMASTER = "postmaster"  # RFC 5321 §4.5.1: with and without domain, in any case
_FIELD_CHARS = 8_192
_MAILBOXES = 100  # looked at in one field
_ESCAPED = re.compile(r"\\(.)")
_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"?|<[^<>]*>?|\\.|[^"<\\]', re.DOTALL)
# Every word that can follow the separator; some only with a token, some only without.
_WORDS: Mapping[str, Purpose] = {
    "subscribe": Purpose.SUBSCRIBE,
    "join": Purpose.SUBSCRIBE,
    "unsubscribe": Purpose.UNSUBSCRIBE,
    "leave": Purpose.UNSUBSCRIBE,
    "help": Purpose.HELP,
    "programme": Purpose.PROGRAMME,
    "status": Purpose.STATUS,
    "preferences": Purpose.PREFERENCES,
    "owner": Purpose.OWNER,
    "announce": Purpose.ANNOUNCE,
}
_TOKEN_WORDS: Mapping[str, Purpose] = {
    "unsubscribe": Purpose.UNSUBSCRIBE,
    "leave": Purpose.UNSUBSCRIBE,
    "confirm": Purpose.CONFIRM,
    "register": Purpose.REGISTER,
    "skip": Purpose.SKIP,
    "preferences": Purpose.PREFERENCES,
    "approve": Purpose.APPROVE,
    "bounce": Purpose.BOUNCE,
}


# Letters, digits and the commonest marks in between, within the lengths of RFC 5321 §4.5.3.1; the
# domain's last label is of letters, and none is an A-label, which may hide anything. Not the
# domains that are for something else (RFC 6761).
_ORDINARY = re.compile(
    r"(?!.*[@.](?:arpa|invalid|local|localhost|onion|test)\Z)(?=.{1,64}@)(?=.{3,254}\Z)"
    r"[a-zA-Z0-9](?:[._+-]?[a-zA-Z0-9])*"
    r"@(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)


def parse_address(text: str) -> Address | None:
    """The mailbox written there, or None if no mail could be sent to it. Syntax only: asks no DNS,
    takes names that only a local network knows, and letters of any script (RFC 6531)."""
    text = text.strip()
    if not text or len(text) > ADDRESS_CHARS:
        return None
    if _ORDINARY.fullmatch(text):  # no grammar would have anything against it
        return Address(key=text.lower(), mailbox=text)
    try:
        valid = validate_email(
            text,
            allow_smtputf8=True,
            allow_quoted_local=True,
            strict=True,
            check_deliverability=False,
            test_environment=True,
            globally_deliverable=False,
        )
    except (EmailNotValidError, UnicodeError):
        return None
    domain = valid.ascii_domain.lower()
    key = unicodedata.normalize("NFC", valid.local_part.casefold())
    return Address(key=f"{key}@{domain}", mailbox=f"{valid.local_part}@{domain}")


def first_address(header: str) -> tuple[Address | None, str]:
    """The first mailbox of a From field that mail can be sent to, and the name beside it.

    Takes the field as it stands in the mail, before encoded words are decoded: decoding first would
    let a name write an address (RFC 2047 §5). One pass, comments may nest without end.
    """
    for phrase, spec in islice(_mailboxes(header[:_FIELD_CHARS]), _MAILBOXES):
        address = parse_address(decode_bytes(spec.encode("utf-8", "surrogateescape")))
        if address:
            return address, " ".join(clean(decode_words(phrase)).split())
    return None, ""


def route(rcpt: str, series: Sequence[Series]) -> Recipient | None:
    """What an envelope recipient means, or None if there is no such address (550 5.1.1).

    The longest series address that fits wins, even if what follows it is unknown. Upper and lower
    case are the same, tokens included.
    """
    local, _, domain = _folded(rcpt).rpartition("@")
    if not local:
        return Recipient(series=None, purpose=Purpose.POSTMASTER) if domain == _POSTMASTER else None
    here = [one for one in series if _domain(one) == domain]
    if here and local == _POSTMASTER:
        return Recipient(series=None, purpose=Purpose.POSTMASTER)
    names = sorted(
        ((name, one.id) for one in here for name in _names(one)), key=lambda pair: -len(pair[0])
    )
    for name, series_id in names:
        if local == name:
            return Recipient(series=series_id, purpose=Purpose.SERIES)
        if local.startswith(name) and local[len(name)] in SEPARATORS:
            return _command_address(series_id, local[len(name) + 1 :])
    return None


def token_in(local: str) -> tuple[Purpose, str] | None:
    """Purpose and token of a local part that looks like one of ours, of whatever series."""
    local = local.casefold()
    for at, letter in enumerate(local):
        if letter in SEPARATORS:
            found = _command_address("", local[at + 1 :])
            if found and found.token:
                return found.purpose, found.token
    return None


def address_of(series: Series, purpose: Purpose, token: str | None = None) -> str:
    """The address of ours that asks for this. ValueError where the purpose has no such address, or
    the local part would be longer than 64 octets."""
    local, _, domain = series.address.rpartition("@")
    if purpose is Purpose.SERIES:
        return series.address
    if purpose is Purpose.POSTMASTER:
        return f"{_POSTMASTER}@{domain}"
    words = _TOKEN_WORDS if token else _WORDS
    if words.get(purpose.value) is not purpose:
        raise ValueError(f"no address for {purpose.value} {'with a' if token else 'without'} token")
    name = series.short or local if token else local
    made = f"{name}+{purpose.value}-{token}" if token else f"{name}+{purpose.value}"
    if len(made) > LOCAL_OCTETS:
        raise ValueError(f"the local part {made} has more than {LOCAL_OCTETS} octets")
    return f"{made}@{domain}"


def own_addresses(series: Sequence[Series]) -> frozenset[str]:
    """Keys of all addresses of ours that carry no token, with either separator."""
    own = {_POSTMASTER}
    for one in series:
        domain = _domain(one)
        own.add(f"{_POSTMASTER}@{domain}")
        for name in _names(one):
            own.add(f"{name}@{domain}")
            own.update(f"{name}{mark}{word}@{domain}" for mark in SEPARATORS for word in _WORDS)
    return frozenset(own)


def series_names(series: Series) -> frozenset[str]:
    """What people call a series when they write to it."""
    return frozenset(
        {
            series.id,
            series.title,
            series.address,
            *_names(series),
            *(f"{name}@{_domain(series)}" for name in _names(series)),
        }
    )


def is_own(address: str, series: Sequence[Series]) -> bool:
    """Whether mail to that address would come back to us, tokens and all."""
    return route(address, series) is not None


def _folded(rcpt: str) -> str:
    """The recipient as it is compared: no <>, no source route, no needless quotes, A-labels."""
    rcpt = rcpt.strip().removeprefix("<").removesuffix(">").casefold()
    if rcpt.startswith("@"):
        rcpt = rcpt.partition(":")[2]
    local, at, domain = rcpt.rpartition("@")
    if len(local) > 2 and local.startswith('"') and local.endswith('"'):
        local = _ESCAPED.sub(r"\1", local[1:-1])
    return f"{local}{at}{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    domain = domain.removesuffix(".").lower()
    if domain.isascii() or len(domain) > 253:
        return domain
    address = parse_address(f"x@{domain}")
    return address.domain if address else domain


def _domain(series: Series) -> str:
    return _ascii_domain(series.address.rpartition("@")[2])


def _names(series: Series) -> set[str]:
    local = series.address.rpartition("@")[0]
    return {name.casefold() for name in (local, series.short) if name}


def _command_address(series_id: str, rest: str) -> Recipient | None:
    purpose = _WORDS.get(rest)
    if purpose is not None:
        return Recipient(series=series_id, purpose=purpose)
    word, token = rest[: -LETTERS - 1], rest[-LETTERS:]
    purpose = _TOKEN_WORDS.get(word)
    separated = rest[-LETTERS - 1 : -LETTERS] in tuple(SEPARATORS)
    if purpose is None or not separated or not _TOKEN.fullmatch(token):
        return None
    return Recipient(series=series_id, purpose=purpose, token=token)


def _mailboxes(field: str) -> Iterator[tuple[str, str]]:
    """Pairs of name and address, as written, of a list of mailboxes (RFC 5322 §3.4)."""
    words: list[str] = []
    comment: list[str] = []
    angle: str | None = None
    depth = 0
    for lexeme in _LEXEME.findall(field + ","):
        if depth or lexeme == "(":
            depth += {"(": 1, ")": -1}.get(lexeme, 0)
            comment.append(lexeme if lexeme not in "()" else " ")
        elif lexeme in ",;":
            yield _mailbox(words, angle, comment)
            words, comment, angle = [], [], None
        elif lexeme == ":":
            words.clear()  # what stood there names a group
        elif lexeme.startswith("<"):
            angle = lexeme.strip("<>, \t")
        else:
            words.append(lexeme)
    yield _mailbox(words, angle, comment)  # a quote or comment that nobody closed


def _mailbox(words: list[str], angle: str | None, comment: list[str]) -> tuple[str, str]:
    if angle is None:
        return "".join(comment), "".join(words).strip()
    if angle.startswith("@"):
        angle = angle.partition(":")[2]  # a source route, RFC 5321 appendix C
    name = "".join(_ESCAPED.sub(r"\1", word.strip('"')) for word in words)
    return (name if name.strip() else "".join(comment)), angle
