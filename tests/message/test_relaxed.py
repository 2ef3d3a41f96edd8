"""Relaxed forms, and gaps in them that what is put in does not change."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.relaxed import (
    Gapped,
    gap,
    relaxed_body,
    relaxed_fields,
    single_spaced,
    with_gaps,
)
from tests.examples import examples


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \t\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
        (b"a", b"a\r\n"),
        (b"a \t", b"a\r\n"),
        (b"a\tb", b"a b\r\n"),
        (b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
        (b"a\r\n \r\n\t\r\n", b"a\r\n"),
    ],
)
def test_body_in_relaxed_form(body: bytes, canonical: bytes) -> None:
    assert relaxed_body(body) == canonical


@pytest.mark.parametrize(
    ("head", "canonical"),
    [
        (b"", []),
        (b"A: X", [b"a:X"]),
        (b"A: X\r\nB : Y\t\r\n\tZ  ", [b"a:X", b"b:Y Z"]),
        (b"C:", [b"c:"]),
        (b"SUBject: AbC:d\r\n", [b"subject:AbC:d"]),
        (b"A:\r\n \r\n\t x\r\nB: y", [b"a:x", b"b:y"]),
    ],
)
def test_fields_in_relaxed_form(head: bytes, canonical: list[bytes]) -> None:
    assert relaxed_fields(head) == canonical


PIECE = st.text(st.sampled_from("ab \t:\r\n"), max_size=8).map(
    lambda text: text.replace("\r", "").replace("\n", "\r\n").encode()
)
EDGE = st.sampled_from([b"x", b"=", b"y"])
VALUE = st.builds(
    lambda first, inner, last: first + inner + last,
    EDGE,
    st.text(st.sampled_from("ab  "), max_size=6).map(str.encode),
    EDGE,
)


@given(st.lists(PIECE, min_size=1, max_size=5), st.data())
@settings(deadline=None, max_examples=examples(300))
def test_a_body_relaxed_around_its_gaps_is_the_whole_relaxed(
    pieces: list[bytes], data: st.DataObject
) -> None:
    values = [data.draw(VALUE) for _ in pieces[1:]]
    whole = Gapped.cut(with_gaps(pieces)).filled(values)
    around = Gapped.cut(relaxed_body(with_gaps(pieces)))
    assert around.filled([single_spaced(value) for value in values]) == relaxed_body(whole)


IN_HEAD = st.text(st.sampled_from("ab \t:|/"), max_size=8).map(
    lambda text: text.replace("|", "\r\n ").replace("/", "\r\nB:").encode()
)


@given(st.lists(IN_HEAD, min_size=1, max_size=5), st.data())
@settings(deadline=None, max_examples=examples(300))
def test_fields_relaxed_around_their_gaps_are_the_whole_relaxed(
    pieces: list[bytes], data: st.DataObject
) -> None:
    values = [data.draw(VALUE) for _ in pieces[1:]]
    head = b"A:" + with_gaps(pieces)
    around = Gapped.cut(b"\r\n".join(relaxed_fields(head)))
    found = around.filled([single_spaced(value) for value in values])
    assert found.split(b"\r\n") == relaxed_fields(Gapped.cut(head).filled(values))


def test_values_go_into_the_gaps_by_their_numbers() -> None:
    cut = Gapped.cut(b"a" + gap(1) + b"b" + gap(0) + gap(1))
    assert cut == Gapped(parts=(b"a", b"", b"b", b"", b"", b"", b""), numbers=(1, 0, 1))
    assert cut.filled([b"X", b"Y"]) == b"aYbXY"
    assert with_gaps([b"a", b"b", b""]) == b"a" + gap(0) + b"b" + gap(1)
