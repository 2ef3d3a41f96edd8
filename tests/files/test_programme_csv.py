"""Programmes as CSV: what is read, and how each mistake is told."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mailer.config.model import Series
from mailer.errors import ProgrammeError
from mailer.files.draft import KEYS
from mailer.files.programme import WebinarDraft, read_webinar
from mailer.files.programme_csv import split_list
from mailer.message.facts import Link, Speaker
from tests.files.conftest import Read, Refused

HEADER = (
    "id,title,starts,duration,language,abstract,speakers,hosts,links,"
    "registration_url,join_url,capacity,draft\r\n"
)
FULL = (
    HEADER
    + 'iscc,"ISCC, explained",2026-11-25 13:00,90m,fr,"Two\n\nparagraphs",'
    + '"Ada (Engines (all; of them)) <ada@example.org> <https://example.org/a;b>; Bob",'
    + "Cy <cy@example.org>,"
    + '"Paper <https://example.org/p>\nSlides <https://example.org/s>",'
    + "https://example.org/r,https://example.org/j,40,yes\r\n"
    + ",Next,2026-12-02\r\n"
)


def test_every_column_is_read(read: Read) -> None:
    first, second = read(FULL, "p.csv")
    assert first == WebinarDraft(
        id="iscc",
        title="ISCC, explained",
        wall_start=datetime(2026, 11, 25, 13),
        duration=timedelta(minutes=90),
        language="fr",
        abstract="Two\n\nparagraphs",
        speakers=(
            Speaker(
                name="Ada",
                affiliation="Engines (all; of them)",
                url="https://example.org/a;b",
                address="ada@example.org",
            ),
            Speaker(name="Bob"),
        ),
        hosts=(Speaker(name="Cy", address="cy@example.org"),),
        links=(
            Link(title="Paper", url="https://example.org/p"),
            Link(title="Slides", url="https://example.org/s"),
        ),
        registration_url="https://example.org/r",
        join_url="https://example.org/j",
        capacity=40,
        draft=True,
        line=2,
        given=frozenset(HEADER.strip().split(",")) - {"title", "starts"},
    )
    assert second == WebinarDraft(
        id="next",
        title="Next",
        wall_start=datetime(2026, 12, 2, 13),
        duration=timedelta(hours=1),
        language="en",
        line=6,
    )


def test_semicolons_a_byte_order_mark_and_other_column_orders_are_fine(read: Read) -> None:
    text = "\ufeffStarts; TITLE\n2026-11-25T12:00Z;A\n2026-11-25T13:00:00+02:00;B\n"
    assert [(d.title, d.wall_start) for d in read(text, "P.CSV")] == [
        ("A", datetime(2026, 11, 25, 13)),
        ("B", datetime(2026, 11, 25, 12)),
    ]


def test_an_empty_cell_empties_and_a_missing_column_does_not(read: Read) -> None:
    text = "title,starts,abstract,duration,draft,capacity\nA,2026-11-25T13:00,,,,\n"
    (draft,) = read(text, "p.csv")
    assert draft.given == {"abstract", "capacity"}


def test_all_mistakes_are_told_at_once_each_with_its_line(refused: Refused) -> None:
    text = (
        "id;title;starts;duration;capacity;draft;links\n"
        'a;"two\n\nlines";2026-11-25 13:00;1h;;;\n'
        "a;;25.11.2026;soon;many;perhaps;Paper\n"
        "b;B;2026-02-30T13:00;1h;;;;;\n"
        'c;"C"x;2026-11-25 13:00;;;;\n'
    )
    moment = "a date and a time such as 2026-11-25T13:00:00"
    assert refused(text, "p.csv") == [
        "line 2, title: found 'two\\n\\nlines', expected one line without control characters",
        "line 5, title: found nothing, expected a title",
        f"line 5, starts: found '25.11.2026', expected {moment}",
        "line 5, duration: found 'soon', expected a duration such as 45m, 1h or 90m",
        "line 5, links[1].url: found nothing, expected an address that begins with https:// or "
        "http://",
        "line 5, capacity: found 'many', expected a whole number, 0 for no limit",
        "line 5, draft: found 'perhaps', expected true or false",
        "line 5, id: found 'a' again, expected each id once (line 2 has it, too)",
        "line 6: found 9 cells, expected 7, as in the header row "
        "(put quotes around a cell that has a separator in it)",
        "line 7: found ';' expected after '\"', expected CSV "
        '(a quote opens and closes a cell; inside it is written twice, "")',
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ["file: found no webinar, expected a header row, and a row for each webinar"]),
        (
            b"title,starts\n",
            ["file: found no webinar, expected a header row, and a row for each webinar"],
        ),
        (
            b"title,start,title\n",
            [
                f"line 1, column 2: found 'start', expected one of {', '.join(KEYS)} "
                "(did you mean starts?)",
                "line 1, column 3: found 'title' again, expected each column once",
                "line 1: found no column starts, expected a header row with at least title and "
                "starts",
            ],
        ),
        (
            "title,starts\nCafé,2026-11-25T13:00\n".encode("latin-1"),
            [
                "line 2: found the byte 0xE9, expected text in UTF-8 "
                "(save it again as UTF-8; Excel calls it CSV UTF-8)"
            ],
        ),
        (
            "title,starts\n".encode("utf-16"),
            [
                "line 1: found UTF-16, expected text in UTF-8 "
                "(save it again as UTF-8; Excel calls it CSV UTF-8)"
            ],
        ),
    ],
)
def test_a_file_that_is_no_programme_is_told_why(
    refused: Refused, content: bytes, told: list[str]
) -> None:
    assert refused(content, "p.csv") == told


def test_brackets_that_do_not_close_hide_nothing() -> None:
    assert split_list("A (x; B; C <d; E") == ["A (x", "B", "C <d", "E"]
    assert split_list(" ;; \n") == []
    assert split_list("(" * 50_000 + ";a") == ["(" * 50_000, "a"]


def test_texts_of_a_form_are_checked_alike(series: Series) -> None:
    texts = {"title": "A", "starts": "2026-11-25 13:00", "speakers": "Ada (Engines)"}
    draft = read_webinar(texts, source="form", series=series)
    assert (draft.id, draft.speakers, draft.line, draft.given) == (
        "a",
        (Speaker(name="Ada", affiliation="Engines"),),
        0,
        {"speakers"},
    )
    with pytest.raises(ProgrammeError) as caught:
        read_webinar({"title": "", "starts": "soon"}, source="form", series=series)
    assert str(caught.value).splitlines() == [
        "form: title: found nothing, expected a title",
        "form: starts: found 'soon', expected a date and a time such as 2026-11-25T13:00:00",
    ]
