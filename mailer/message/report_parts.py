"""Takes a report apart: what it says to people, its machine-readable part, the returned message.

Decides nothing. ``message/…`` parts are read as plain text here, so that a returned message is
never walked into, however it is nested or broken, and an encoded delivery status can be decoded
(RFC 3462, 3464, 6522, 6533). A text that goes on into the returned message is cut where that
begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from mailer.message.parse import content_type, leaves, parameter, parse, text

PART_CHARS = 131_072  # of one part; a report says what it has to say long before
LINE_CHARS = 2_000

_MESSAGE_TYPE = re.compile(rb"(?im)^(content-type[ \t]*:\s*)message/")
_PLAIN = "text/x-"
_PLAIN_KINDS = frozenset({"text/enriched", "text/richtext", "text/x-plain", "text/ascii"})
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global"})
_RETURNED_TYPES = _RETURNED | {"message/global-headers", "text/rfc822", "message/partial"}

# Where the returned message begins, in the words of mail servers that send no separate part.
_CUT = re.compile(
    r"below this line is a copy of the message"
    r"|this is a copy of (?:the|your) message"
    r"|copy of the original message (?:follows|below|is)"
    r"|^\W*below is (?:a copy of )?the original message"
    r"|^\W*(?:the )?(?:original|returned|unsent|undelivered|rejected|message|headers?)"
    r"(?: of)?(?: the| your)?(?: original)? "
    r"(?:message|mail|headers?|text)(?: headers?)?"
    r"(?: (?:(?:as )?follows?|below|text|is following))?\W*$"
    r"|^\W*(?:the )?(?:first \d+ (?:bytes|lines) of the )?(?:original|unsent) message follows\b"
    r"|^\W*message headers? (?:follows?|below)"
    r"|^\W{2,}(?:start|begin)(?:ning)? of (?:the )?(?:returned|original|message)"
    r"|^content-type:\s*text/x-(?:rfc822|global)\b"
    r"|^\W*(?:ursprüngliche|urspr.{1,4}ngliche) nachricht\W*$"
    r"|^\W*message d'origine\W*$"
    r"|^\W*mensaje original\W*$",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"(received|return-path|message-id|from|to|subject|date|mime-version|content-type|reply-to"
    r"|delivered-to|dkim-signature|x-[a-z0-9-]+|cc|sender|content-transfer-encoding):",
    re.IGNORECASE,
)
_TELLING = frozenset({"received", "return-path", "message-id", "from", "date"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A leaf of the mail: its type as it was meant, and its text."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportParts:
    """A mail taken apart. ``prose`` is what people read, ``returned`` the message it is about."""

    message: Message
    kind: str
    report_type: str
    parts: tuple[Part, ...]
    prose: str
    returned: str

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Texts of the parts of these types."""
        return tuple(part.text for part in self.parts if part.kind in kinds)


def take_apart(content: bytes) -> ReportParts:
    """The mail's parts; never raises."""
    content = content.lstrip()
    if b"\n" not in content:  # kept by a system whose lines end with CR alone
        content = content.replace(b"\r", b"\n")
    message = parse(_MESSAGE_TYPE.sub(rb"\1" + _PLAIN.encode(), content))
    parts = tuple(_read_parts(message))
    prose, returned = _divide(parts)
    return ReportParts(
        message=message,
        kind=_meant(content_type(message)),
        report_type=parameter(message, "report-type").lower(),
        parts=parts,
        prose=prose,
        returned=returned,
    )


def _meant(kind: str) -> str:
    kind = kind.split(maxsplit=1)[0]  # a parameter that no semicolon sets off
    kind = "text/plain" if kind in _PLAIN_KINDS else kind
    return "message/" + kind[len(_PLAIN) :] if kind.startswith(_PLAIN) else kind


def _read_parts(message: Message) -> Iterator[Part]:
    for leaf in leaves(message):
        kind = _meant(content_type(leaf))
        if kind.startswith(("text/", "message/", "multipart/")):
            yield Part(kind=kind, text=_text(leaf)[:PART_CHARS])


def _text(leaf: Message) -> str:
    return text(leaf).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _divide(parts: tuple[Part, ...]) -> tuple[str, str]:
    """What people are told, and what was returned to them. Without plain text the HTML tells."""
    told, returned = _divided(parts, "text/plain")
    if not told.strip():
        told, returned_by_page = _divided(parts, "text/html")
        returned = returned or returned_by_page
    return told, returned


def _divided(parts: tuple[Part, ...], kind: str) -> tuple[str, str]:
    """Once the returned message has begun, all texts belong to it."""
    told: list[str] = []
    returned: list[str] = []
    for part in parts:
        if part.kind in _RETURNED_TYPES:
            returned.append(part.text)
        elif part.kind == kind or part.kind.startswith("multipart/"):
            before, rest = ("", part.text) if returned else cut_returned(part.text)
            told.append(before)
            if rest.strip():
                returned.append(rest)
    return "\n".join(told), "\n".join(returned)


def cut_returned(text: str) -> tuple[str, str]:
    """A text as what it says itself, and the message that it quotes below: from where it says so,
    or where fields of a message stand, three or more, two of them such as every message has."""
    lines = text.split("\n")
    names: list[str] = []
    began = 0
    for number, line in enumerate(lines):
        said = _CUT.search(line[:LINE_CHARS])
        if said:
            before = line[: said.start()]
            return "\n".join([*lines[:number], before]), "\n".join(lines[number:])
        field = _HEADER_LINE.match(line)
        if field:
            began = began if names else number
            names = [*names[-8:], field.group(1).lower()]
        elif not (line[:1] in (" ", "\t") and line.strip()):
            names = []
        if len(names) >= 3 and len(_TELLING.intersection(names)) >= 2:
            return "\n".join(lines[:began]), "\n".join(lines[began:])
    return text, ""


def fields_of(text: str, limit: int = 400) -> tuple[tuple[str, str], ...]:
    """The first block of header fields in a text, names in lower case, unfolded."""
    fields: list[tuple[str, str]] = []
    for line in text.split("\n", limit + 1)[:limit]:
        name, colon, value = line[:LINE_CHARS].partition(":")
        if line[:1] in (" ", "\t"):
            if fields:
                fields[-1] = (fields[-1][0], fields[-1][1] + " " + line.strip()[:LINE_CHARS])
        elif colon and name and " " not in name.strip():
            fields.append((name.strip().lower(), value.strip()))
        elif not line.strip() and len(fields) > 1:
            break
    return tuple(fields)
