"""Writes the whole mail of one person from top to bottom, without cutting anything: the yardstick
for mails that were made once for many.

It knows the same rules as `mailer.message.compose` and shares none of its code but the encoders of
a line and of a word: a value has a line of its own between soft breaks; a long field is broken
before a space, where a value counts 32; a boundary is made of what it holds, with the values' names
in their places.
"""

from __future__ import annotations

import hashlib
import html as markup
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from mailer.message.compose import Calendar
from mailer.message.mark import Personal
from mailer.message.quoted import body_text, quoted_printable

Say = Callable[[Personal, str], bytes]  # what stands for a value in a header, text, html, calendar
Part = Callable[[Say], bytes]

_MARK = re.compile(r"zqmark-([a-z_]+)-kramqz")
_ENCODED = "Content-Transfer-Encoding: quoted-printable\r\n"


def mail_of_one(
    headers: Sequence[tuple[str, str]],
    text: str,
    html: str,
    calendar: Calendar | None,
    values: Mapping[Personal, str],
) -> bytes:
    """The mail as this one person gets it."""
    parts = [_text("plain", text, "text"), _text("html", html, "html")]
    files = []
    if calendar is not None:
        content, method = calendar.content.decode().replace("\r\n", "\n"), calendar.method
        own_type = f"text/calendar; method={method}; charset=UTF-8"
        if method != "PUBLISH":
            parts.append(_part(f"Content-Type: {own_type}\r\n{_ENCODED}", content, "calendar"))
        file_type = own_type if method == "PUBLISH" else "application/ics"
        head = f"Content-Type: {file_type}\r\n{_ENCODED}"
        head += 'Content-Disposition: attachment; filename="invite.ics"\r\n'
        files.append(_part(head, content, "calendar"))
    body = _together("alternative", parts)
    if files:
        body = _together("mixed", [body, *files])
    head = "".join(_field(name, value, values) for name, value in headers)
    return f"{head}MIME-Version: 1.0\r\n".encode() + body(
        lambda personal, where: _said(personal, where, values)
    )


def _said(personal: Personal, where: str, values: Mapping[Personal, str]) -> bytes:
    value = values[personal]
    match where:
        case "html":
            return quoted_printable(markup.escape(value))
        case "calendar":
            return quoted_printable(quote(value, safe="!$'*+@-._~"))
        case _:
            return quoted_printable(value)


def _field(name: str, value: str, values: Mapping[Personal, str]) -> str:
    lines = [f"{name}:"]
    for word in value.split(" "):
        longer = f"{lines[-1]} {word}"
        if len(_MARK.sub("m" * 32, longer)) > 76 and lines[-1] != f"{name}:":
            lines.append(f" {word}")
        else:
            lines[-1] = longer
    return _MARK.sub(lambda found: values[Personal(found[1])], "\r\n".join(lines)) + "\r\n"


def _together(subtype: str, parts: Sequence[Part]) -> Part:
    names = b"".join(part(lambda personal, where: f"{personal} {where}".encode()) for part in parts)
    boundary = f"=_{hashlib.sha256(names).hexdigest()[:32]}"
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'.encode()
    line = f"\r\n--{boundary}\r\n".encode()
    end = f"\r\n--{boundary}--\r\n".encode()
    return lambda say: head + b"".join(line + part(say) for part in parts) + end


def _text(subtype: str, content: str, where: str) -> Part:
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\n{_ENCODED}"
    return _part(head, body_text(content), where)


def _part(head: str, content: str, where: str) -> Part:
    lines = content.split("\n")
    return lambda say: (
        f"{head}\r\n".encode() + b"\r\n".join(_line(line, where, say) for line in lines)
    )


def _line(line: str, where: str, say: Say) -> bytes:
    runs = [
        say(Personal(run), where) if at % 2 else quoted_printable(run)
        for at, run in enumerate(_MARK.split(line))
        if run
    ]
    return b"=\r\n".join(runs)
