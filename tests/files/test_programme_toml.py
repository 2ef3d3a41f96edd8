"""Programmes as TOML: what is read, and how each mistake is told."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mailer.config.model import Series
from mailer.errors import ProgrammeError
from mailer.files.programme import WebinarDraft, read_programme
from mailer.message.facts import Link, Speaker
from tests.files.conftest import Read, Refused

FULL = """
[[webinar]]
id = "iscc"
title = "The International Standard Content Code (ISCC)"
starts = 2026-11-25T13:00:00
duration = "90m"
language = "FR-ch"
abstract = \"\"\"
Two
lines
\"\"\"
speakers = [
  { name = "Ada", affiliation = "Eng", url = "https://example.org/a", address = "Ada@EXAMPLE.org" }
]
hosts = [{ name = "Bo", address = "bo@example.org" }]
links = [{ title = "Paper", url = "https://example.org/p" }]
registration_url = "https://example.org/r"
join_url = "https://example.org/j"
capacity = 40
draft = true
"""


def test_every_key_is_read(read: Read) -> None:
    assert read(FULL) == (
        WebinarDraft(
            id="iscc",
            title="The International Standard Content Code (ISCC)",
            wall_start=datetime(2026, 11, 25, 13),
            duration=timedelta(minutes=90),
            language="fr-CH",
            abstract="Two\nlines",
            speakers=(
                Speaker(
                    name="Ada",
                    affiliation="Eng",
                    url="https://example.org/a",
                    address="Ada@example.org",
                ),
            ),
            hosts=(Speaker(name="Bo", address="bo@example.org"),),
            links=(Link(title="Paper", url="https://example.org/p"),),
            registration_url="https://example.org/r",
            join_url="https://example.org/j",
            capacity=40,
            draft=True,
            line=2,
            given=frozenset(
                {"id", "duration", "language", "abstract", "speakers", "links", "capacity"}
                | {"hosts", "registration_url", "join_url", "draft"}
            ),
        ),
    )


def test_what_is_left_out_comes_from_the_series_and_is_not_given(read: Read) -> None:
    assert read('[[webinar]]\ntitle = "Rights & Data"\nstarts = 2026-11-25T13:00:00\n') == (
        WebinarDraft(
            id="rights-data",
            title="Rights & Data",
            wall_start=datetime(2026, 11, 25, 13),
            duration=timedelta(hours=1),
            language="en",
            line=1,
        ),
    )


def test_a_byte_order_mark_and_crlf_change_nothing(read: Read) -> None:
    assert read(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()) == read(FULL)


def test_subtables_and_inline_arrays_are_the_same_webinar(read: Read) -> None:
    long = """[[webinar]]
title = "T"
starts = 2026-11-25T13:00:00
[[webinar.speakers]]
name = "Ada"
"""
    short = 'webinar = [{title = "T", starts = 2026-11-25T13:00:00, speakers = [{name = "Ada"}]}]'
    assert read(long) == read(short)


MISTAKES = """season = 1
[[webinar]]
titel = "A"
starts = "2026-11-25T13:00:00"
speakers = [
  { name = "Ada", adress = "x" },
  # a comment ]
  { name = "", url = "ftp://x", address = "nobody" },
  "Bob",
]
[[webinar.links]]
title = "x"
[[webinar]]
id = "calendar"
title = \"\"\"two
lines\"\"\"
starts = 2026-11-25
capacity = "1"
draft = 1
duration = "25h"
language = "french"
abstract = 7
links = "https://example.org"
[[webinar]]
id = "Ä"
title = "ok"
starts = 13:00:00
join_url = "javascript:x"
duration = "soon"
capacity = -1
"""

KEYS = (
    "id, title, starts, duration, language, abstract, speakers, hosts, links, "
    "registration_url, join_url, capacity, draft"
)
MOMENT = "a date and a time such as 2026-11-25T13:00:00"
URL = "an address that begins with https:// or http://"


def test_all_mistakes_are_told_at_once_each_with_its_line(refused: Refused) -> None:
    assert refused(MISTAKES) == [
        "line 1: found the key 'season', expected only [[webinar]] tables",
        "line 2, title: found nothing, expected a title",
        f"line 3: found the key 'titel', expected one of {KEYS} (did you mean title?)",
        f"line 4, starts: found '2026-11-25T13:00:00', expected {MOMENT} (without quotes)",
        "line 6, speakers[1]: found the key 'adress', expected one of name, affiliation, url, "
        "address (did you mean address?)",
        "line 8, speakers[2].name: found nothing, expected one line of text that is not empty",
        f"line 8, speakers[2].url: found 'ftp://x', expected {URL}",
        "line 8, speakers[2].address: found 'nobody', expected a mail address such as "
        "name@example.org",
        "line 9, speakers[3]: found 'Bob', expected a table such as "
        '{ name = "…", affiliation = "…" }',
        f"line 11, links[1].url: found nothing, expected {URL}",
        "line 14, id: found 'calendar', expected an id that is not the name of a page "
        "(pages are calendar, feed, subscribe, w)",
        "line 15, title: found 'two\\nlines', expected one line without control characters",
        f"line 17, starts: found 2026-11-25, expected {MOMENT} "
        "(the series has no slot on that day)",
        "line 18, capacity: found '1', expected a whole number, 0 for no limit",
        "line 19, draft: found 1, expected true or false",
        "line 20, duration: found '25h', expected a duration of more than nothing and at most 24h",
        "line 21, language: found 'french', expected a language tag such as en, fr or zh-Hans",
        "line 22, abstract: found 7, expected text (Markdown)",
        "line 23, links: found 'https://example.org', expected a list such as "
        '[{ title = "…", url = "https://…" }]',
        "line 25, id: found 'Ä', expected an id of 1 to 64 lower-case letters a-z, digits and "
        "hyphens",
        f"line 27, starts: found time 13:00:00, expected {MOMENT}",
        f"line 28, join_url: found 'javascript:x', expected {URL}",
        "line 29, duration: found 'soon', expected a duration such as 45m, 1h or 90m",
        "line 30, capacity: found -1, expected a number from 0 (no limit) to 1000000",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = ", "line 2: found invalid value, expected TOML (at the file's end)"),
        (
            "a = 1\nb = x\n",
            "line 2, column 5: found invalid value, expected TOML (the line is 'b = x')",
        ),
        ("", "file: found no webinar, expected at least one [[webinar]] table"),
        (
            "[webinar]\n",
            "line 1, webinar: found a table, expected tables that begin with [[webinar]] "
            "(two brackets on each side)",
        ),
        ("a = " + "[" * 5000, "file: found very deep nesting, expected TOML"),
    ],
)
def test_a_file_that_is_no_programme_is_told_why(refused: Refused, text: str, line: str) -> None:
    assert refused(text) == [line]


def test_a_number_too_long_to_print_is_refused_in_words(refused: Refused) -> None:
    text = '[[webinar]]\ntitle = "T"\nstarts = 2026-11-25T13:00:00\ncapacity = 0x' + "f" * 9000
    assert refused(text) == [
        "line 4, capacity: found a very large number, expected a number from 0 (no limit) to "
        "1000000"
    ]


def test_without_slots_a_duration_is_needed(bare_series: Series) -> None:
    text = b'[[webinar]]\ntitle = "T"\nstarts = 2026-11-25T13:00:00\n'
    with pytest.raises(ProgrammeError) as caught:
        read_programme(text, name="p.toml", series=bare_series)
    assert [str(fault) for fault in caught.value.faults] == [
        "line 1, duration: found nothing, expected a duration such as 1h, as the series has no "
        "slots"
    ]
