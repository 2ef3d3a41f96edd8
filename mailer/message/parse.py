"""Bytes of a mail become a tree of `EmailMessage`, whatever they are (RFC 5322, 2045, 2046).

Never raises and takes linear time: the tree is cut out of the bytes here, because the standard
library's own feed parser recurses without bound on nested parts and needs seconds for many short
lines. What lies beyond the limits is left out, and the mail is handled as far as it was read. Lines
end at CRLF or LF only; a bare CR is a space, so that no second reader sees other fields than we do.

The tree has the shape that the standard library gives: a ``multipart`` has a list of parts, a
``message/…`` has one message inside, a delivery status (RFC 3464, 6533) one per block of fields.
Fields read from it are text without controls. The accessors below never raise either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from email.utils import collapse_rfc2231_value
from itertools import islice
from typing import Any

from mailer.message.text import (
    clean,
    decode_bytes,
    decode_words,
    from_flowed,
    from_html,
    undo_encoding,
)

HEADER_BYTES = 65_536  # of the mail itself
FIELDS = 200
FIELD_BYTES = 8_192  # of one field, folding included
DEPTH = 20
PARTS = 200
TREE_HEADER_BYTES = 4 * HEADER_BYTES  # of all parts together
DELIMITERS = 10_000  # lines that begin like a boundary, whether they are one or not
HEADER_CHARS = 998
TEXT_LINES = 2_000
TEXT_BYTES = 262_144  # of a text part, before its transfer encoding is undone

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_ENVELOPE_LINE = re.compile(rb">?From [^\n]*(?:\n|\Z)")
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_SIGNATURES = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)


class Field(str):
    """A field's value as text. Has what `EmailMessage` asks of a parsed ``Content-Disposition``."""

    __slots__ = ()

    @property
    def content_disposition(self) -> str:
        """``attachment``, ``inline`` or whatever stands before the first semicolon."""
        return self.partition(";")[0].strip().lower()


def _field(name: str, value: str) -> Field:
    if name.lower().startswith("content-"):
        return Field(clean(decode_bytes(value.encode("utf-8", "surrogateescape"))))
    return Field(clean(decode_words(value)))


# The standard grammar parser recurses on nested comments and is quadratic: fields are plain text.
POLICY = EmailPolicy(header_factory=_field, refold_source="none")


class Part(EmailMessage):
    """A message or part of ours; ``stored`` is a leaf's content as it stands in the mail."""

    stored: bytes = b""

    def __init__(self) -> None:
        super().__init__(policy=POLICY)
        self.named: dict[str, list[str]] = {}  # values as they stand there, by name in lower case
        self._kind = ""
        self._parameters: dict[str, list[tuple[str, Any]]] = {}

    def set_raw(self, name: str, value: str) -> None:
        """Add a field as it stands in the mail."""
        super().set_raw(name, value)
        self.named.setdefault(name.lower(), []).append(value)
        self._kind = ""
        self._parameters.clear()

    def get_content_type(self) -> str:
        """Asked many times of each part, and read from the field once."""
        self._kind = self._kind or super().get_content_type()
        return self._kind

    def get_params(
        self, failobj: Any = None, header: str = "content-type", unquote: bool = True
    ) -> Any:
        """Read from the field once as well."""
        if failobj is not None or not unquote:
            return super().get_params(failobj, header, unquote)
        if header not in self._parameters:
            self._parameters[header] = super().get_params([], header)
        return self._parameters[header] or None

    def store(self, content: bytes) -> None:
        """Make this a leaf with that content."""
        self.stored = content
        self.set_payload(content.decode("ascii", "surrogateescape"))


def parse(content: bytes) -> Message:
    """The mail as a tree, within the limits of this file; never raises."""
    content = normalised(content)
    try:
        envelope_line = _ENVELOPE_LINE.match(content)
        start = envelope_line.end() if envelope_line else 0
        return _Reader(content, _Budget()).message(start, len(content), 0)
    except Exception:  # the promise of this file: a mail is never lost for a fault of its reader
        message = Part()
        message.store(content)
        return message


def normalised(content: bytes) -> bytes:
    """The mail with its lines ended by LF alone, and no CR left."""
    return content.replace(b"\r\n", b"\n").replace(b"\r", b" ")


def header(message: Message, name: str) -> str:
    """The first field of that name as decoded text without controls, at most 998 characters."""
    for value in headers(message, name):
        return value[:HEADER_CHARS].strip()
    return ""


def headers(message: Message, name: str) -> tuple[str, ...]:
    """All fields of that name, top first, decoded and without controls, each at most 8 kB."""
    return tuple(
        str(_field(name, value.replace("\n", ""))).strip()[:FIELD_BYTES]
        for value in _named(message, name)
    )


def _named(message: Message, name: str) -> Sequence[str]:
    wanted = name.lower()
    if isinstance(message, Part):
        return message.named.get(wanted, ())
    return [str(value) for field, value in message.raw_items() if field.lower() == wanted]


def raw_headers(message: Message, name: str) -> tuple[str, ...]:
    """All fields of that name, unfolded but with encoded words left alone: for grammars."""
    return tuple(
        clean(decode_bytes(value.replace("\n", "").encode("utf-8", "surrogateescape")))
        for value in _named(message, name)
    )


def field_names(message: Message) -> frozenset[str]:
    """Names of all fields, in lower case."""
    return frozenset(name.lower() for name, _ in message.raw_items())


def content_type(message: Message) -> str:
    """``maintype/subtype`` in lower case; ``text/plain`` where nothing readable is said."""
    try:
        return message.get_content_type()
    except Exception:
        return "text/plain"


def parameter(message: Message, name: str, field: str = "content-type") -> str:
    """One parameter of a structured field, RFC 2231 undone, unquoted; empty when absent."""
    if not _named(message, field):
        return ""
    try:
        found = message.get_params(header=field) or ()
        value = next((value for key, value in found if key.lower() == name), "")
        return clean(decode_words(collapse_rfc2231_value(value)))[:HEADER_CHARS].strip()
    except Exception:
        return ""


def leaves(message: Message, *, into_messages: bool = False) -> Iterator[Message]:
    """The parts that hold content, in order; forwarded messages count as one unless opened."""
    payload = message.get_payload() if message.is_multipart() else None
    opened = into_messages or content_type(message).startswith("multipart/")
    if isinstance(payload, list) and opened:
        for part in payload:
            if isinstance(part, Message):
                yield from leaves(part, into_messages=into_messages)
    else:
        yield message


def body(part: Message, limit: int = TEXT_BYTES) -> bytes:
    """A leaf's content with its transfer encoding undone, from at most ``limit`` stored bytes."""
    if isinstance(part, Part):
        return undo_encoding(part.stored[:limit], header(part, "content-transfer-encoding"))
    content = part.get_payload(decode=True)
    return content[:limit] if isinstance(content, bytes) else b""


def text(part: Message) -> str:
    """A text leaf as text: charset undone whatever it is called, HTML reduced to its words."""
    decoded = decode_bytes(body(part), parameter(part, "charset"))
    if content_type(part) == "text/html":
        return from_html(decoded)
    if parameter(part, "format").lower() == "flowed":
        return from_flowed(decoded, delsp=parameter(part, "delsp").lower() == "yes")
    return decoded


def text_lines(message: Message) -> tuple[str, ...]:
    """Lines of the mail's best text, controls removed: its first text/plain that says anything,
    else its first text/html. Empty when there is none; forwarded messages are not opened."""
    for wanted in ("text/plain", "text/html"):
        for part in leaves(message):
            if content_type(part) == wanted and not _is_attachment(part):
                lines = tuple(map(clean, islice(text(part).splitlines(), TEXT_LINES)))
                if any(line.strip() for line in lines):
                    return lines
    return ()


def has_attachments(message: Message) -> bool:
    """Whether anything came along that is neither the text nor a signature nor a picture in it."""
    return any(_is_attachment(part) for part in leaves(message))


def _is_attachment(part: Message) -> bool:
    kind = content_type(part)
    if kind in _SIGNATURES:
        return False
    if header(part, "content-disposition").partition(";")[0].strip().lower() == "attachment":
        return True
    if kind in {"text/plain", "text/html"} or kind.startswith("multipart/"):
        return bool(parameter(part, "filename", "content-disposition"))
    return not header(part, "content-id")  # shown inside the text, such as a logo


@dataclass(slots=True)
class _Budget:
    """What one mail may still use up."""

    parts: int = PARTS
    header_bytes: int = TREE_HEADER_BYTES
    delimiters: int = DELIMITERS


@dataclass(slots=True)
class _Reader:
    """Cuts the tree out of one run of bytes; positions instead of slices, so nothing is copied
    once per depth. A part whose transfer encoding must be undone first gets a reader of its own."""

    content: bytes
    budget: _Budget

    def message(self, start: int, end: int, depth: int, default: str = "text/plain") -> Part:
        """The message or part that stands between the two positions."""
        message = Part()
        message.set_default_type(default)
        start = self._fields(message, start, end)
        kind = content_type(message)
        if depth < DEPTH and kind.startswith("multipart/"):
            self._parts(message, start, end, depth)
        elif depth < DEPTH and kind in _STATUS_TYPES:
            self._status(message, start, end)
        elif depth < DEPTH and kind.startswith("message/") and self.budget.parts > 0:
            self.budget.parts -= 1
            inner = self._decoded(message, start, end)
            message.attach(inner.message(0, len(inner.content), depth + 1))
        if not message.is_multipart():
            message.store(self.content[start:end])
        return message

    def _fields(self, message: Part, start: int, end: int) -> int:
        """Store the fields; where the body begins."""
        content = self.content
        if content.startswith(b"\n", start, end):
            return start + 1
        blank = content.find(b"\n\n", start, end)
        stop, after = (end, end) if blank < 0 else (blank + 1, blank + 2)
        limit = min(stop, start + min(HEADER_BYTES, self.budget.header_bytes))
        position = start
        for _ in range(FIELDS):
            found = _FIELD.match(content, position, limit)
            if not found:
                break
            value = found[2][:FIELD_BYTES].decode("ascii", "surrogateescape")
            message.set_raw(found[1].decode("ascii"), value.lstrip(" \t"))
            position = found.end()
        else:
            position = limit
        self.budget.header_bytes -= position - start
        # A line that is no field, before any limit was met: the body begins there without a gap.
        return position if position < limit else after

    def _parts(self, message: Part, start: int, end: int, depth: int) -> None:
        try:
            boundary = (message.get_boundary() or "").encode("utf-8", "replace")
        except Exception:  # RFC 2231 continuations can be wrong in many ways
            return
        default = "message/rfc822" if content_type(message) == "multipart/digest" else "text/plain"
        for first, last in self._spans(start, end, b"--" + boundary) if boundary else ():
            message.attach(self.message(first, last, depth + 1, default))

    def _spans(self, start: int, end: int, delimiter: bytes) -> list[tuple[int, int]]:
        """Where the parts of a multipart begin and end (RFC 2046 §5.1.1), as many as may be."""
        spans: list[tuple[int, int]] = []
        opened: int | None = None
        for position, line_end, last in self._delimiters(start, end, delimiter):
            if opened is not None:
                spans.append((opened, max(opened, position - 1)))
            opened = None
            if last or self.budget.parts <= 0:
                break
            self.budget.parts -= 1
            opened = min(end, line_end + 1)
        if opened is not None:
            spans.append((opened, end))
        return spans

    def _delimiters(
        self, start: int, end: int, delimiter: bytes
    ) -> Iterator[tuple[int, int, bool]]:
        """Delimiter lines: where each begins and ends, and whether it is the closing one."""
        content = self.content
        at_once = content.startswith(delimiter, start, end)
        position = start if at_once else content.find(b"\n" + delimiter, start, end) + 1
        while (position or at_once) and self.budget.delimiters > 0:
            at_once = False
            self.budget.delimiters -= 1
            newline = content.find(b"\n", position, end)
            line_end = end if newline < 0 else newline
            rest = content[position + len(delimiter) : min(line_end, position + 998)]
            if rest.strip(b" \t") in (b"", b"--"):
                yield position, line_end, rest.startswith(b"--")
            position = content.find(b"\n" + delimiter, line_end, end) + 1

    def _status(self, message: Part, start: int, end: int) -> None:
        """A delivery status: one message for each block of fields."""
        inner = self._decoded(message, start, end)
        content, position = inner.content, 0
        while position < len(content) and self.budget.parts > 0:
            if content.startswith(b"\n", position):
                position += 1
                continue
            blank = content.find(b"\n\n", position)
            last = len(content) if blank < 0 else blank + 1
            self.budget.parts -= 1
            block = Part()
            inner._fields(block, position, last)
            if block.keys():
                message.attach(block)
            position = last

    def _decoded(self, message: Part, start: int, end: int) -> _Reader:
        """A reader of that content with its transfer encoding undone."""
        encoding = header(message, "content-transfer-encoding")
        content = undo_encoding(self.content[start:end], encoding)
        return _Reader(normalised(content), self.budget)
