"""Lists of people: what is read, how mistakes are told, and that long lists need little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.errors import Fault, PeopleError
from mailer.files.people_csv import MOST_FAULTS, People, PersonRow, read_people, stream_people
from mailer.message.address import Address
from tests.examples import examples


def address(mailbox: str) -> Address:
    return Address(key=mailbox.casefold(), mailbox=mailbox)


def read(text: str | bytes) -> People:
    return read_people(text if isinstance(text, bytes) else text.encode(), name="people.csv")


def refused(text: str | bytes) -> list[str]:
    with pytest.raises(PeopleError) as caught:
        read(text)
    return [str(fault) for fault in caught.value.faults]


def test_columns_in_any_order_and_empty_cells() -> None:
    text = (
        "\ufeffTimezone;name;ADDRESS;language\r\n"
        'Africa/Nairobi;"Ada ""the"" Countess";Ada@EXAMPLE.org;pt-br\r\n'
        ";;bob@example.org;\r\n"
        "\r\n"
        ";;carol@example.org\r\n"
    )
    assert read(text) == People(
        rows=(
            PersonRow(
                address=address("Ada@example.org"),
                name='Ada "the" Countess',
                language="pt-BR",
                timezone="Africa/Nairobi",
                line=2,
            ),
            PersonRow(address=address("bob@example.org"), line=3),
            PersonRow(address=address("carol@example.org"), line=5),
        )
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_addresses_alone_need_no_header(end: str) -> None:
    assert [
        (row.address.mailbox, row.line) for row in read(f"a@example.org{end}b@example.org").rows
    ] == [
        ("a@example.org", 1),
        ("b@example.org", 2),
    ]


def test_an_address_that_comes_again_is_merged_with_a_note() -> None:
    text = "address,name,language\nA@example.org,,fr\nb@example.org,,\na@EXAMPLE.org,Ada,es\n"
    text += "a@example.org,Augusta,\n"
    assert read(text) == People(
        rows=(
            PersonRow(address=address("A@example.org"), name="Ada", language="fr", line=2),
            PersonRow(address=address("b@example.org"), line=3),
        ),
        notes=(
            "line 4: same address as line 2, merged",
            "line 5: same address as line 2, merged",
        ),
    )


def test_each_bad_row_is_told_with_its_line_and_nobody_is_taken() -> None:
    text = (
        "address,name,language,timezone\n"
        "good@example.org,,,\n"
        'nobody,"two\nlines",,\n'
        'a@example.org,"two\nlines",,\n'
        "b@example.org,,french,\n"
        "c@example.org,,,Europe/Zürich\n"
        "d@example.org,,,,\n"
        'e@example.org,"x"y,,\n'
    )
    assert refused(text) == [
        "line 3, address: found 'nobody', expected a mail address such as name@example.org",
        "line 5, name: found 'two\\nlines', expected one line without control characters",
        "line 7, language: found 'french', expected a language tag such as en, fr or zh-Hans",
        "line 8, timezone: found 'Europe/Zürich', expected a zone name such as Europe/Zurich "
        "(did you mean Europe/Zurich?)",
        "line 9: found 5 cells, expected 4, as in the header row",
        "line 10: found ',' expected after '\"', expected CSV "
        '(a quote opens and closes a cell; inside it is written twice, "")',
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ["file: found no address, expected an address in each row"]),
        (b"address,name\n", ["file: found no address, expected an address in each row"]),
        (
            b"email,nam\n",
            [
                "line 1, column 1: found 'email', expected one of address, name, language, "
                "timezone (did you mean address?)",
                "line 1, column 2: found 'nam', expected one of address, name, language, timezone "
                "(did you mean name?)",
                "line 1: found no column address, expected one of that name",
            ],
        ),
        (
            b"a@example.org,Ada\n",
            [
                "line 1: found an address in the first row, expected a header row: "
                "address,name,language,timezone (the header may be left out only if each row is "
                "an address and nothing else)"
            ],
        ),
        (
            "address,name\na@example.org,Zoë\n".encode("latin-1"),
            [
                "line 2: found the byte 0xEB, expected text in UTF-8 "
                "(save it again as UTF-8; Excel calls it CSV UTF-8)"
            ],
        ),
        (
            "address\na@example.org\n".encode("utf-16"),
            [
                "line 1: found UTF-16, expected text in UTF-8 "
                "(save it again as UTF-8; Excel calls it CSV UTF-8)"
            ],
        ),
    ],
)
def test_a_file_that_is_no_list_is_told_why(content: bytes, told: list[str]) -> None:
    assert refused(content) == told


def test_beyond_a_thousand_faults_the_rest_is_counted() -> None:
    faults = refused("address\n" + "x\n" * (MOST_FAULTS + 7))
    assert len(faults) == MOST_FAULTS + 1
    assert faults[-1] == "file: found 7 more such rows, expected none"


def test_a_stream_gives_faults_in_their_place() -> None:
    found = list(stream_people([b"address\n", b"a@example.org\n", b"x\n", b"b@example.org\n"]))
    assert [each.where if isinstance(each, Fault) else each.line for each in found] == [
        2,
        "line 3, address",
        4,
    ]


@pytest.mark.slow
def test_a_long_list_needs_no_more_memory_than_a_short_one() -> None:
    def lines(count: int) -> Iterator[bytes]:
        yield b"address,name\n"
        for number in range(count):
            yield b"person%d@example.org,Person\n" % number

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            assert sum(1 for _ in stream_people(lines(count))) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is loaded once
    assert peak(2_000) < 2 * peak(200) + 20_000


@given(
    st.one_of(st.binary(max_size=80), st.text("ad,;'\"\n\r@.=\x00é", max_size=60).map(str.encode))
)
@settings(max_examples=examples(200), deadline=None)
def test_no_bytes_raise_anything_but_people_error(content: bytes) -> None:
    for start in (b"", b"address,name\n", b"a@example.org\n"):
        try:
            told = [row.address.key for row in read(start + content).rows]
        except PeopleError as error:
            told = str(error).split("\n")
        assert told
        assert all(line and line.isprintable() for line in told)
