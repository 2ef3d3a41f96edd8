"""What a mail about a change says of what its readers were told before.

The details that the templates `update` and `cancellation` ask for, from the facts of then and of
now. Decides nothing about who gets it; that is `scheduler.change`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mailer.message.facts import Link, Speaker, WebinarFacts
from scheduler.model import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody was told of a webinar."""

    status: Status
    title: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    registration_url: str
    join_url: str
    abstract: str
    speakers: tuple[Speaker, ...]
    hosts: tuple[Speaker, ...]
    links: tuple[Link, ...]
    materials: tuple[Link, ...]


def difference(
    told: Told, now: WebinarFacts, *, registered: bool, own_link: bool
) -> Mapping[str, str | int | bool]:
    """What an update says beside the present facts: the old time and title, what else is new, and
    that it takes place after all. Who has an ``own_link`` keeps it in another room."""
    found: dict[str, str | int | bool] = {}
    if told.status is Status.CANCELLED:
        found["revived"] = True
    if (told.starts_at, told.ends_at) != (now.starts_at, now.ends_at):
        found["was_starts_at"] = told.starts_at.isoformat()
        found["was_ends_at"] = told.ends_at.isoformat()
        found["was_zone"] = told.zone
    if told.title != now.title:
        found["was_title"] = told.title
    other_link = registered and told.join_url != now.join_url
    changed = {
        "speakers": told.speakers != tuple(replace(one, address="") for one in now.speakers),
        "hosts": told.hosts != tuple(replace(one, address="") for one in now.hosts),
        "abstract": told.abstract != now.abstract,
        "registration": told.registration_url != now.registration_url,
        "join": other_link and bool(now.join_url) and not (own_link and told.join_url),
        "join_gone": other_link and not now.join_url,
        "materials": (told.links, told.materials) != (now.links, now.materials),
    }
    return {**found, **{name: True for name, differs in changed.items() if differs}}


def as_known(now: WebinarFacts, told: Told) -> WebinarFacts:
    """A cancelled webinar the way its readers know it: at the time and by the title they have."""
    return replace(
        now, title=told.title, zone=told.zone, starts_at=told.starts_at, ends_at=told.ends_at
    )
