"""Says what is wrong with a mail that we are about to send, as any receiver would see it.

Reads the bytes themselves and what Python's parser makes of them; used by every test that sees a
mail go out. Rows M1–M7, U1 and C5 of the standards, and line ends (S16).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

ONCE = (
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"),
    *("List-Id", "List-Help", "List-Post", "List-Owner", "Auto-Submitted", "Precedence"),
    *("X-Auto-Response-Suppress", "Feedback-ID", "X-Loop", "Content-Language"),
)
MAY_REPEAT = frozenset({"dkim-signature", "received"})
_FIELD = re.compile(rb"([!-9;-~]+):[ \t]")
_WORD = re.compile(rb"=\?[^?\s]+\?[QqBb]\?[^?\s]*\?=")
_QP_LINE = re.compile(rb"(?:[\t -<>-~]|=[0-9A-F]{2})*(?:=|=[0-9A-F]{2}|[!-<>-~])?")
_ORDER = {"text/plain": 0, "text/html": 1, "text/calendar": 2}


def lint(message: bytes, *, unsubscribe: bool = True) -> list[str]:
    """Every fault found, empty if there is none."""
    head, _, body = message.partition(b"\r\n\r\n")
    faults = [*_octets(message, body), *_fields(head)]
    parsed = message_from_bytes(message, _class=EmailMessage, policy=policy.SMTP)
    faults += _once(parsed)
    faults += _list_fields(parsed, unsubscribe=unsubscribe)
    faults += _parts(parsed)
    return faults


def _octets(message: bytes, body: bytes) -> Iterator[str]:
    if re.search(rb"\r(?!\n)|(?<!\r)\n", message):
        yield "a bare CR or LF"
    if b"\x00" in message:
        yield "a NUL"
    if not message.endswith(b"\r\n"):
        yield "no CRLF at the end"
    if not body.isascii():
        yield "an 8-bit body"
    if max(map(len, message.split(b"\r\n"))) > 998:
        yield "a line over 998 octets"
    if re.search(rb"zqmark|kramqz", message, re.IGNORECASE):
        yield "a mark is left"


def _fields(head: bytes) -> Iterator[str]:
    name = b""
    for line in head.split(b"\r\n"):
        if not line.startswith(b" "):
            found = _FIELD.match(line)
            if not found:
                yield f"no header field: {line!a}"
                continue
            name = found[1].lower()
        if not line.strip():
            yield f"an empty line in {name!a}"
        if not line.isascii() and name != b"to":
            yield f"raw 8-bit in {name!a}"
        words = _WORD.findall(line)
        if any(len(word) > 75 for word in words) or (words and len(line) > 76):
            yield f"an encoded word or its line is too long in {name!a}"


def _once(parsed: EmailMessage) -> Iterator[str]:
    counts = Counter(name.lower() for name in parsed.keys())  # noqa: SIM118 - repeats them
    yield from (
        f"{counts[name.lower()]} times {name}" for name in ONCE if counts[name.lower()] != 1
    )
    single = {name.lower() for name in ONCE} | MAY_REPEAT
    yield from (f"{count} times {name}" for name, count in counts.items()
                if count > 1 and name not in single)  # fmt: skip
    for name in ("From", "To", "Reply-To"):
        if parsed[name] is not None and len(parsed[name].addresses) != 1:
            yield f"not one address in {name}"
    if not re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", str(parsed["Message-ID"] or "")):
        yield "no Message-ID"
    try:
        parsedate_to_datetime(str(parsed["Date"]))
    except ValueError:
        yield "no Date"


def _list_fields(parsed: EmailMessage, *, unsubscribe: bool) -> Iterator[str]:
    value = {name: str(parsed[name] or "") for name in parsed}
    list_id = value.get("List-Id", "")
    if not re.search(r"(?:^| )<[a-z0-9-]+(?:\.[a-z0-9-]+)+>$", list_id) or len(list_id) > 255:
        yield f"List-Id: {list_id}"
    if value.get("List-Post") != "NO":
        yield "List-Post is not NO"
    for name in ("List-Help", "List-Owner"):
        if not re.fullmatch(r"<mailto:[^<>\s]+@[^<>\s]+>", value.get(name, "")):
            yield f"{name} is not one mailto"
    if value.get("Auto-Submitted") not in {"auto-generated", "auto-replied"}:
        yield "Auto-Submitted"
    if value.get("Precedence") != "list":
        yield "Precedence is not list"
    if value.get("X-Auto-Response-Suppress") != "DR, RN, NRN, OOF, AutoReply":
        yield "X-Auto-Response-Suppress"
    if unsubscribe or "List-Unsubscribe" in value:
        yield from _unsubscribe(value)


def _unsubscribe(value: dict[str, str]) -> Iterator[str]:
    uris = re.split(r",\s*", value.get("List-Unsubscribe", ""))
    if not all(re.fullmatch(r"<[a-z]+:[^<>\s]+>", uri) for uri in uris):
        yield "List-Unsubscribe is no list of URIs"
    schemes = [uri[1:].partition(":")[0] for uri in uris]
    if schemes == ["http", "mailto"] and re.match(r"<http://(?:127\.|localhost|\[::1\])", uris[0]):
        schemes[0] = "https"  # treated as such
    post = value.get("List-Unsubscribe-Post")
    if (schemes, post) not in (
        (["mailto"], None),
        (["https", "mailto"], "List-Unsubscribe=One-Click"),
    ):
        yield f"List-Unsubscribe has {schemes}, List-Unsubscribe-Post {post}"


def _parts(parsed: EmailMessage) -> Iterator[str]:
    for part in parsed.walk():
        yield from (f"{part.get_content_type()}: {defect!r}" for defect in part.defects)
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            boundary = part.get_boundary() or ""
            if not 0 < len(boundary) <= 70:
                yield "a boundary over 70"
            if part.preamble or (part.epilogue or "").strip():
                yield "text outside the parts"
        elif part["Content-Transfer-Encoding"] in {"quoted-printable", "base64"}:
            yield from _encoded(part)
        if part.get_content_type() == "text/calendar":
            yield from _calendar(part)
    yield from _structure(parsed)


def _encoded(part: EmailMessage) -> Iterator[str]:
    payload = part.get_payload()
    assert isinstance(payload, str)
    lines = payload.encode("utf-8", "surrogateescape").splitlines()
    if any(len(line) > 76 for line in lines):
        yield f"{part.get_content_type()}: an encoded line over 76"
    if part["Content-Transfer-Encoding"] == "quoted-printable" and not all(
        _QP_LINE.fullmatch(line) for line in lines
    ):
        yield f"{part.get_content_type()}: no quoted-printable"


def _structure(parsed: EmailMessage) -> Iterator[str]:
    top = parsed.get_content_type()
    if top == "multipart/mixed":
        inner = next(parsed.iter_parts(), None)
        attached = list(parsed.iter_parts())[1:]
        if not attached or any(part.get_content_disposition() != "attachment" for part in attached):
            yield "multipart/mixed without attachments only"
    else:
        inner = parsed
    if inner is None or inner.get_content_type() != "multipart/alternative":
        yield f"{top} holds no multipart/alternative"
        return
    types = [part.get_content_type() for part in inner.iter_parts()]
    if types[:2] != ["text/plain", "text/html"] or types != sorted(types, key=_ORDER.__getitem__):
        yield f"alternatives in the order {types}"


def _calendar(part: EmailMessage) -> Iterator[str]:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    method = part["Content-Type"].params.get("method", "")
    if content.count(b"\r\nMETHOD:") != 1 or f"\r\nMETHOD:{method}\r\n".encode() not in content:
        yield f"METHOD is not {method}"
    if (method == "PUBLISH") == (part.get_content_disposition() != "attachment"):
        yield f"{method} in the wrong place"
    if (method == "PUBLISH") == (b"\r\nATTENDEE" in content):
        yield f"{method} and ATTENDEE"
