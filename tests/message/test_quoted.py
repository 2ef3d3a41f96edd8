"""Quoted-printable and encoded words: what the standard library decodes is what went in."""

from __future__ import annotations

import quopri
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.quoted import (
    body_text,
    encoded_words,
    one_line,
    phrase,
    quoted_printable,
    unstructured,
)
from tests.examples import examples

TEXT = st.text(st.characters(codec="utf-8"), max_size=300)
HOSTILE = "a\r\nBcc: x\n\r\0b\u0085c\u2028d\u2029e\x1bf"


@given(TEXT)
@settings(max_examples=examples(100), deadline=None)
def test_quoted_printable_decodes_to_the_text(text: str) -> None:
    encoded = quoted_printable(text)
    assert quopri.decodestring(encoded) == text.replace("\n", "\r\n").encode()


@given(TEXT)
@settings(max_examples=examples(100), deadline=None)
def test_quoted_printable_lines_are_short_and_printable(text: str) -> None:
    for line in quoted_printable(text).split(b"\r\n"):
        assert re.fullmatch(rb"[\t -~]{0,76}", line)
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith((b".", b"From "))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", b""),
        ("plain", b"plain"),
        ("a=b", b"a=3Db"),
        ("end ", b"end=20"),
        ("end\t", b"end=09"),
        ("a b\n\nc", b"a b\r\n\r\nc"),
        (".", b"=2E"),
        ("From me", b"=46rom me"),
        ("Fromage", b"Fromage"),
        ("é", b"=C3=A9"),
        ("x" * 75, b"x" * 75),
        ("x" * 76, b"x" * 75 + b"=\r\nx"),
        ("x" * 74 + "é", b"x" * 74 + b"=\r\n=C3=A9"),
        ("x" * 75 + ".", b"x" * 75 + b"=\r\n=2E"),
    ],
)
def test_quoted_printable_of_known_text(text: str, encoded: bytes) -> None:
    assert quoted_printable(text) == encoded


def test_body_text_has_one_kind_of_line_end_and_no_controls() -> None:
    assert body_text(HOSTILE) == "a\nBcc: x\n\nb\nc\nd\ne" + "f\n"
    assert body_text("tab\there\ud800") == "tab\there\ufffd\n"


def test_one_line_is_one_line() -> None:
    assert one_line(HOSTILE) == "a Bcc: x b c d e f"
    assert one_line("  Où\u00a0?  ") == "Où\u00a0?"


@given(TEXT)
@settings(max_examples=examples(100), deadline=None)
def test_encoded_words_decode_to_the_text_and_are_short(text: str) -> None:
    words = encoded_words(text).split(" ")
    assert all(len(word) <= 64 for word in words)
    for word in words:
        make_header(decode_header(word)).encode()  # each decodes alone: no character is split
    assert str(make_header(decode_header(" ".join(words)))) == text


@given(TEXT)
@settings(max_examples=examples(100), deadline=None)
def test_subject_reads_back_as_written(text: str) -> None:
    written = unstructured(text)
    assert written.isascii()
    assert written.isprintable()
    raw = b"Subject: " + written.encode() + b"\r\n\r\n"
    assert str(message_from_bytes(raw, policy=policy.SMTP)["Subject"]) == one_line(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Plain words only", "Plain words only"),
        ("A talk in Zürich today", "A talk in =?utf-8?Q?Z=C3=BCrich?= today"),
        ("=?utf-8?Q?=0D=0ABcc:_x?=", "=?utf-8?B?PT91dGYtOD9RPz0wRD0wQUJjYzpfeD89?="),
        ("版权", "=?utf-8?B?54mI5p2D?="),
        ("x" * 70, "=?utf-8?Q?" + "x" * 52 + "?= =?utf-8?Q?" + "x" * 18 + "?="),
    ],
)
def test_subject_of_known_text(text: str, written: str) -> None:
    assert unstructured(text) == written


@given(TEXT)
@settings(max_examples=examples(100), deadline=None)
def test_display_name_reads_back_as_written(text: str) -> None:
    # Not policy.SMTP: its reader keeps the space between two encoded words of a phrase.
    name, address = parseaddr(f"{phrase(text)} <a@example.org>")
    assert (str(make_header(decode_header(name))), address) == (one_line(text), "a@example.org")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Copyright Webinars", "Copyright Webinars"),
        ('The "best", ever', '"The \\"best\\", ever"'),
        ("Jane <x@example.org>,", '"Jane <x@example.org>,"'),
        ("Zürich, again and again", "=?utf-8?Q?Z=C3=BCrich=2C_again_and_again?="),
        ("", ""),
    ],
)
def test_display_name_of_known_text(name: str, written: str) -> None:
    assert phrase(name) == written
