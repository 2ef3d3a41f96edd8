"""Rows of CSV and the lines they begin on."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.errors import Fault
from mailer.files.table import Row, rows
from tests.examples import examples

TEXT = '\n\na;b\r\n"1\n\n";"2 ""quoted"""\r\n;\r\n\r\n3;4\r5;6'


def lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def test_each_row_has_the_line_it_begins_on() -> None:
    assert list(rows(lines(TEXT))) == [
        Row(line=3, cells=("a", "b")),
        Row(line=4, cells=("1\n\n", '2 "quoted"')),
        Row(line=9, cells=("3", "4")),
        Row(line=10, cells=("5", "6")),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_header_says_the_separator(separator: str) -> None:
    text = f"a{separator}b\n1,2;3\t4{separator}x\n"
    assert next(iter(rows(lines(text)))) == Row(line=1, cells=("a", "b"))


def test_a_broken_quote_is_a_fault_on_its_line_and_reading_goes_on() -> None:
    found = list(rows(lines('a,b\n"x"y,1\n2,3\n"open,\n4')))
    assert [each.where if isinstance(each, Fault) else each.line for each in found] == [
        1,
        "line 2",
        3,
        "line 4",
    ]


@given(
    st.lists(
        st.lists(st.text("ab ,;'\"\n\r", max_size=6), min_size=2, max_size=4),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=examples(150), deadline=None)
def test_rows_are_those_that_were_written(table: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    begins = []
    for cells in [["a", "b"], *table]:
        written = out.getvalue().replace("\r\n", "\n").replace("\r", "\n")
        begins.append(written.count("\n") + 1)
        csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cells)
    expected = [
        Row(line=line, cells=tuple(cells))
        for line, cells in zip(begins, [["a", "b"], *table], strict=True)
        if any(cell.strip() for cell in cells)
    ]
    assert list(rows(lines(out.getvalue()))) == expected


@given(st.text('ab,;"\n\r\0', max_size=40))
@settings(max_examples=examples(150), deadline=None)
def test_no_text_raises(text: str) -> None:
    assert all(isinstance(each, Row | Fault) for each in rows(lines(text)))
