"""Puts a mail together once and cuts it where persons differ, so that each mail is only a join.

A part is wrapped so that each value stands on lines of its own between soft line breaks. Output has
CRLF line ends and is 7-bit; the same input always gives the same bytes. Never decides what a header
field says. RFC 5322 §2.1 and §3.6, RFC 2045 §6, RFC 2046 §5.1, RFC 2231 §4, RFC 6047 §2.4.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mailer.message.mark import LEFTOVER, PATTERN, Personal
from mailer.message.quoted import SOFT_BREAK, body_text, one_line, quoted_printable
from mailer.message.skeleton import VALUE_OCTETS, Place, Skeleton, Where

__all__ = ["Attachment", "Calendar", "Place", "Skeleton", "Where", "compose"]

_LINE_OCTETS = 998  # RFC 5322 §2.1.1
_FOLD_AT = 76  # 78 in general, 76 where an encoded word stands (RFC 2047 §2)
_MARK_WIDTH = 32  # what a value is taken to need when lines are folded: a token has 26 characters
_NAME_OCTETS = 120  # of an attachment's file name
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_FIELD_VALUE = re.compile(r"[ -~]+")
_STRUCTURE = frozenset({"mime-version", "content-type", "content-transfer-encoding"})
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,60}")
_METHOD = re.compile(r"[A-Z]{1,20}")
_CLEAN_MESSAGE = re.compile(rb"(?:[\x01-\x09\x0b\x0c\x0e-\x7f]{0,998}\r\n)+")

_Stream = list[bytes | Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """An iCalendar object whose METHOD is ``method``; marks may stand inside its URIs."""

    content: bytes
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with the mail as it is; nothing in it is taken for a mark."""

    name: str
    media_type: str
    content: bytes


def compose(
    *,
    headers: Sequence[tuple[str, str]],
    text: str,
    html: str,
    calendar: Calendar | None = None,
    attachments: Sequence[Attachment] = (),
) -> Skeleton:
    """The mail with these ASCII header fields, this content in two forms, and what goes with it.

    REQUEST and CANCEL are the last alternative and an attachment, PUBLISH an attachment only.
    MIME-Version and the Content fields are added here. Raises ValueError for a field that is no
    single ASCII line or stands twice, and for a mark that is unknown or was torn apart.
    """
    alternatives = [_text_part("plain", text), _text_part("html", html)]
    attached = [_attachment(attachment) for attachment in attachments]
    if calendar is not None:
        if calendar.method != "PUBLISH":
            alternatives.append(_invitation(calendar))
        attached.insert(0, _invite_file(calendar))
    body = _multipart("alternative", alternatives)
    if attached:
        body = _multipart("mixed", [body, *attached])
    return _skeleton([*_fields(headers), b"MIME-Version: 1.0\r\n", *body])


# Parts


def _text_part(subtype: str, content: str) -> _Stream:
    where = Where.HTML if subtype == "html" else Where.TEXT
    head = _part_head(f"text/{subtype}; charset=utf-8")
    return [head, *_cut_body(body_text(content), where)]


def _invitation(calendar: Calendar) -> _Stream:
    return [_part_head(_calendar_type(calendar)), *_calendar_body(calendar)]


def _invite_file(calendar: Calendar) -> _Stream:
    """Beside an invitation the file has another type, so that no client takes it for a second."""
    own = calendar.method == "PUBLISH"
    media_type = _calendar_type(calendar) if own else "application/ics"
    return [_part_head(media_type, name="invite.ics"), *_calendar_body(calendar)]


def _calendar_type(calendar: Calendar) -> str:
    if not _METHOD.fullmatch(calendar.method):
        raise ValueError("the method of a calendar is one upper-case word")
    return f"text/calendar; method={calendar.method}; charset=UTF-8"


def _calendar_body(calendar: Calendar) -> _Stream:
    """Only CRLF is a line end here: a U+2028 inside a title must not become one."""
    content = calendar.content.decode("utf-8").replace("\r\n", "\n")
    return _cut_body(content, Where.CALENDAR)


def _attachment(attachment: Attachment) -> _Stream:
    """Base64, but for a mail that is clean already: RFC 2046 §5.2.1 forbids encoding those."""
    media_type = attachment.media_type.lower()
    if media_type == "message/rfc822" and _CLEAN_MESSAGE.fullmatch(attachment.content):
        return [_part_head(media_type, "7bit", attachment.name), attachment.content]
    if media_type.startswith(("message/", "multipart/")) or not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "application/octet-stream"
    content = base64.encodebytes(attachment.content).replace(b"\n", b"\r\n")
    return [_part_head(media_type, "base64", attachment.name), content]


def _part_head(media_type: str, encoding: str = "quoted-printable", name: str = "") -> bytes:
    fields = [("Content-Type", media_type), ("Content-Transfer-Encoding", encoding)]
    if name:
        fields.append(("Content-Disposition", f"attachment; {_file_name(name)}"))
    return b"".join(_folded(field, value) for field, value in fields) + b"\r\n"


def _file_name(name: str) -> str:
    """The parameters that carry a file name: RFC 2231 for what is not ASCII, a plain one as well.

    The exact one stands first: Python's parser takes the first of the two.
    """
    name = re.sub(r'[/\\"]', "_", one_line(name)).lstrip(".") or "file"
    stem, dot, ending = name.rpartition(".")
    while len(name.encode()) > _NAME_OCTETS:
        stem, ending = (stem[:-1], ending) if stem else ("", ending[:-1])
        name = stem + dot + ending
    if name.isascii():
        return f'filename="{name}"'
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r'[/\\"]', "_", plain)
    if not plain.rpartition(".")[0].strip():
        plain = "file" + plain
    return f"filename*=utf-8''{quote(name, safe='')}; filename=\"{plain}\""


def _multipart(subtype: str, parts: list[_Stream]) -> _Stream:
    """A boundary with `=_` in it cannot occur in what is quoted-printable or base64 (RFC 2045)."""
    content = [item for part in parts for item in part]
    boundary = _boundary(content)
    stream: _Stream = [f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'.encode()]
    for part in parts:
        stream += [f"\r\n--{boundary}\r\n".encode(), *part]
    return [*stream, f"\r\n--{boundary}--\r\n".encode()]


def _boundary(content: _Stream) -> str:
    """Made of the content, so no content can hold its own; nested ones differ by what they hold."""
    octets = b"".join(
        item if isinstance(item, bytes) else f"{item.personal} {item.where}".encode()
        for item in content
    )
    return f"=_{hashlib.sha256(octets).hexdigest()[:32]}"


# Cutting


def _segments(source: str) -> Iterator[str | Personal]:
    """The text between the marks, possibly empty, and what the marks stand for, in turn."""
    for at, segment in enumerate(PATTERN.split(source)):
        if at % 2:
            yield Personal(segment)
        elif LEFTOVER.search(segment):
            raise ValueError("a mark was torn apart")
        else:
            yield segment


def _cut_body(content: str, where: Where) -> _Stream:
    """Quoted-printable with the places between lines; soft breaks join them to what is around."""
    stream: _Stream = []
    line_begins = True
    after_value = False
    for segment in _segments(content):
        if isinstance(segment, Personal):
            if not line_begins:
                stream.append(SOFT_BREAK)
            stream.append(Place(personal=segment, where=where))
            line_begins, after_value = False, True
            continue
        if after_value and segment and not segment.startswith("\n"):
            stream.append(SOFT_BREAK)
        if segment:
            stream.append(quoted_printable(segment))
            line_begins = segment.endswith("\n")
    return stream


# Header fields


def _fields(headers: Sequence[tuple[str, str]]) -> _Stream:
    names = [name.lower() for name, _ in headers]
    if len(set(names)) != len(names):
        raise ValueError("a header field stands twice")
    if not _STRUCTURE.isdisjoint(names):
        raise ValueError("MIME-Version and Content-Type are not the caller's")
    return [item for name, value in headers for item in _field(name, value)]


def _field(name: str, value: str) -> _Stream:
    if not (_FIELD_NAME.fullmatch(name) and _FIELD_VALUE.fullmatch(value) and value.strip(" ")):
        raise ValueError(f"the header field {name!a} is not one line of ASCII")
    return [
        Place(personal=segment, where=Where.HEADER)
        if isinstance(segment, Personal)
        else segment.encode("ascii")
        for segment in _segments(_folded(name, value).decode("ascii"))
    ]


def _folded(name: str, value: str) -> bytes:
    """The field, broken before spaces where that keeps lines short; a mark counts as a token."""
    lines = [f"{name}:"]
    width = len(lines[0])
    for word in re.findall(r" *[^ ]+", f" {value.strip(' ')}"):
        needs = len(PATTERN.sub("m" * _MARK_WIDTH, word))
        if width + needs > _FOLD_AT and width > len(name) + 1:
            lines.append("")
            width = 0
        lines[-1] += word
        width += needs
    if any(len(PATTERN.sub("m" * VALUE_OCTETS, line)) > _LINE_OCTETS for line in lines):
        raise ValueError(f"the header field {name} cannot be folded to {_LINE_OCTETS} octets")
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def _skeleton(stream: _Stream) -> Skeleton:
    """The stream with neighbouring bytes joined."""
    pieces: list[bytes] = []
    places: list[Place] = []
    shared: list[bytes] = []
    for item in stream:
        if isinstance(item, bytes):
            shared.append(item)
        else:
            pieces.append(b"".join(shared))
            places.append(item)
            shared.clear()
    return Skeleton(pieces=(*pieces, b"".join(shared)), places=tuple(places))
