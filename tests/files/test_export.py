"""CSV for spreadsheets: no cell runs, and what is written reads back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.files.export import csv_lines, guarded, people_to_csv, unguarded
from mailer.files.people_csv import PersonRow, read_people
from mailer.message.address import parse_address
from tests.examples import examples

FORMULA = '=HYPERLINK("https://example.org";"x")'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_cell_that_could_run_gets_a_quote_in_front(start: str) -> None:
    assert guarded(f"{start}1") == f"'{start}1"
    assert guarded(f"1{start}") == f"1{start}"
    assert unguarded(f"{start}1") == f"{start}1"


def test_every_cell_is_quoted() -> None:
    assert list(csv_lines(["a", "b"], [[FORMULA, "x,y"], ["", "'s Gravenhage"]])) == [
        '"a","b"\r\n',
        '"\'=HYPERLINK(""https://example.org"";""x"")","x,y"\r\n',
        '"","\'s Gravenhage"\r\n',
    ]


def row(mailbox: str, **fields: str | None) -> PersonRow:
    address = parse_address(mailbox)
    assert address is not None
    return PersonRow(address=address, **fields)  # type: ignore[arg-type]


def test_people_are_written_as_they_are_read() -> None:
    text = people_to_csv([row("+a@example.org", name=FORMULA, timezone="Asia/Tokyo")])
    assert text == (
        '"address","name","language","timezone"\r\n'
        '"\'+a@example.org","\'=HYPERLINK(""https://example.org"";""x"")","","Asia/Tokyo"\r\n'
    )


names = st.text("=+-@' \"aé,;", max_size=8).map(str.strip)
people = st.lists(
    st.builds(
        lambda local, name, language, zone: row(
            f"{local}@example.org", name=name or None, language=language, timezone=zone
        ),
        st.text("+-='ab", min_size=1, max_size=6),
        names,
        st.sampled_from([None, "en", "zh-Hans"]),
        st.sampled_from([None, "Europe/Zurich"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda person: person.address.key,
)


@given(people)
@settings(max_examples=examples(100), deadline=None)
def test_an_export_reads_back_as_it_was(rows: list[PersonRow]) -> None:
    found = read_people(people_to_csv(rows).encode(), name="people.csv").rows
    assert [(r.address, r.name, r.language, r.timezone) for r in found] == [
        (r.address, r.name, r.language, r.timezone) for r in rows
    ]


@given(st.text("'=+-@\t\r\na ", max_size=8))
@settings(max_examples=examples(200), deadline=None)
def test_guarding_is_safe_and_can_be_undone(text: str) -> None:
    safe = guarded(text)
    assert safe[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
    assert unguarded(safe) == text
    (line,) = csv.reader(io.StringIO("".join(csv_lines([text], [])), newline=""), strict=True)
    assert line == [safe]
