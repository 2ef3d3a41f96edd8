"""What a server can carry, and a mail as it goes over the wire. Pure.

The commands of one mail's envelope with the parameters that the server offers (RFC 1870, 3461,
6152, 6531), the dot-stuffed content (RFC 5321 §4.5.2), and the reasons for not trying at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailer.transport.outcome import Outcome, Outgoing, Phase, impossible

PATH_OCTETS = 254  # RFC 5321 §4.5.3.1.3: 256 with its brackets
# A mailbox as it may stand between < and >: nothing in it can end the path or the line (S7).
_MAILBOX = re.compile(
    r"""(?:[^\s\x00-\x1f\x7f"(),:;<>@\[\\\]]+|"(?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*")"""
    r"""@(?:[^\s\x00-\x1f\x7f"(),:;<>@\[\\\]]+|\[[A-Za-z0-9.:-]+\])"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What the server offered in its EHLO reply that matters here; a size of 0 is no limit."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    size: int | None = None


def commands(outgoing: Outgoing, offered: Extensions) -> tuple[bytes, bytes, bytes]:
    """MAIL, RCPT and DATA."""
    options = ""
    if offered.size is not None:
        options += f" SIZE={len(outgoing.content)}"
    if offered.eight_bit and not outgoing.content.isascii():
        options += " BODY=8BITMIME"
    if not _is_ascii(outgoing):
        options += " SMTPUTF8"
    notify = ""
    if offered.dsn:
        options += f" RET=HDRS ENVID={outgoing.id}"
        notify = " NOTIFY=FAILURE,DELAY"
    return (
        f"MAIL FROM:<{outgoing.sender}>{options}\r\n".encode(),
        f"RCPT TO:<{outgoing.recipient}>{notify}\r\n".encode(),
        b"DATA\r\n",
    )


def obstacle(outgoing: Outgoing, offered: Extensions) -> Outcome | None:
    """Why this mail cannot go to this server, None if it can be tried."""
    return _bad_envelope(outgoing, offered) or _bad_content(outgoing, offered)


def _bad_envelope(outgoing: Outgoing, offered: Extensions) -> Outcome | None:
    if not is_mailbox(outgoing.recipient):
        return impossible(Phase.RCPT, "5.1.3 not a mailbox address")
    if outgoing.sender and not is_mailbox(outgoing.sender):
        return impossible(Phase.MAIL, "5.1.7 the return path is not a mailbox address")
    if not _is_ascii(outgoing) and not offered.smtputf8:
        reason = "5.6.7 the server does not take addresses outside ASCII (RFC 6531)"
        return impossible(Phase.RCPT, reason)
    return None


def _bad_content(outgoing: Outgoing, offered: Extensions) -> Outcome | None:
    content = outgoing.content
    if not content.isascii() and not offered.eight_bit:
        return impossible(Phase.DATA, "5.6.3 the server does not take 8-bit mail (RFC 6152)")
    if not outgoing.straight and _is_crooked(content):
        return impossible(Phase.DATA, "5.6.0 bare CR or LF, or NUL, in the mail")
    if offered.size and len(content) > offered.size:
        reason = f"5.3.4 larger than the {offered.size} bytes that the server takes"
        return impossible(Phase.MAIL, reason)
    return None


def _is_crooked(content: bytes) -> bool:
    lines = content.count(b"\r\n")
    return content.count(b"\n") != lines or content.count(b"\r") != lines or b"\0" in content


def is_mailbox(address: str) -> bool:
    """Whether it can stand in a path without ending it."""
    try:
        octets = len(address.encode())
    except UnicodeEncodeError:
        return False
    return octets <= PATH_OCTETS and _MAILBOX.fullmatch(address) is not None


def stuffed(outgoing: Outgoing) -> bytes:
    """The mail as it goes after 354: dots doubled at line starts, ended by a lone dot (§4.5.2)."""
    body = outgoing.content
    if not outgoing.straight:
        body = body.replace(b"\r\n.", b"\r\n..")
        if body.startswith(b"."):
            body = b"." + body
    return body + (b".\r\n" if not body or body.endswith(b"\r\n") else b"\r\n.\r\n")


def _is_ascii(outgoing: Outgoing) -> bool:
    return outgoing.recipient.isascii() and outgoing.sender.isascii()
