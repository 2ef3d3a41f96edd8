"""Finds the recipients that a report without machine-readable part speaks of.

Works for the free-text reports of qmail, Exim, Exchange, Notes and many others by where in a line
an address stands, not by system. Decides nothing about the reason. Linear time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from itertools import groupby, islice
from operator import itemgetter

from mailer.message.automatic import is_role
from mailer.message.parse import headers
from mailer.message.report_parts import LINE_CHARS, ReportParts, fields_of
from mailer.message.report_status import ADDRESS

LINES = 2_000
RECIPIENTS = 100

_LEAD = re.compile(
    r"[\s*•·-]{0,20}(?:\d{3}[ -](?:\d\.\d\.\d{1,3} )?)?(?:smtp:|mailto:)?[<\"'(\[]{0,3}$",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:rcpt to|recipients?(?: address)?|addressed to|to|user|mailbox|address"
    r"|e-?mail(?: address)?"
    r"|empf(?:ä|ae)nger|destinataires?|destinatarios?|destinat[áa]rios?|ontvanger|odbiorca"
    r"|получатель|收件人|宛先|受信者|받는 사람)[\s:=\"'<\[(]{1,6}$",
    re.IGNORECASE,
)
_FOR = re.compile(rf"\sfor <?({ADDRESS.pattern})")
_NOT_RECIPIENT = re.compile(
    r"(?:from|sender|reply-to|return-path|message-?id|mail from|envelope-from|contact|mailto"
    r"|helo|ehlo"
    r"|e-?mail us at|write to|questions?|support|auth|orig_?from|absender|expéditeur|remitente"
    r"|\b(?:sorry|dear|hello|hallo|hi))"
    r"[\s:=\"'<\[(]{1,6}$",
    re.IGNORECASE,
)
_X400 = re.compile(r"(?:dda:)?(?:smtp|rfc-?822)=(?=\S)", re.IGNORECASE)
_HEADING = re.compile(
    r"following (?:\S{1,20} ){0,3}(?:recipient|address|user|destinat|person|people)"
    r"|did not reach|permanent (?:fatal )?errors"
    r"|deliver\w* (?:\S{1,20} ){0,4}to\b[^@]{0,30}:?\s*$"
    r"|failed (?:recipient|address)|empfänger(?:n)?:|destinataires?\b[^@]{0,40}:\s*$|destinatari",
    re.IGNORECASE,
)
_FAILING = re.compile(
    r"deliver|reach|reject|refus|unknown|not|fail|addressed|error|invalid|bounce|return|quota"
    r"|full"
    r"|exist|zustell|remis|entreg|consegn|доставл|無|不|실패|でき",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w{2}")
_HEADING_REACH = 3  # lines with text
_NAME_CHARS = 60  # of a person, before their address in a list; more is a sentence
_RETURNED_TO = ("x-failed-recipients", "x-envelope-to", "envelope-to", "x-rcpt-to", "to")
_RETURNED_LATER = ("delivered-to", "x-original-to", "x-bt-recipient", "cc")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRecipient:
    """A recipient and what stands with it: the rest of its paragraph, and all up to the next,
    wherever it is named."""

    address: str
    paragraph: str
    section: str


@dataclass(slots=True, kw_only=True)
class _Mention:
    address: str
    line: int
    end: int
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitting:
    """Which addresses may be those of failed recipients."""

    ours: frozenset[str]
    roles: bool

    def takes(self, address: str) -> bool:
        return address.lower() not in self.ours and (self.roles or not is_role(address))


def named_recipients(parts: ReportParts) -> tuple[NamedRecipient, ...]:
    """Recipients by the strongest hint there is: a field of the report, the start of a line, a
    label before it, any other mention, and last whom the returned message was for."""
    ours = own_addresses(parts)
    lines = [line[:LINE_CHARS] for line in parts.prose.split("\n", LINES)[:LINES]]
    mentions = _mentions(lines)
    failed = _failed_field(parts)
    if failed:
        return _with_text(failed, mentions, lines)
    returned = returned_recipients(parts.returned)
    # Last those who wrote to themselves, or to a postmaster.
    for fitting in (
        _Fitting(ours=ours, roles=False),
        _Fitting(ours=frozenset(), roles=False),
        _Fitting(ours=ours, roles=True),
    ):
        chosen = _strongest([one for one in mentions if fitting.takes(one.address)], returned)
        chosen = chosen or _returned_to(filter(fitting.takes, returned))
        if chosen:
            return _with_text(chosen, mentions, lines)
    return ()


def _strongest(mentions: list[_Mention], returned: tuple[str, ...]) -> list[str]:
    """Addresses of the best rank there is; from the second on, those the message was for."""
    for rank in (1, 2, 3, 4):
        chosen = [one.address for one in mentions if one.rank == rank]
        if rank > 1:
            returned_to = {address.lower() for address in returned}
            chosen = [address for address in chosen if address.lower() in returned_to] or chosen
        if chosen:
            return chosen
    return []


def _returned_to(returned: Iterable[str]) -> list[str]:
    """Of a message to many nobody knows whom the report is about: the first stands for them."""
    known = list(returned)
    return known[:1] if len(known) > 3 else known


def own_addresses(parts: ReportParts) -> frozenset[str]:
    """Addresses of the report's two ends: whoever sent the failed mail, and who reports."""
    fields = [value for name in ("to", "from", "sender", "return-path", "delivered-to")
              for value in headers(parts.message, name)]  # fmt: skip
    return frozenset(found.group().lower() for value in fields for found in ADDRESS.finditer(value))


def returned_recipients(returned: str) -> tuple[str, ...]:
    """Whom the returned message was for, by its fields."""
    fields = fields_of(returned)
    for name, value in fields:
        found_for = _FOR.search(value) if name == "received" else None
        if found_for:
            return (found_for.group(1),)
    for names in (_RETURNED_TO, _RETURNED_LATER):
        found = [
            match.group()
            for wanted in names
            for name, value in fields
            if name == wanted
            for match in ADDRESS.finditer(value)
        ]
        if found:
            return tuple(dict.fromkeys(found))[:RECIPIENTS]
    return ()


def recipient_fields(returned: str) -> frozenset[str]:
    """Everybody the returned message names as its recipient, lower case."""
    fields = fields_of(returned)
    return frozenset(
        match.group().lower()
        for name, value in fields
        if name in (*_RETURNED_TO, *_RETURNED_LATER)
        for match in ADDRESS.finditer(value)
    )


def _failed_field(parts: ReportParts) -> list[str]:
    values = headers(parts.message, "x-failed-recipients")
    return [address for _, address in getaddresses(list(values)[:20]) if "@" in address]


def _mentions(lines: Iterable[str]) -> list[_Mention]:
    mentions: list[_Mention] = []
    reach, above = 0, ""
    for number, told in enumerate(lines):
        reach = _HEADING_REACH + 1 if _HEADING.search(told) else reach - bool(told.strip())
        line = _X400.sub(lambda prefix: " " * len(prefix.group()), told)
        near, above = f"{above} {line}", line
        if "@" not in line:
            continue
        for found in ADDRESS.finditer(line):
            before = line[: found.start()]
            if _NOT_RECIPIENT.search(before[-40:]) or before.endswith(("/", "=", "id ")):
                continue
            rank = _rank(before, near, is_under_heading=0 < reach <= _HEADING_REACH)
            mentions.append(
                _Mention(address=found.group(), line=number, end=found.end(), rank=rank)
            )
    return mentions[: 4 * RECIPIENTS]


def _rank(before: str, near: str, *, is_under_heading: bool) -> int:
    """How likely the recipient is who stands after this, 1 the most."""
    is_listed = is_under_heading and "@" not in before and len(before.strip()) <= _NAME_CHARS
    if is_listed or _LEAD.match(before):
        return 1
    if _LABEL.search(before[-40:]):
        return 2
    return 3 if _FAILING.search(near) else 4


def _with_text(
    addresses: Iterable[str], mentions: list[_Mention], lines: list[str]
) -> tuple[NamedRecipient, ...]:
    chosen = {address.lower(): address for address in addresses}
    told = _passages(chosen.keys(), mentions, lines)
    return tuple(
        _named(address, told.get(name, ())) for name, address in islice(chosen.items(), RECIPIENTS)
    )


def _passages(
    wanted: Collection[str], mentions: Iterable[_Mention], lines: list[str]
) -> dict[str, list[list[str]]]:
    """What stands about each address: from where it is named to where another one is. The first
    line comes in two, up to the address and behind it."""
    named = ((mention.address.lower(), mention) for mention in mentions)
    runs = groupby((one for one in named if one[0] in wanted), key=itemgetter(0))
    starts = [next(run) for _, run in runs]
    told: dict[str, list[list[str]]] = {}
    for name, start in starts:
        end = next((m.line for _, m in starts if m.line > start.line), len(lines))
        first = lines[start.line]
        passage = [first[: start.end], first[start.end :], *lines[start.line + 1 : end]]
        told.setdefault(name, []).append(passage)
    return told


def _named(address: str, passages: Sequence[list[str]]) -> NamedRecipient:
    """A recipient with the first passage that says more than its name, and with all of them."""
    about = [line for passage in passages for line in passage[1:]]
    paragraphs = [_paragraph(passage[0], passage[1:]) for passage in passages] or [[]]
    telling = (one for one in paragraphs if _WORD.search("".join(one[1:])))
    return NamedRecipient(
        address=address,
        paragraph="\n".join(next(telling, paragraphs[0])),
        section="\n".join(about[:60]),
    )


def _paragraph(before: str, rest: list[str]) -> list[str]:
    """The line itself and what follows, up to the first blank line."""
    taken = [before]
    for number, line in enumerate(rest[:40]):
        if number and not line.strip():
            break
        taken.append(line)
    return taken
