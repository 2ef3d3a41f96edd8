"""From a draft to what is stored, and what one version of a webinar has that another has not.

Pure. A draft has every field, but only those that its author really gave replace what is stored: an
import without abstracts leaves the abstracts alone. Wall clock is the intent, instants follow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer.config.duration import format_span
from mailer.config.model import Series
from mailer.files.draft import WebinarDraft
from mailer.message.facts import Link, Speaker
from mailer.store.webinar import WebinarContent, WebinarRecord
from scheduler.recurrence import to_utc

# Fields that a draft and what is stored have under the same name.
PLAIN = (
    "title",
    "abstract",
    "language",
    "registration_url",
    "join_url",
    "capacity",
    "speakers",
    "hosts",
    "links",
)

Value = str | int | datetime | tuple[Speaker, ...] | tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of a webinar as it was and as it is."""

    field: str
    old: Value
    new: Value


def content_of(draft: WebinarDraft, series: Series) -> WebinarContent:
    """A new webinar as it is stored."""
    starts_at = to_utc(draft.wall_start, series.timezone)
    return WebinarContent(
        wall_start=draft.wall_start,
        zone=series.timezone,
        starts_at=starts_at,
        ends_at=starts_at + draft.duration,
        **{name: getattr(draft, name) for name in PLAIN},
    )


def merged(
    record: WebinarRecord, draft: WebinarDraft, given: Collection[str], series: Series
) -> WebinarContent:
    """What is stored, with the ``given`` fields (by their names in a programme file) of a draft.

    A start is by the series' clock of today; a webinar that is not moved keeps the clock it has.
    """
    wall, zone, starts_at = record.wall_start, record.zone, record.starts_at
    if "starts" in given:
        wall, zone = draft.wall_start, series.timezone
        starts_at = to_utc(wall, zone)
    duration = draft.duration if "duration" in given else record.ends_at - record.starts_at
    return WebinarContent(
        wall_start=wall,
        zone=zone,
        starts_at=starts_at,
        ends_at=starts_at + duration,
        **{name: getattr(draft if name in given else record, name) for name in PLAIN},
    )


def differences(before: WebinarRecord, after: WebinarRecord) -> tuple[Difference, ...]:
    """Every field in which two versions of a webinar differ, in the order people read them."""
    old, new = _told(before), _told(after)
    return tuple(
        Difference(field=name, old=old[name], new=new[name])
        for name in old
        if old[name] != new[name]
    )


def _told(record: WebinarRecord) -> Mapping[str, Value]:
    return {
        "status": record.status.value,
        "title": record.title,
        "starts_at": record.starts_at,
        "zone": record.zone,
        "duration": format_span(record.ends_at - record.starts_at),
        "language": record.language,
        "abstract": record.abstract,
        "speakers": record.speakers,
        "hosts": record.hosts,
        "links": record.links,
        "registration_url": record.registration_url,
        "join_url": record.join_url,
        "capacity": record.capacity,
        "materials": record.materials,
        "reason": record.reason,
    }
