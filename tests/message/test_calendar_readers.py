"""Three readers of calendar files take ours for the same: icalendar, ical and ical.js (C1-C4)."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from mailer.message.facts import Speaker, WebinarFacts
from mailer.message.invite import Method, calendar
from mailer.message.sample import SERIES, WEBINAR
from tests.peers import icaljs, registry

HOUR = timedelta(hours=1)
READER = "reader@example.org"
Found = dict[str, object]


def at(clock: str, **more: Any) -> WebinarFacts:
    starts_at = datetime.fromisoformat(clock).replace(tzinfo=UTC)
    return replace(WEBINAR, starts_at=starts_at, ends_at=starts_at + HOUR, **more)


# The days around both changes of the clocks, a zone of every kind, and text that needs care.
WEBINARS = [
    *(at(f"2026-03-{day}T12:00") for day in (28, 29, 30)),
    *(at(f"2026-10-{day}T11:00") for day in (24, 25, 26)),
    at("2026-10-25T00:30"),
    at("2026-11-25T18:00", zone="America/New_York"),
    at("2026-11-25T03:00", zone="Asia/Tokyo"),
    at("2026-11-25T03:00", zone="Africa/Casablanca"),
    at("2026-11-25T03:00", zone="UTC"),
    at("2026-11-25T12:00", title="Commas, semicolons; back\\slashes: “quotes” and " + "🎵" * 40),
    at("2026-11-25T12:00", title="الندوة الأولى", speakers=(Speaker(name="Zoë, of; \\n"),)),
    at("2026-11-25T12:00", abstract="One\nBEGIN:VEVENT\nATTENDEE:mailto:x@example.org\n\n" * 3),
]
METHODS: tuple[Method, ...] = ("PUBLISH", "REQUEST", "CANCEL")
CASES: list[tuple[WebinarFacts, Method]] = [
    (replace(webinar, sequence=sequence), method)
    for webinar in WEBINARS
    for sequence, method in enumerate(METHODS)
]


def written() -> list[bytes]:
    return [
        calendar(
            webinar,
            SERIES,
            method=method,
            attendee=None if method == "PUBLISH" else READER,
            registered=method == "REQUEST",
        )
        for webinar, method in CASES
    ]


def expected() -> list[Found]:
    """What was meant, as far as it is not the text itself."""
    return [
        {
            "method": method,
            "uid": webinar.uid,
            "sequence": webinar.sequence,
            "starts_at": stamp(webinar.starts_at),
            "ends_at": stamp(webinar.ends_at),
            "status": "CANCELLED" if method == "CANCEL" else "CONFIRMED",
            "summary": webinar.title,
            "organizer": f"mailto:{SERIES.address}",
            "attendees": [] if method == "PUBLISH" else [f"mailto:{READER}"],
        }
        for webinar, method in CASES
    ]


def stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def by_icalendar(content: bytes) -> Found:
    top = icalendar.Calendar.from_ical(content)
    [event] = top.walk("VEVENT")
    attendees = event.get("ATTENDEE", [])
    return {
        "method": str(top["METHOD"]),
        "uid": str(event["UID"]),
        "sequence": int(str(event["SEQUENCE"])),
        "starts_at": stamp(event.decoded("DTSTART")),
        "ends_at": stamp(event.decoded("DTEND")),
        "status": str(event["STATUS"]),
        "summary": str(event["SUMMARY"]),
        "description": str(event.get("DESCRIPTION", "")),
        "organizer": str(event["ORGANIZER"]),
        "attendees": [str(attendees)] if isinstance(attendees, str) else list(map(str, attendees)),
    }


def by_ical(contents: Sequence[bytes]) -> list[Found]:
    try:
        stream = importlib.import_module("ical.calendar_stream")
    except ImportError:
        registry.missing("ical", "not installed")
    found = []
    for content in contents:
        top = stream.IcsCalendarStream.calendar_from_ics(content.decode())
        [event] = top.events
        found.append(
            {
                "method": top.method,
                "uid": event.uid,
                "sequence": event.sequence,
                "starts_at": stamp(event.dtstart),
                "ends_at": stamp(event.dtend),
                "status": event.status.value,
                "summary": event.summary,
                "description": event.description or "",
                "organizer": str(event.organizer.uri),
                "attendees": [str(one.uri) for one in event.attendees],
            }
        )
    return found


def test_icalendar_finds_what_was_meant() -> None:
    found = [by_icalendar(content) for content in written()]
    assert [without_text(one) for one in found] == expected()


def without_text(found: Found) -> Found:
    return {name: value for name, value in found.items() if name != "description"}


@pytest.mark.slow
def test_ical_js_finds_the_same(run_folder: Path) -> None:
    contents = written()
    assert icaljs.read(run_folder, contents) == [by_icalendar(content) for content in contents]


@pytest.mark.slow
def test_ical_finds_the_same() -> None:
    contents = written()
    assert by_ical(contents) == [by_icalendar(content) for content in contents]
