"""Calendar entries, read back by the library and compared byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.compose import Calendar, compose
from mailer.message.facts import Link, Speaker, WebinarFacts
from mailer.message.invite import Method, calendar, feed, feed_changes_at
from mailer.message.mark import Personal, mark
from tests.examples import examples
from tests.message.golden import assert_golden
from tests.message.sample import NOW, SERIES, VALUES, WEBINAR

ADDRESS = mark(Personal.ADDRESS)


def written(
    webinar: WebinarFacts = WEBINAR, method: Method = "REQUEST", *, registered: bool = True
) -> bytes:
    attendee = None if method == "PUBLISH" else ADDRESS
    return calendar(webinar, SERIES, method=method, attendee=attendee, registered=registered)


def event_of(content: bytes) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(content).events
    return event


def tree(content: bytes) -> list[tuple[str, list[str]]]:
    """Every component with the names of its properties, repeats included."""
    return [
        (str(component.name), sorted(name for name, _ in component.property_items(recursive=False)
                                     if name not in {"BEGIN", "END"}))
        for component in icalendar.Calendar.from_ical(content).walk()
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["PUBLISH", "REQUEST", "CANCEL"])
def test_entries_are_as_agreed_byte_for_byte(method: Method) -> None:
    assert_golden(f"invite-{method.lower()}.ics", written(method=method))


def test_the_feed_is_as_agreed_byte_for_byte() -> None:
    cancelled = replace(
        WEBINAR, id="isni", uid="0d4f3a11-7c58-4df0-8d0c-7a4b1f7b9d02", status="cancelled",
        sequence=2, zone="America/New_York", starts_at=WEBINAR.starts_at + timedelta(days=14),
        ends_at=WEBINAR.ends_at + timedelta(days=14),
    )  # fmt: skip
    draft = replace(WEBINAR, uid="draft", status="draft")
    assert_golden("invite-feed.ics", feed(SERIES, [WEBINAR, cancelled, draft], NOW))


@pytest.mark.parametrize(
    ("method", "status", "says", "attendees"),
    [
        ("PUBLISH", "scheduled", "CONFIRMED", 0),
        ("PUBLISH", "cancelled", "CANCELLED", 0),
        ("REQUEST", "scheduled", "CONFIRMED", 1),
        ("CANCEL", "scheduled", "CANCELLED", 1),
        ("CANCEL", "cancelled", "CANCELLED", 1),
    ],
)
def test_method_status_and_attendee_go_together(
    method: Method, status: str, says: str, attendees: int
) -> None:
    content = written(replace(WEBINAR, status=status, sequence=3), method)
    event = event_of(content)
    assert content.count(f"\r\nMETHOD:{method}\r\n".encode()) == 1
    assert (event["STATUS"], event["SEQUENCE"], event["UID"]) == (says, 3, WEBINAR.uid)
    assert content.count(b"\r\nATTENDEE") == attendees
    assert event["ORGANIZER"] == "mailto:webinars@lists.example.org"
    assert event["ORGANIZER"].params == {"CN": "Copyright Infrastructure Webinars"}


def test_a_quotation_mark_in_the_title_needs_no_escape() -> None:
    content = feed(replace(SERIES, title='The "new" talks'), [WEBINAR], NOW)
    assert b"\r\nORGANIZER;CN=\"The 'new' talks\":mailto:webinars@" in content


def test_a_request_asks_for_no_answer() -> None:
    attendee = event_of(written())["ATTENDEE"]
    assert attendee == f"mailto:{ADDRESS}"
    assert attendee.params == {"PARTSTAT": "NEEDS-ACTION", "RSVP": "FALSE"}


@pytest.mark.parametrize(("method", "attendee"), [("PUBLISH", ADDRESS), ("REQUEST", None)])
def test_an_attendee_goes_with_request_alone(method: Method, attendee: str | None) -> None:
    with pytest.raises(ValueError, match="attendee"):
        calendar(WEBINAR, SERIES, method=method, attendee=attendee, registered=True)


@pytest.mark.parametrize(
    ("method", "registered", "told"),
    [
        ("REQUEST", True, True),
        ("REQUEST", False, False),
        ("CANCEL", True, False),
        ("PUBLISH", True, False),
        ("PUBLISH", False, False),
    ],
)
def test_the_join_address_is_for_registered_people(
    method: Method, registered: bool, told: bool
) -> None:
    content = written(method=method, registered=registered)
    unfolded = content.replace(b"\r\n ", b"")
    assert (b"secret-room" in unfolded) == told
    assert ("LOCATION" in event_of(content)) == told
    assert b"secret-room" not in feed(SERIES, [WEBINAR], NOW).replace(b"\r\n ", b"")


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [(datetime(2026, 3, d), 12) for d in (27, 28)]  # noqa: DTZ001 - dates
    + [(datetime(2026, 3, d), 11) for d in (29, 30)]  # noqa: DTZ001
    + [(datetime(2026, 10, d), 11) for d in (23, 24)]  # noqa: DTZ001
    + [(datetime(2026, 10, d), 12) for d in (25, 26)],  # noqa: DTZ001
)
def test_one_o_clock_in_zurich_stays_one_o_clock(day: datetime, utc_hour: int) -> None:
    start = day.replace(hour=utc_hour, tzinfo=UTC)
    webinar = replace(WEBINAR, starts_at=start, ends_at=start + timedelta(hours=1))
    content = written(webinar)
    assert f"\r\nDTSTART;TZID=Europe/Zurich:{day:%Y%m%d}T130000\r\n".encode() in content
    assert f"\r\nDTEND;TZID=Europe/Zurich:{day:%Y%m%d}T140000\r\n".encode() in content
    assert event_of(content).start == start
    assert content.count(b"\r\nTZID:Europe/Zurich\r\n") == 1


@pytest.mark.parametrize("zone", ["UTC", "Africa/Casablanca", "No/Where"])
def test_a_zone_without_a_simple_rule_is_written_in_utc(zone: str) -> None:
    content = written(replace(WEBINAR, zone=zone))
    assert b"\r\nDTSTART:20261125T120000Z\r\nDTEND:20261125T130000Z\r\n" in content
    assert b"VTIMEZONE" not in content


def test_a_feed_says_each_zone_once_and_asks_for_an_hour_when_near() -> None:
    later = replace(WEBINAR, uid="b", starts_at=WEBINAR.starts_at + timedelta(days=400),
                    ends_at=WEBINAR.ends_at + timedelta(days=400))  # fmt: skip
    content = feed(SERIES, [later, WEBINAR], NOW)
    assert content.count(b"BEGIN:VTIMEZONE") == 1
    assert content.count(b"BEGIN:VEVENT") == 2
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n" in content
    near = feed(SERIES, [WEBINAR], WEBINAR.starts_at - timedelta(hours=3))
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in near
    assert feed(SERIES, [], NOW).endswith(b"END:VCALENDAR\r\n")


@given(
    st.lists(st.integers(-5 * 24, 5 * 24), max_size=4, unique=True),
    st.integers(-6 * 24, 6 * 24),
    st.integers(1, 6 * 24),
)
def test_a_feed_is_the_same_until_it_said_that_it_changes(
    starts: list[int], hour: int, later: int
) -> None:
    """In hours around one instant; a microsecond more or less decides."""
    held = [
        replace(WEBINAR, uid=str(at), starts_at=at_hour, ends_at=at_hour + timedelta(hours=1))
        for at in starts
        for at_hour in (NOW + timedelta(hours=at),)
    ]
    now = NOW + timedelta(hours=hour)
    content = feed(SERIES, held, now)
    changes = feed_changes_at(held, now)
    assert all(at > now for at in changes)
    end = now + timedelta(hours=later)
    until = min(changes, default=end) - datetime.resolution
    assert feed(SERIES, held, min(until, end)) == content


def test_a_feed_tells_exactly_when_it_asks_for_another_pause() -> None:
    began = NOW - timedelta(days=30)
    far, tick = WEBINAR.starts_at - timedelta(days=2), datetime.resolution
    near = min(feed_changes_at([WEBINAR], began))
    assert near == far + tick
    assert feed(SERIES, [WEBINAR], far) != feed(SERIES, [WEBINAR], near)
    (past,) = feed_changes_at([WEBINAR], near)
    assert feed(SERIES, [WEBINAR], past - tick) != feed(SERIES, [WEBINAR], past)
    assert feed_changes_at([WEBINAR], past) == []


HOSTILE = [
    "x\r\nATTENDEE:mailto:evil@example.org",
    "x\nBEGIN:VALARM\nEND:VALARM",
    "x\rEND:VEVENT",
    'x";X=y:z',
    "x\\nATTENDEE:mailto:evil@example.org",
    "x\0y\x85z\u2028ATTENDEE:mailto:evil@example.org",
    "\ud800",
    f"{mark(Personal.UNSUBSCRIBE)}",
    "^n^'",
]


def hostile_webinar(text: str) -> WebinarFacts:
    return replace(
        WEBINAR, title=text, abstract=text, uid=f"u{text}", page_url=f"https://example.org/{text}",
        speakers=(Speaker(name=text, affiliation=text),), links=(Link(title=text, url=text),),
        registration_url=text, join_url=f"https://example.org/{text}",
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_adds_a_property(text: str) -> None:
    series = replace(SERIES, title=f"T {text}")
    content = calendar(
        hostile_webinar(text), series, method="REQUEST", attendee=ADDRESS, registered=True
    )
    found = tree(content)
    assert found == tree(written())
    assert b"\0" not in content
    assert list(event_of(content)["ORGANIZER"].params) == ["CN"]


@given(st.text(max_size=200), st.text(st.sampled_from("aé中🎉 ,;\\\n"), max_size=200))
@settings(deadline=None, max_examples=examples(50))
def test_any_text_is_folded_within_75_octets_and_reads_back(title: str, abstract: str) -> None:
    content = written(replace(WEBINAR, title=title, abstract=abstract))
    lines = content.split(b"\r\n")
    assert lines[-1] == b""
    for line in lines:
        assert len(line) <= 75 or ADDRESS.encode() in line
        line.decode("utf-8")  # no character is split
        assert b"\n" not in line
        assert b"\r" not in line
    event = event_of(content)
    assert str(event["DESCRIPTION"]).startswith(abstract.strip().replace("\r", "\n"))
    assert tree(content) == tree(written())


def test_marks_are_whole_and_filled_inside_the_calendar() -> None:
    webinar = replace(WEBINAR, join_url=f"https://example.org/j/{mark(Personal.JOIN)}")
    content = written(webinar)
    assert content.count(ADDRESS.encode()) == 1
    assert content.count(mark(Personal.JOIN).encode()) == 2
    held = Calendar(content=content, method="REQUEST")
    skeleton = compose(headers=[], text="a", html="b", calendar=held)
    assert skeleton.names == {Personal.ADDRESS, Personal.JOIN}
    joined = b"".join(payloads(skeleton.fill(VALUES)))
    for line in (
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:{VALUES[Personal.ADDRESS]}",
        f"LOCATION:https://example.org/j/{VALUES[Personal.JOIN]}",
    ):
        assert joined.count(f"\r\n{line}\r\n".encode()) == 2


def payloads(message: bytes) -> Iterable[bytes]:
    for part in message_from_bytes(message, policy=policy.SMTP).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload.replace(b"\r\n ", b"")
