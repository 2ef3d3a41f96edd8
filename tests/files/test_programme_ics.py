"""Programmes as iCalendar: what is read, and how each mistake is told."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mailer.files.programme import WebinarDraft
from mailer.files.programme_ics import id_of_uid
from tests.files.conftest import Read, Refused

EVENT = """BEGIN:VEVENT
UID:iscc@example.org
DTSTART;TZID=Europe/Zurich:20261125T130000
DTEND;TZID=Europe/Zurich:20261125T143000
SUMMARY;LANGUAGE=fr:Le code \\, norm
 alis
 é
DESCRIPTION:One\\nTwo\\\\n
URL:https://example.org/a,b;c
BEGIN:VALARM
DESCRIPTION:no
RRULE:no
END:VALARM
END:VEVENT
"""


def calendar(*events: str) -> str:
    """A calendar of these events, each event from line 2 on."""
    return ("BEGIN:VCALENDAR\n" + "".join(events) + "END:VCALENDAR\n").replace("\n", "\r\n")


def event(*lines: str, uid: str = "a") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:A", *lines, "END:VEVENT", ""])


def test_an_event_is_read(read: Read) -> None:
    assert read(calendar(EVENT), "p.ics") == (
        WebinarDraft(
            id="iscc",
            title="Le code , normalisé",
            wall_start=datetime(2026, 11, 25, 13),
            duration=timedelta(minutes=90),
            language="fr",
            abstract="One\nTwo\\n",
            registration_url="https://example.org/a,b;c",
            line=2,
            given=frozenset({"id", "duration", "language", "abstract", "registration_url"}),
        ),
    )


@pytest.mark.parametrize(
    ("start", "wall"),
    [
        (":20261024T110000Z", datetime(2026, 10, 24, 13)),
        (":20261025T120000Z", datetime(2026, 10, 25, 13)),
        (":20270327T120000Z", datetime(2027, 3, 27, 13)),
        (":20270328T110000Z", datetime(2027, 3, 28, 13)),
        (":20261125T130000", datetime(2026, 11, 25, 13)),
        (";TZID=Europe/Zurich:20261125T130000", datetime(2026, 11, 25, 13)),
        (";TZID=W. Europe Standard Time:20261125T130000", datetime(2026, 11, 25, 13)),
        (";TZID=/vendor/x/America/New_York:20261028T080000", datetime(2026, 10, 28, 13)),
        (";TZID=America/New_York:20261104T070000", datetime(2026, 11, 4, 13)),
        (";VALUE=DATE:20261104", datetime(2026, 11, 4, 13)),
    ],
)
def test_any_kind_of_start_is_told_by_the_series_clock(
    read: Read, start: str, wall: datetime
) -> None:
    (draft,) = read(calendar(event(f"DTSTART{start}")), "p.ics")
    assert (draft.wall_start, draft.duration) == (wall, timedelta(hours=1))


@pytest.mark.parametrize(
    ("lines", "span"),
    [
        (["DTSTART:20261125T120000Z", "DURATION:PT45M"], timedelta(minutes=45)),
        (["DTSTART:20261125T120000Z", "DTEND:20261125T143000"], timedelta(minutes=90)),
        # Across a change of clocks an hour is gained or lost.
        (["DTSTART:20261025T013000", "DTEND:20261025T033000"], timedelta(hours=3)),
        (["DTSTART:20270328T013000", "DTEND:20270328T033000"], timedelta(hours=1)),
    ],
)
def test_the_length_is_the_time_that_passes(read: Read, lines: list[str], span: timedelta) -> None:
    (draft,) = read(calendar(event(*lines)), "p.ics")
    assert draft.duration == span


def test_the_id_stays_with_the_uid_when_the_title_changes(read: Read) -> None:
    titles = ("Old", "New")
    texts = [
        calendar(
            EVENT.replace("Le code", title),
            EVENT.replace("iscc@example.org", "9C1F_x@example.org").replace("Le code", title),
            EVENT.replace("UID:iscc@example.org", "X-WEBINAR-ID:mine").replace("Le code", title),
        )
        for title in titles
    ]
    found = [[draft.id for draft in read(text, "p.ics")] for text in texts]
    assert found[0] == found[1] == ["iscc", id_of_uid("9C1F_x@example.org"), "mine"]
    assert id_of_uid("9C1F_x@example.org") == "ics-e82739019b03"
    assert id_of_uid("feed@example.org") != "feed"


def test_without_uid_the_id_comes_from_the_title(read: Read) -> None:
    (draft,) = read(calendar(EVENT.replace("UID:iscc@example.org\n", "")), "p.ics")
    assert (draft.id, "id" in draft.given) == ("le-code-normalise", False)


def test_all_mistakes_are_told_at_once_each_with_its_line(refused: Refused) -> None:
    text = calendar(
        event("DTSTART;TZID=Nowhere/Else:20261125T130000", "RRULE:FREQ=WEEKLY", "STATUS:cancelled"),
        event("DTSTART:20261131T130000", "NONSENSE", "URL:mailto:a@example.org"),
        event("DTSTART:20261125T120000Z", "DURATION:soon", "DTSTART:20261126T120000Z", uid="b"),
        event("DTSTART:20261125T120000Z", "DTEND:20261125T110000Z", uid="c"),
        event("DTSTART;VALUE=DATE:20261125", uid="d"),
        "BEGIN:VEVENT\nUID:e\nEND:VEVENT\n",
    )
    assert refused(text, "p.ics") == [
        "line 5, DTSTART: found the zone 'Nowhere/Else', expected a zone name such as "
        "TZID=Europe/Zurich",
        "line 6, RRULE: found 'RRULE:FREQ=WEEKLY', expected webinars that happen once "
        "(write one VEVENT, with a UID, for each date)",
        "line 7, STATUS: found STATUS:CANCELLED, expected webinars that take place "
        "(leave it out here, and cancel it with: mailer webinar cancel ID)",
        "line 10, UID: found 'a' again, expected each id once (line 3 has it, too)",
        "line 12, DTSTART: found '20261131T130000', expected a date and a time such as "
        "20261125T130000",
        "line 13: found 'NONSENSE', expected a line such as SUMMARY:Title",
        "line 14, URL: found 'mailto:a@example.org', expected an address that begins with "
        "https:// or http://",
        "line 20, DTEND or DURATION: found 'soon', expected a duration such as PT1H",
        "line 21: found DTSTART again, expected DTSTART once in each VEVENT",
        "line 27, DTEND or DURATION: found timedelta -1 day, 23:00:00, expected a duration of "
        "more than nothing and at most 24h",
        "line 32, DTSTART: found 2026-11-25, expected a date and a time such as "
        "2026-11-25T13:00:00 (the series has no slot on that day)",
        "line 34, SUMMARY: found nothing, expected a title",
        "line 34, DTSTART: found nothing, expected a date and a time such as 2026-11-25T13:00:00",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "hello",
            "line 1: found 'hello', expected an iCalendar file, which begins with BEGIN:VCALENDAR",
        ),
        (
            "",
            "line 1: found nothing, expected an iCalendar file, which begins with BEGIN:VCALENDAR",
        ),
        (calendar(), "file: found no webinar, expected at least one VEVENT"),
        (
            calendar(EVENT).replace("END:VCALENDAR\r\n", ""),
            "line 1: found BEGIN:VCALENDAR without its end, expected its END before the file ends",
        ),
        (
            calendar("METHOD:CANCEL\n", EVENT),
            "line 2: found METHOD:CANCEL, expected webinars that take place "
            "(leave it out here, and cancel it with: mailer webinar cancel ID)",
        ),
    ],
)
def test_a_file_that_is_no_calendar_is_told_why(refused: Refused, text: str, told: str) -> None:
    assert refused(text, "p.ics") == [told]


def test_a_letter_folded_in_its_middle_is_whole_again(read: Read, refused: Refused) -> None:
    folded = calendar(EVENT).encode().replace(b"\r\n \xc3\xa9", b"\xc3\r\n \xa9")
    assert b"\xc3\r\n \xa9" in folded
    assert read(folded, "p.ics") == read(calendar(EVENT), "p.ics")
    broken = folded.replace(b" \xa9", b" ")
    assert refused(broken, "p.ics") == [
        "line 2, SUMMARY: found nothing, expected a title",
        "line 6: found the byte 0xC3, expected text in UTF-8 "
        "(save it again as UTF-8; Excel calls it CSV UTF-8)",
    ]
