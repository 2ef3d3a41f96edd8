"""What organisers see at once of a mail that is passed on to them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.excerpt import CHARACTERS, CUT, LINES, excerpt
from tests.examples import examples

HEAD = b"From: ana@example.net\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"


def lines(body: str) -> list[str]:
    return [one.text for one in excerpt(HEAD + body.replace("\n", "\r\n").encode())]


def test_the_text_is_shown_without_quotes_and_signature() -> None:
    body = "Hello,\n\n\n\nwhere are the slides?  \n\n> an old mail\n-- \nAna"
    assert lines(body) == ["Hello,", "", "where are the slides?"]


def test_what_is_long_is_cut_and_says_so() -> None:
    many = lines("\n".join(f"line {number}" for number in range(LINES + 1)))
    assert (len(many), many[-2:]) == (LINES + 1, [f"line {LINES - 1}", CUT])
    assert lines("x" * (CHARACTERS + 1)) == ["x" * CHARACTERS, CUT]


def test_a_mail_without_text_has_none() -> None:
    assert excerpt(b"From: ana@example.net\r\n\r\n\r\n") == ()


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise(content: bytes) -> None:
    assert len(excerpt(content)) <= LINES + 1
