"""Programme files as a whole: by suffix, all or nothing, and no bytes that break the reader."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.config.model import Series
from mailer.errors import ProgrammeError
from mailer.files.programme import read_programme
from mailer.files.text import LONGEST_FILE
from scheduler.recurrence import to_utc
from tests.examples import examples
from tests.files.conftest import Read, Refused

MANY = settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_another_suffix_is_refused(refused: Refused) -> None:
    assert refused("", "p.xlsx") == [
        "file name: found 'p.xlsx', expected a name that ends with .toml, .csv or .ics"
    ]


def test_a_file_beyond_reason_is_refused(refused: Refused) -> None:
    assert refused(b" " * (LONGEST_FILE + 1)) == [
        "file: found 5,000,001 bytes, expected at most 5,000,000 bytes"
    ]


def test_one_bad_row_among_good_ones_and_nothing_is_taken(read: Read) -> None:
    good = "title,starts\nA,2026-11-25T13:00\n"
    assert len(read(good, "p.csv")) == 1
    with pytest.raises(ProgrammeError):
        read(good + "B,soon\n", "p.csv")


def test_more_webinars_than_any_season_has_are_refused(refused: Refused) -> None:
    assert refused("[[webinar]]\n" * 2_001) == [
        "file: found 2001 webinars, expected at most 2000 in a file"
    ]


def test_titles_that_repeat_get_ids_of_their_own(read: Read) -> None:
    text = (
        "id,title,starts\n"
        ",Questions,2026-11-25T13:00\n"
        "questions-2,Other,2026-11-25T13:00\n"
        ",Questions,2026-12-02T13:00\n"
        ",版权,2026-12-09T13:00\n"
    )
    assert [draft.id for draft in read(text, "p.csv")] == [
        "questions",
        "questions-2",
        "questions-3",
        "webinar-2026-12-09",
    ]


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [("2026-10-24", 11), ("2026-10-25", 12), ("2027-03-27", 12), ("2027-03-28", 11)],
)
def test_one_o_clock_stays_one_o_clock_in_every_format(read: Read, day: str, utc_hour: int) -> None:
    wall = datetime.fromisoformat(f"{day}T13:00:00")
    instant = datetime.fromisoformat(f"{day}T{utc_hour}:00:00").replace(tzinfo=UTC)
    assert to_utc(wall, "Europe/Zurich") == instant
    stamp = f"{instant:%Y%m%dT%H%M%SZ}"
    texts = {
        "a.toml": f'[[webinar]]\ntitle = "T"\nstarts = {wall.isoformat()}\n',
        "b.toml": f'[[webinar]]\ntitle = "T"\nstarts = {instant.isoformat()}\n',
        "a.csv": f"title,starts\nT,{wall.isoformat()}\n",
        "b.csv": f"title,starts\nT,{instant.isoformat()}\n",
        "a.ics": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:T\n"
        f"DTSTART;TZID=Europe/Zurich:{wall:%Y%m%dT%H%M%S}\nEND:VEVENT\nEND:VCALENDAR\n",
        "b.ics": f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:T\nDTSTART:{stamp}\nEND:VEVENT\n"
        "END:VCALENDAR\n",
    }
    assert {name: read(text, name)[0].wall_start for name, text in texts.items()} == dict.fromkeys(
        texts, wall
    )


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs"]),
    min_size=1,
    max_size=20,
)
webinars = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.from_regex(r"\A[a-z][a-z0-9]{1,8}-x\Z"),
            "title": words,
            "starts": st.datetimes(datetime(2022, 1, 1), datetime(2035, 1, 1)).map(
                lambda moment: moment.replace(microsecond=0)
            ),
            "minutes": st.integers(1, 1440),
            "abstract": st.lists(words, min_size=1, max_size=3).map("\n\n".join),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda webinar: webinar["id"],
)


def as_toml(listed: list[dict]) -> str:
    return "".join(
        f"[[webinar]]\nid = {json.dumps(w['id'])}\ntitle = {toml_text(w['title'])}\n"
        f"starts = {w['starts'].isoformat()}\nduration = '{w['minutes']}m'\n"
        f"abstract = {toml_text(w['abstract'])}\n"
        for w in listed
    )


def toml_text(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08X}" for c in text) + '"'


def as_csv(listed: list[dict]) -> str:
    header = ["abstract", "id", "title", "starts", "duration"]
    rows = (
        [w["abstract"], w["id"], w["title"], w["starts"].isoformat(" "), f"{w['minutes']}m"]
        for w in listed
    )
    return "".join(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n"
        for row in [header, *rows]
    )


def as_ics(listed: list[dict]) -> str:
    def text(value: str) -> str:
        for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
            value = value.replace(plain, escaped)
        return value

    events = (
        f"BEGIN:VEVENT\nUID:{w['id']}@example.org\nSUMMARY:{text(w['title'])}\n"
        f"DTSTART:{w['starts']:%Y%m%dT%H%M%S}\nDURATION:PT{w['minutes']}M\n"
        f"DESCRIPTION:{text(w['abstract'])}\nEND:VEVENT\n"
        for w in listed
    )
    return "BEGIN:VCALENDAR\n" + "".join(events) + "END:VCALENDAR\n"


@given(listed=webinars)
@MANY
def test_what_is_written_in_any_format_is_read(read: Read, listed: list[dict]) -> None:
    expected = [
        (w["id"], w["title"], w["starts"], timedelta(minutes=w["minutes"]), w["abstract"])
        for w in listed
    ]
    for name, text in [
        ("p.toml", as_toml(listed)),
        ("p.csv", as_csv(listed)),
        ("p.ics", as_ics(listed)),
    ]:
        drafts = read(text, name)
        assert [
            (d.id, d.title, d.wall_start, d.duration, d.abstract) for d in drafts
        ] == expected, name
        assert read(text, name) == drafts


PIECES = [
    *("[[webinar]]", "[webinar]", "title", "starts", "speakers", "links", "id", "capacity", "="),
    *('"', "'''", '"""', "[", "]", "{", "}", ",", ";", ":", "#", "\\", "(a)", "<https://x>"),
    *("2026-11-25T13:00:00", "2026-11-25", "0xffffffffffffffffffffffff", "true", "é"),
    *("BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR", "UID", "SUMMARY"),
    *("DTSTART", "DTEND", "20261125T130000Z", ";TZID=", "Europe/Zurich", "RRULE:FREQ=DAILY"),
    *("DURATION:P", "99999999999W", "T"),
]
BREAKS = ["\n", "\r\n", "\n ", " ", "\0", "\u2028", "\ufeff"]
texts = st.lists(
    st.one_of(st.sampled_from([*PIECES, *BREAKS]), st.text(max_size=4)), max_size=30
).map("".join)
STARTS = ("", "[[webinar]]\ntitle='a'\n", "title,starts,speakers\n")
STARTS += ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261125T130000Z\n",)


@given(
    content=st.one_of(
        texts.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=60)
    ),
    start=st.sampled_from(STARTS),
    suffix=st.sampled_from(["toml", "csv", "ics"]),
)
@settings(
    max_examples=examples(200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_bytes_raise_anything_but_programme_error(
    series: Series, content: bytes, start: str, suffix: str
) -> None:
    try:
        drafts = read_programme(start.encode() + content, name=f"p.{suffix}", series=series)
    except ProgrammeError as error:
        told = str(error).split("\n")
    else:
        told = [draft.id for draft in drafts]
        assert len(set(told)) == len(told)
    assert told
    assert all(line and line.isprintable() for line in told)
