"""What a machine's mail turns out to be: the values that reading reports and complaints ends in.

Holds no rule. A bounce names every recipient that a report speaks of, those of a delay included;
a success names none. `address` is text as the report spells it and may be no valid mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a mail is taken for."""

    COMMAND = "command"
    SUBSCRIBE_WISH = "subscribe-wish"
    MESSAGE = "message"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    DELAY = "delay"
    SUCCESS = "success"
    IGNORED = "ignored"


class BounceClass(StrEnum):
    """Why a recipient was not reached. Only ``hard`` says that the mailbox or domain is gone."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    FULL = "full"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """One recipient of a report; ``status`` is the enhanced code (RFC 3463), empty if none.
    ``diagnostic`` is what the report quotes or says of it, as it stands there."""

    address: str
    cls: BounceClass
    status: str = ""
    diagnostic: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A report, complaint or automatic reply.

    ``feedback`` is the Feedback-Type of a complaint (RFC 5965 §3.1). ``recipients`` are the people
    a complaint seems to come from, ``tokens`` the local parts found in the returned message that
    may be token addresses of ours: both are hints, whoever acts on them checks them first.
    """

    verdict: Verdict
    feedback: str | None = None
    bounces: tuple[Bounce, ...] = ()
    recipients: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
