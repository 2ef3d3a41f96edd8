"""What can come of handing over one mail, told by the phase it came to and what the server said.

The rule for every phase and code (RFC 5321 §4.2.1, §4.5.4; the table stands in docs/delivery.md):
what concerns the server or us pauses sending and is never charged to a recipient; what concerns
this recipient or this mail is settled for it alone; what happened after the final dot without a
reply is in doubt.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

TEXT_CHARS = 1_000  # of a reply, as kept in the ledger
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Phase(StrEnum):
    CONNECT = "connect"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Fate(StrEnum):
    SENT = "sent"
    DEFERRED = "deferred"  # this mail, later
    REFUSED = "refused"  # this recipient or this mail, for good
    OUTAGE = "outage"  # the server as a whole, or what it thinks of us: everything waits
    DOUBT = "doubt"  # the peer may have taken it: again, with the same Message-ID


class Outgoing(NamedTuple):
    """One finished mail: ``content`` is CRLF wire text without dot-stuffing. ``straight`` if it is
    known to have no other ends of line, no line that begins with a dot, and no NUL."""

    id: int
    sender: str
    recipient: str
    content: bytes
    straight: bool = False


class Outcome(NamedTuple):
    """``code`` is None when no reply was read; ``alarm`` when an outage needs a person."""

    fate: Fate
    phase: Phase
    code: int | None = None
    text: str = ""
    alarm: bool = False


_SERVER_PHASES = (Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH)


def judge(phase: Phase, code: int, text: str) -> Outcome:
    """What a reply other than the hoped-for one means at this phase."""
    permanent = code >= 500
    if phase in _SERVER_PHASES or code == 421:
        return _said(Fate.OUTAGE, phase, code, text, alarm=permanent)
    if not permanent or (phase is Phase.RCPT and code == 552):
        # 552 at RCPT is an old spelling of 452, too many recipients (§4.5.3.1.10).
        return _said(Fate.DEFERRED, phase, code, text)
    if phase is Phase.MAIL and code != 552:  # 552: this one mail is too large
        return _said(Fate.OUTAGE, phase, code, text, alarm=True)
    return _said(Fate.REFUSED, phase, code, text)


def taken(code: int, text: str) -> Outcome:
    """The server has the mail."""
    return _said(Fate.SENT, Phase.DOT, code, text)


def lost(phase: Phase, cause: str, *, alarm: bool = False) -> Outcome:
    """The connection broke or fell silent: before the dot it is safe to send again. Up to MAIL
    nothing was said of this mail, so it is the server that is not there."""
    if phase is Phase.DOT:
        fate = Fate.DOUBT
    elif phase in _SERVER_PHASES or phase is Phase.MAIL:
        fate = Fate.OUTAGE
    else:
        fate = Fate.DEFERRED
    return Outcome(fate=fate, phase=phase, text=printable(cause), alarm=alarm)


def impossible(phase: Phase, reason: str) -> Outcome:
    """Refused by ourselves: this server cannot take this mail."""
    return Outcome(fate=Fate.REFUSED, phase=phase, text=printable(reason))


def printable(text: str) -> str:
    """A peer's words as one line that any database and log can hold."""
    if text.isprintable():
        return text[:TEXT_CHARS].strip()
    sound = text.encode("utf-8", "replace").decode()  # no half of a surrogate pair
    return _CONTROLS.sub(" ", sound)[:TEXT_CHARS].strip()


def _said(fate: Fate, phase: Phase, code: int, text: str, *, alarm: bool = False) -> Outcome:
    return Outcome(fate=fate, phase=phase, code=code, text=printable(text), alarm=alarm)
