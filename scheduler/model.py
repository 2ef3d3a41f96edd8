"""The values that planning works on.

Decides nothing; it only refuses what cannot be meant: naive instants, a webinar that ends before it
starts. Instants are aware UTC ``datetime``; wall clock is a naive ``datetime`` beside a zone name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum


class Kind(StrEnum):
    """What a mail to subscribers is about; ``message`` is what an organiser wrote, and no rule
    makes it."""

    ANNOUNCEMENT = "announcement"
    REMINDER = "reminder"
    UPDATE = "update"
    CANCELLATION = "cancellation"
    FOLLOW_UP = "follow-up"
    MESSAGE = "message"


class Audience(StrEnum):
    """Who of a series' subscribers a notice is for."""

    SUBSCRIBED = "subscribed"
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"


class Status(StrEnum):
    """State of a webinar as people see it; ``over`` is derived from the clock, never stored."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    OVER = "over"


class NaiveInstant(ValueError):
    """An instant came without a zone."""


def require_aware(name: str, instant: datetime | None) -> None:
    """Raise `NaiveInstant` if ``instant`` carries no UTC offset."""
    if instant is not None and instant.utcoffset() is None:
        raise NaiveInstant(f"{name} needs a zone: {instant.isoformat()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """How far from a webinar a notice falls due.

    ``days`` are wall-clock days (the same time of day, that many days away), ``seconds`` absolute
    time; one of the two is zero. Negative is before the start, positive after the end. ``at``
    replaces the time of day and goes with ``days`` only.
    """

    days: int = 0
    seconds: int = 0
    at: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A rule: this kind of mail, this far from each webinar, to these people.

    ``id`` is the rule's identity for ever: what was sent under it is never sent again because the
    offset was edited.
    """

    id: str
    kind: Kind
    offset: Offset
    audience: Audience = Audience.SUBSCRIBED


@dataclass(frozen=True, slots=True, kw_only=True)
class Webinar:
    """What planning needs to know of one webinar.

    ``sequence`` counts the changes of time, place or status (RFC 5545 §3.8.7.4); a cosmetic edit
    leaves it. ``published_at`` is when it stopped being a draft, None while it is one.
    ``materials_at`` is when the first recording or slides were added.
    """

    id: int
    series: str
    status: Status
    wall_start: datetime
    zone: str
    starts_at: datetime
    ends_at: datetime
    sequence: int
    published_at: datetime | None
    materials_at: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("starts_at", "ends_at", "published_at", "materials_at"):
            require_aware(name, getattr(self, name))
        if self.wall_start.tzinfo is not None:
            raise ValueError("wall_start is wall clock: it has no zone of its own")
        if self.ends_at <= self.starts_at:
            raise ValueError("a webinar ends after it starts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A notice of a webinar that was already let go, and when: late is who subscribed after it."""

    webinar_id: int
    notice_id: str
    sequence: int
    released_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One mailing that is owed: to whom, from when, and until when it makes sense.

    ``due_at`` is when the rule says it goes out; ``released_at`` the instant that divides those who
    are owed it from those who subscribed too late; ``expires_at`` the deadline after which it must
    not start any more.
    """

    webinar_id: int
    notice_id: str
    kind: Kind
    audience: Audience
    sequence: int
    due_at: datetime
    released_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """Stable identity of this mailing: planning twice makes it once."""
        return f"{self.webinar_id}:{self.notice_id}:{self.sequence}"
