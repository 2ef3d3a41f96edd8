"""One webinar as a value: what is stored of it, what of it is written, and how it may change.

`WebinarRecord` is the one record that drives every mail and calendar entry; `for_planning` and
`facts` are the two views of it that the planner and the templates get, `content` what an organiser
writes. Here columns become values and values columns; the statements are in `programme`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Row

from mailer.message.facts import Link, Speaker, WebinarFacts
from scheduler.model import Status, Webinar

_SPEAKERS = msgspec.json.Decoder(tuple[Speaker, ...])
_LINKS = msgspec.json.Decoder(tuple[Link, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class WebinarContent:
    """What organisers write of a webinar: everything but identity, revision and status."""

    title: str
    abstract: str
    language: str
    wall_start: datetime
    zone: str
    starts_at: datetime
    ends_at: datetime
    registration_url: str = ""
    join_url: str = ""
    capacity: int = 0
    speakers: tuple[Speaker, ...] = ()
    hosts: tuple[Speaker, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebinarRecord:
    """One webinar. ``revision`` counts every edit, ``sequence`` those of time, place or status."""

    id: int
    series_id: str
    slug: str
    number: int
    title: str
    abstract: str
    language: str
    wall_start: datetime
    zone: str
    starts_at: datetime
    ends_at: datetime
    status: Status
    revision: int
    sequence: int
    uid: str
    stamp: datetime
    published_at: datetime | None
    materials_at: datetime | None
    registration_url: str
    join_url: str
    capacity: int
    speakers: tuple[Speaker, ...]
    hosts: tuple[Speaker, ...]
    links: tuple[Link, ...]
    materials: tuple[Link, ...]
    reason: str

    @property
    def content(self) -> WebinarContent:
        """What organisers write of it."""
        return WebinarContent(
            **{name: getattr(self, name) for name in WebinarContent.__dataclass_fields__}
        )

    def status_at(self, now: datetime) -> Status:
        """The status people see: what was scheduled and has ended is over."""
        if self.status is Status.SCHEDULED and self.ends_at <= now:
            return Status.OVER
        return self.status

    def for_planning(self) -> Webinar:
        """What the scheduler needs of it."""
        return Webinar(
            id=self.id,
            series=self.series_id,
            status=self.status,
            wall_start=self.wall_start,
            zone=self.zone,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            sequence=self.sequence,
            published_at=self.published_at,
            materials_at=self.materials_at,
        )

    def facts(self, *, base_url: str, registered: bool) -> WebinarFacts:
        """What templates may know of it; the join address only for registered people."""
        return WebinarFacts(
            id=self.slug,
            number=self.number,
            title=self.title,
            abstract=self.abstract,
            language=self.language,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            zone=self.zone,
            status=self.status,
            uid=self.uid,
            sequence=self.sequence,
            stamp=self.stamp,
            speakers=self.speakers,
            hosts=self.hosts,
            links=self.links,
            materials=self.materials,
            registration_url=self.registration_url,
            registers_here=not self.registration_url and (bool(self.join_url) or self.capacity > 0),
            join_url=self.join_url if registered else "",
            page_url=f"{base_url}/{self.series_id}/w/{self.slug}" if base_url else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebinar:
    """A webinar that is not stored yet."""

    slug: str
    content: WebinarContent
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A change of one webinar; None leaves that part as it is. ``asked`` is for a change that would
    not be told for its own sake, and shall be."""

    record: WebinarRecord
    content: WebinarContent | None = None
    status: Status | None = None
    materials: tuple[Link, ...] | None = None
    reason: str | None = None
    asked: bool = False

    @property
    def moves(self) -> bool:
        """Whether time, place or status change for those who may know of it (RFC 5545 §3.8.7.4), or
        the change is to be told all the same."""
        record = self.record
        if self.asked:
            return True
        if self.status not in (None, record.status) and record.published_at is not None:
            return True
        content = self.content or record.content
        return _schedule(content) != _schedule(record.content)

    def columns(self, now: datetime) -> dict[str, object]:
        """Every column that a change can touch, so that one statement serves all changes."""
        record = self.record
        status = self.status or record.status
        materials = record.materials if self.materials is None else self.materials
        publishes = status is Status.SCHEDULED and record.published_at is None
        return {
            "revision": record.revision + 1,
            "sequence": record.sequence + (1 if self.moves else 0),
            "stamp": now,
            "updated_at": now,
            "status": status,
            "published_at": now if publishes else record.published_at,
            "materials": msgspec.json.encode(materials).decode(),
            "materials_at": (record.materials_at or now) if materials else None,
            "reason": record.reason if self.reason is None else self.reason,
            **columns_of(self.content or record.content),
        }


def _schedule(content: WebinarContent) -> tuple[datetime, datetime, str, str]:
    return (content.starts_at, content.ends_at, content.join_url, content.registration_url)


def columns_of(content: WebinarContent) -> dict[str, object]:
    """The columns that hold what an organiser writes."""
    return {
        "title": content.title,
        "abstract": content.abstract,
        "language": content.language,
        "wall_start": content.wall_start.isoformat(),
        "zone": content.zone,
        "starts_at": content.starts_at,
        "ends_at": content.ends_at,
        "registration_url": content.registration_url,
        "join_url": content.join_url,
        "capacity": content.capacity,
        "speakers": msgspec.json.encode(content.speakers).decode(),
        "hosts": msgspec.json.encode(content.hosts).decode(),
        "links": msgspec.json.encode(content.links).decode(),
    }


def record_of(row: Row[tuple[object, ...]]) -> WebinarRecord:
    """The record that a row of the whole table is."""
    fields = row._mapping
    return WebinarRecord(
        id=fields["id"],
        series_id=fields["series_id"],
        slug=fields["slug"],
        number=fields["number"],
        title=fields["title"],
        abstract=fields["abstract"],
        language=fields["language"],
        wall_start=datetime.fromisoformat(fields["wall_start"]),
        zone=fields["zone"],
        starts_at=fields["starts_at"],
        ends_at=fields["ends_at"],
        status=Status(fields["status"]),
        revision=fields["revision"],
        sequence=fields["sequence"],
        uid=fields["uid"],
        stamp=fields["stamp"],
        published_at=fields["published_at"],
        materials_at=fields["materials_at"],
        registration_url=fields["registration_url"],
        join_url=fields["join_url"],
        capacity=fields["capacity"],
        speakers=_SPEAKERS.decode(fields["speakers"]),
        hosts=_SPEAKERS.decode(fields["hosts"]),
        links=_LINKS.decode(fields["links"]),
        materials=_LINKS.decode(fields["materials"]),
        reason=fields["reason"],
    )
