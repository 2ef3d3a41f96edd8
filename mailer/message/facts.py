"""What a template may know: facts of the group it is rendered for, never of one person.

A group is everyone who gets the same mail in one language and zone. Personal values are marks (see
`mark`). Facts are plain data, stored as JSON with a queued reply, so that a re-send is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who speaks in a webinar, or who hosts it."""

    name: str
    affiliation: str = ""
    url: str = ""
    address: str = ""  # never printed; with it they get the reminders too


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """``base_url`` is empty without web pages; then everything is offered by mail."""

    id: str
    title: str
    address: str
    local: str  # local part used in token addresses (`short`, or the address's own)
    domain: str
    zone: str
    language: str
    imprint: str = ""
    base_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebinarFacts:
    """``registers_here`` is True when registration is by us; ``join_url`` is given only in mails to
    registered people. ``uid`` and ``sequence`` are the calendar entry's; ``stamp`` its DTSTAMP,
    fixed per revision."""

    id: str
    number: int
    title: str
    abstract: str  # Markdown
    language: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    status: str
    uid: str
    sequence: int
    stamp: datetime
    speakers: tuple[Speaker, ...] = ()
    hosts: tuple[Speaker, ...] = ()
    links: tuple[Link, ...] = ()
    materials: tuple[Link, ...] = ()
    registration_url: str = ""
    registers_here: bool = False
    join_url: str = ""
    page_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a list in a report: ``at`` is an ISO instant; what it has not is empty."""

    text: str
    at: str = ""
    kind: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything one rendering needs. ``zone`` is the reader's IANA zone (the series' own if not
    known). ``detail`` holds what only one template uses; its keys stand in that template's head."""

    series: SeriesFacts
    language: str
    zone: str
    webinar: WebinarFacts | None = None
    webinars: tuple[WebinarFacts, ...] = ()
    items: tuple[Item, ...] = ()
    registered: bool = False
    detail: Mapping[str, str | int | bool] = field(default_factory=dict)

    @property
    def told(self) -> tuple[WebinarFacts, ...]:
        """Every webinar whose time and state it tells."""
        return self.webinars if self.webinar is None else (*self.webinars, self.webinar)
