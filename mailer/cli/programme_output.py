"""Webinars and what became of them, as text for people and as JSON values.

Text is for reading and may change; the JSON fields stand in the contract. Decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from mailer.config.duration import format_span
from mailer.files.draft import printable
from mailer.intake.drafting import Difference, Value
from mailer.intake.editing import Action, Edited, Note, Remark
from mailer.intake.placing import Place
from mailer.message.facts import Link, Speaker
from mailer.outlook import Outlook
from mailer.store.programme import WebinarRecord
from scheduler.model import Status
from scheduler.recurrence import to_wall

SHOWN = 60  # characters of an old or a new value
NOBODY_TOLD = "is over already, nobody is told of it"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines with two spaces between columns; the last column may be of any width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def clock(wall: datetime) -> str:
    """Wall clock with its weekday: ``Wed 2026-11-25 13:00``."""
    return f"{wall:%a %Y-%m-%d %H:%M}"


def listed(record: WebinarRecord, now: datetime) -> dict[str, object]:
    """A webinar in `webinar list --json`."""
    return {
        "id": record.slug,
        "number": record.number,
        "series": record.series_id,
        "title": record.title,
        "starts_at": record.starts_at,
        "ends_at": record.ends_at,
        "status": record.status_at(now),
        "revision": record.revision,
        "wall_start": record.wall_start.isoformat(),
        "zone": record.zone,
    }


def whole(record: WebinarRecord, now: datetime) -> dict[str, object]:
    """A webinar in `webinar show --json`: everything that is stored of it."""
    return {
        **listed(record, now),
        "duration": format_span(record.ends_at - record.starts_at),
        "language": record.language,
        "abstract": record.abstract,
        "speakers": record.speakers,
        "hosts": record.hosts,
        "links": record.links,
        "materials": record.materials,
        "registration_url": record.registration_url,
        "join_url": record.join_url,
        "capacity": record.capacity,
        "reason": record.reason,
        "uid": record.uid,
        "sequence": record.sequence,
        "published_at": record.published_at,
        "materials_at": record.materials_at,
    }


def outcome(edited: Edited, news: Sequence[Outlook]) -> dict[str, object]:
    """What became of a webinar, as JSON; ``next`` has what goes out about it."""
    return {
        "id": edited.record.slug,
        "number": edited.record.number,
        "action": edited.action,
        "revision": edited.record.revision,
        "changes": edited.differences,
        "next": [
            {"at": one.at, "kind": one.kind, "recipients": one.recipients}
            for one in news
            if one.webinar == edited.record.slug
        ],
    }


def next_mails(news: Sequence[Outlook]) -> list[str]:
    """What goes out about webinars, a line each."""
    return [
        f"  {one.at:%Y-%m-%d %H:%M} UTC: {one.kind} of {one.webinar} "
        f"to {one.recipients} {one.whom}; void if {one.void_if}"
        for one in news
    ]


def table(records: Sequence[WebinarRecord], now: datetime) -> list[str]:
    """Webinars as lines under a heading."""
    zones = {record.zone for record in records}
    one_zone = len(zones) == 1
    starts = f"STARTS ({next(iter(zones))})" if one_zone else "STARTS"
    rows = [["NO", "ID", starts, "STATUS", "TITLE"]]
    for record in records:
        at = clock(record.wall_start) + ("" if one_zone else f" {record.zone}")
        status = record.status_at(now)
        rows.append([str(record.number), record.slug, at, status, record.title])
    return aligned(rows)


def description(record: WebinarRecord, now: datetime) -> list[str]:
    """One webinar as lines, without what it does not have."""
    at = f"{clock(record.wall_start)} {record.zone} ({record.starts_at.astimezone(UTC):%H:%M} UTC)"
    here = "here" if record.join_url else "none"
    rows = [
        ["id", f"{record.slug} (number {record.number} of {record.series_id})"],
        ["title", record.title],
        ["starts", at],
        ["duration", format_span(record.ends_at - record.starts_at)],
        ["status", record.status_at(now)],
        ["reason", record.reason],
        ["language", record.language],
        *(["speaker", _speaker(one)] for one in record.speakers),
        *(["host", _speaker(one)] for one in record.hosts),
        *(["link", _link(one)] for one in record.links),
        ["registration", record.registration_url or here],
        ["join link", record.join_url],
        ["capacity", str(record.capacity or "")],
        *(["materials", _link(one)] for one in record.materials),
        ["revision", str(record.revision)],
    ]
    lines = aligned([row for row in rows if row[1]])
    return [*lines, "", *record.abstract.split("\n")] if record.abstract else lines


def told(edited: Edited, now: datetime) -> list[str]:
    """What became of one webinar, with every field that changed, old → new."""
    record = edited.record
    head = f"{edited.action}: {record.slug} (number {record.number})"
    if edited.action is Action.ADDED:
        at = f"{clock(record.wall_start)} {record.zone}"
        return [f"{head}, {at}, {record.status_at(now)}: {record.title}"]
    if edited.action is Action.UNCHANGED:
        return [f"{head} is like that already"]
    return [f"{head}, revision {record.revision}", *_changes(edited)]


def told_of_all(result: Sequence[Edited], now: datetime) -> list[str]:
    """What became of every row of an import, and the sum."""
    rows = [
        [one.action, str(one.record.number), one.record.slug, clock(one.record.wall_start)]
        for one in result
    ]
    lines: list[str] = []
    for line, one in zip(aligned(rows), result, strict=True):
        lines += [line, *_changes(one)]
    counts = Counter(one.action for one in result)
    total = ", ".join(f"{counts[action]} {action}" for action in Action)
    over = sum(one.record.status_at(now) is Status.OVER for one in result)
    return [*lines, f"{total} ({over} are over already)" if over else total]


def remarks(result: Sequence[Edited], now: datetime) -> list[str]:
    """What the organiser should know beside it, a line each; no line twice."""
    lines = []
    for one in result:
        notes = [_note(note, one.record) for note in one.notes]
        notes += [NOBODY_TOLD] if _went_by(one, now) else []
        lines += [f"{one.record.slug}: {note}" for note in notes]
    return list(dict.fromkeys(lines))


def _note(note: Note, record: WebinarRecord) -> str:
    match note.remark:
        case Remark.TOGETHER:
            return f"at the same time as {note.other}"
        case Remark.STAYS_CANCELLED:
            return "stays cancelled: `mailer webinar publish` revives it"
        case Remark.NO_DRAFT:
            return f"is {record.status} already, draft = true does not take that back"
        case Remark.UNTOLD:
            return "is over, so no update goes out: `mailer announcement queue` reaches people"
        case _:
            assert_never(note.remark)


def slot_value(place: Place, zone: str) -> dict[str, object]:
    """A slot, as JSON."""
    return {
        "starts_at": place.slot.starts_at,
        "ends_at": place.ends_at,
        "wall_start": place.slot.wall_start.isoformat(),
        "zone": zone,
        "webinars": place.webinars,
    }


def slot_table(places: Sequence[Place], zone: str) -> list[str]:
    """Slots as lines under a heading."""
    rows = [[f"SLOT ({zone})", "TAKEN BY"]]
    rows += [[clock(one.slot.wall_start), ", ".join(one.webinars) or "(free)"] for one in places]
    return aligned(rows)


def _went_by(edited: Edited, now: datetime) -> bool:
    """Whether a change put a webinar into the past, which may not have been meant."""
    fields = {one.field for one in edited.differences}
    return "starts_at" in fields and edited.record.status_at(now) is Status.OVER


def _changes(edited: Edited) -> list[str]:
    return [
        f"  {_name(one)}: {_text(one.old, edited.record)} → {_text(one.new, edited.record)}"
        for one in edited.differences
    ]


def _name(difference: Difference) -> str:
    return "starts" if difference.field == "starts_at" else difference.field.replace("_", " ")


def _text(value: Value, record: WebinarRecord) -> str:
    match value:
        case datetime():
            return clock(to_wall(value, record.zone))
        case tuple():
            text = ", ".join(
                _speaker(one) if isinstance(one, Speaker) else _link(one) for one in value
            )
        case _:
            text = str(value)
    short = printable(" ".join(text.split())) or "(none)"
    return short if len(short) <= SHOWN else short[: SHOWN - 1] + "…"


def _speaker(speaker: Speaker) -> str:
    parts = [speaker.name, f"({speaker.affiliation})", f"<{speaker.url}>", f"<{speaker.address}>"]
    return " ".join(part for part in parts if part not in ("()", "<>"))


def _link(link: Link) -> str:
    return f"{link.title} <{link.url}>"
