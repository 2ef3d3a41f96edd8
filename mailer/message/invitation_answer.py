"""Reads what a calendar program sends when its owner answers an invitation: METHOD:REPLY.

Gives who comes to what and believes nothing: whether the sender is that person is for the intake to
know. Bounded and linear; what is no such answer, or says too little, is None. RFC 5546 §3.2.3,
RFC 6047 §2.4, RFC 5545 §3.1 and §3.2.12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote

from mailer.message.address import Address, parse_address
from mailer.message.parse import body, content_type, leaves
from mailer.message.text import decode_bytes

_OCTETS = 65_536
_LINES = 1_000
_TYPES = frozenset({"text/calendar", "application/ics"})
_FOLD = re.compile(r"\r?\n[ \t]")
_QUOTED = re.compile(r'"[^"\n]*"')
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # as ours are
_COMES = {"ACCEPTED": True, "TENTATIVE": True, "DECLINED": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationAnswer:
    """``uid`` and ``sequence`` name the invitation (None: the answer does not say which version);
    ``attendee`` is whose answer it is."""

    uid: str
    sequence: int | None
    attendee: Address
    comes: bool


def read_answer(message: Message) -> InvitationAnswer | None:
    """The answer to an invitation that this mail is, None if it is none."""
    for part in leaves(message):
        if content_type(part) in _TYPES:
            return _answer(decode_bytes(body(part, _OCTETS)))
    return None


def _answer(content: str) -> InvitationAnswer | None:
    found: dict[str, tuple[str, str]] = {}
    for name, parameters, value in _properties(content):
        if name == "END" and value.upper() == "VEVENT":
            break
        found.setdefault(name, (parameters, value))
    if found.get("METHOD", ("", ""))[1].upper() != "REPLY":
        return None
    uid = found.get("UID", ("", ""))[1].strip().lower()
    parameters, whose = found.get("ATTENDEE", ("", ""))
    comes = _COMES.get(_parameter(parameters, "PARTSTAT"))
    attendee = parse_address(unquote(re.sub(r"(?i)^mailto:", "", whose.strip())))
    if comes is None or attendee is None or not _UID.fullmatch(uid):
        return None
    return InvitationAnswer(
        uid=uid,
        sequence=_number(found.get("SEQUENCE", ("", ""))[1]),
        attendee=attendee,
        comes=comes,
    )


def _properties(content: str) -> Iterator[tuple[str, str, str]]:
    """Name, parameters and value of each content line; a colon within quotes divides nothing."""
    for line in _FOLD.sub("", content).splitlines()[:_LINES]:
        bare = _QUOTED.sub(lambda quoted: "_" * len(quoted.group()), line)
        colon = bare.find(":")
        if colon > 0:
            name, _, parameters = bare[:colon].partition(";")
            yield name.strip().upper(), parameters.upper(), line[colon + 1 :]


def _parameter(parameters: str, name: str) -> str:
    for one in parameters.split(";"):
        key, _, value = one.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else None
