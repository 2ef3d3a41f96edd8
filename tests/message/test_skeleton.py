"""Filling: every value is written for its place, and one that could leave it is refused."""

from __future__ import annotations

import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.mark import Personal
from mailer.message.skeleton import Place, Skeleton, Where
from tests.examples import examples

ODD = 'o\'b&c%="é"@example.org'.replace('"', "")


def one_place(where: Where, personal: Personal = Personal.ADDRESS) -> Skeleton:
    return Skeleton(pieces=(b"<", b">"), places=(Place(personal=personal, where=where),))


def test_values_stand_between_the_pieces() -> None:
    skeleton = Skeleton(
        pieces=(b"a", b"b", b"", b"c"),
        places=(
            Place(personal=Personal.ADDRESS, where=Where.HEADER),
            Place(personal=Personal.CONFIRM, where=Where.TEXT),
            Place(personal=Personal.ADDRESS, where=Where.HTML),
        ),
    )
    values = {Personal.ADDRESS: "x@example.org", Personal.CONFIRM: "token"}
    assert skeleton.fill(values) == b"ax@example.orgbtokenx@example.orgc"
    assert skeleton.names == {Personal.ADDRESS, Personal.CONFIRM}


@pytest.mark.parametrize(
    ("where", "written"),
    [
        (Where.HEADER, "<o'b&c%=é@example.org>".encode()),
        (Where.TEXT, b"<o'b&c%=3D=C3=A9@example.org>"),
        (Where.HTML, b"<o&#x27;b&amp;c%=3D=C3=A9@example.org>"),
        (Where.CALENDAR, b"<o'b%26c%25%3D%C3%A9@example.org>"),
    ],
)
def test_an_odd_address_is_written_for_its_place(where: Where, written: bytes) -> None:
    assert one_place(where).fill({Personal.ADDRESS: ODD}) == written


def test_a_long_value_is_wrapped_on_its_own() -> None:
    value = "é" * 60
    filled = one_place(Where.TEXT, Personal.JOIN).fill({Personal.JOIN: value})
    assert max(map(len, filled.split(b"\r\n"))) <= 76
    assert quopri.decodestring(filled).decode() == f"<{value}>"


@pytest.mark.parametrize("where", list(Where))
@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "\0", "a\0@example.org", "a@example.org\r\nBcc: b@example.org"),
        *("a@example.org\n", "a@example.org\r", "a\x85@example.org", "a\u2028@example.org"),
        *(
            "a@example.org,b@example.org",
            "A <a@example.org>",
            "a@example.org (b)",
            "a",
            "ab",
            "@b",
            "a@",
        ),
        *("a b@example.org", "a@b@c", " a@example.org", "a@example.org;", "\ud800@example.org"),
        *("a@" + "x" * 400, "é" * 160 + "@example.org", "\x1b[31m@example.org"),
    ],
)
def test_an_address_that_is_more_than_one_mailbox_is_refused(where: Where, value: str) -> None:
    with pytest.raises(ValueError, match="value of address") as refused:
        one_place(where).fill({Personal.ADDRESS: value})
    assert not value.strip() or len(value) < 3 or value not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    ['"a b"@example.org', '"a\\"<,"@example.org', "a@[192.0.2.1]", "δοκιμή@παράδειγμα.test"],
)
def test_unusual_but_real_addresses_are_taken(value: str) -> None:
    filled = one_place(Where.HEADER).fill({Personal.ADDRESS: value})
    assert filled == f"<{value}>".encode()


@pytest.mark.parametrize("value", ["a>", "a,b", "a b", "a\r\nb", "é", "=?utf-8?Q?x?=", "a:b"])
def test_a_token_that_could_end_its_uri_is_refused_in_a_header(value: str) -> None:
    with pytest.raises(ValueError, match="value of unsubscribe"):
        one_place(Where.HEADER, Personal.UNSUBSCRIBE).fill({Personal.UNSUBSCRIBE: value})


@pytest.mark.parametrize("value", [" a", "a ", "a\u00a0", "a\nb", "a\tb", "a\u202eb"])
def test_a_token_that_is_not_one_printable_line_is_refused_in_a_body(value: str) -> None:
    with pytest.raises(ValueError, match="value of join is not one printable line"):
        one_place(Where.TEXT, Personal.JOIN).fill({Personal.JOIN: value})


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(ValueError, match="value of confirm is missing"):
        one_place(Where.TEXT, Personal.CONFIRM).fill({Personal.ADDRESS: "a@example.org"})


PLACES = st.builds(Place, personal=st.sampled_from(Personal), where=st.sampled_from(Where))


@given(st.lists(PLACES, max_size=5), st.data())
@settings(max_examples=examples(100), deadline=None)
def test_a_stored_skeleton_is_the_same_again(places: list[Place], data: st.DataObject) -> None:
    piece = st.text(st.characters(max_codepoint=127), max_size=9).map(str.encode)
    pieces = data.draw(st.lists(piece, min_size=len(places) + 1, max_size=len(places) + 1))
    skeleton = Skeleton(pieces=tuple(pieces), places=tuple(places))
    assert Skeleton.from_json(skeleton.to_json()) == skeleton
    assert Skeleton.from_json(skeleton.to_json()).digest == skeleton.digest


def test_the_digest_tells_skeletons_apart() -> None:
    digests = {one_place(where).digest for where in Where}
    assert (len(digests), {len(digest) for digest in digests}) == (4, {64})


@pytest.mark.parametrize(
    "stored",
    ["", "{}", "[]", "null", "1", '{"pieces":[],"places":[]}', '{"pieces":[1],"places":[]}',
     '{"pieces":["a","b"],"places":[["address","nowhere"]]}',
     '{"pieces":["a","b"],"places":["x"]}', '{"pieces":"ab","places":[["address"]]}'],
)  # fmt: skip
def test_what_is_no_stored_skeleton_is_refused(stored: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several causes
        Skeleton.from_json(stored)
