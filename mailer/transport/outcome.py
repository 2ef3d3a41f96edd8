"""What can come of handing over one mail, told by the phase it came to and what the server said.

The rule for every phase and code (RFC 5321 §4.2.1, §4.5.4; table in docs/delivery.md): what
concerns the server or us pauses sending and is never charged to a recipient; what concerns this
recipient or this mail is settled for it alone; what happened after the final dot without a reply is
in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One finished mail: ``content`` is CRLF wire text without dot-stuffing."""

    id: int
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``code`` is None when no reply was read. ``bounce`` is True when a refusal speaks of the
    recipient's mailbox; ``alarm`` when an outage needs a person."""

    fate: Fate
    phase: Phase
    code: int | None = None
    text: str = ""
    bounce: bool = False
    alarm: bool = False


class Transport(Protocol):
    """Where finished mails go."""

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hand over one mail; every expected failure is an outcome."""
        ...

    async def close(self) -> None:
        """End every connection politely."""
        ...


_SERVER_PHASES = (Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH)


def judge(phase: Phase, code: int, text: str) -> Outcome:
    """What a reply other than the hoped-for one means at this phase."""
    permanent = code >= 500
    if phase in _SERVER_PHASES or code == 421:
        return _said(Fate.OUTAGE, phase, code, text, alarm=permanent)
    if not permanent:
        return _said(Fate.DEFERRED, phase, code, text)
    if phase is Phase.MAIL and code != 552:  # 552: this one mail is too large
        return _said(Fate.OUTAGE, phase, code, text, alarm=True)
    return _said(Fate.REFUSED, phase, code, text, bounce=phase is Phase.RCPT)


def lost(phase: Phase, cause: str) -> Outcome:
    """The connection broke or fell silent: before the dot it is safe to send again."""
    if phase is Phase.DOT:
        return Outcome(fate=Fate.DOUBT, phase=phase, text=cause)
    if phase in _SERVER_PHASES:
        return Outcome(fate=Fate.OUTAGE, phase=phase, text=cause)
    return Outcome(fate=Fate.DEFERRED, phase=phase, text=cause)


def _said(
    fate: Fate, phase: Phase, code: int, text: str, *, bounce: bool = False, alarm: bool = False
) -> Outcome:
    return Outcome(fate=fate, phase=phase, code=code, text=text, bounce=bounce, alarm=alarm)
