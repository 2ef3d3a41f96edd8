"""The reader of mails: any bytes, bounded time, the same fields that stand on the wire."""

from __future__ import annotations

import re
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message import text
from mailer.message.parse import (
    DEPTH,
    FIELDS,
    HEADER_CHARS,
    PARTS,
    body,
    content_type,
    field_names,
    has_attachments,
    header,
    headers,
    leaves,
    parameter,
    parse,
    raw_headers,
    text_lines,
)
from tests.examples import examples

MIXED = b"Content-Type: multipart/mixed; boundary=x\n\n"


def nested(count: int) -> bytes:
    layers = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(count)
    )
    return layers + b"Content-Type: text/plain\n\nsubscribe\n"


HOSTILE = {
    "1,000 multiparts deep": nested(1000),
    "the same boundary 5,000 deep": (MIXED + b"--x\n") * 5000,
    "50,000 parts": MIXED + b"--x\n\nhi\n" * 50_000,
    "lines that begin like the boundary": MIXED + b"--xy\n" * 300_000,
    "2,000 nested comments": b"From: " + b"(" * 2000 + b"a@example.org\n\nhi",
    "a header of a megabyte": b"Subject: " + b"a" * 1_000_000 + b"\nTo: b\n\nhi",
    "a header of a million folds": b"Subject: " + b"a\n " * 1_000_000 + b"\nTo: b\n\nhi",
    "500,000 fields": b"A: b\n" * 500_000 + b"\nhi",
    "two million lines": b"A: b\n\n" + b"x\n" * 2_000_000,
    "bare CR": b"A: b\r\r" * 500_000,
    "quotes in parameters": b"Content-Type: multipart/mixed" + b';a=";' * 10_000 + b"\n\n",
    "continued boundary": b"Content-Type: multipart/mixed;"
    + b"".join(b"boundary*%d=x;" % n for n in range(600))
    + b"\n\n--x",
    "half encoded words": b"Subject: " + b"=?a?q?" * 1300 + b"\n\nhi",
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"a-b" * 100_000,
    "uuencode": b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n" + b"#\n" * 1_000_000,
    "open tags": b"Content-Type: text/html\n\n" + b"<" * 300_000,
    "open comments": b"Content-Type: text/html\n\n" + b"<!--" * 75_000,
    "a reference without end": b"Content-Type: text/html\n\n&#" + b"9" * 300_000,
    "divs": b"Content-Type: text/html\n\n" + b"<div>" * 60_000,
    "messages in messages": b"Content-Type: message/rfc822\n\n" * 50_000,
    "a status of 200,000 blocks": b"Content-Type: message/delivery-status\n\n"
    + b"a:b\n\n" * 200_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_in_less_than_a_second(name: str) -> None:
    started = time.process_time()
    message = parse(HOSTILE[name])
    text_lines(message)
    has_attachments(message)
    [body(part) for part in leaves(message, into_messages=True)]
    [headers(message, field) for field in ("subject", "from", "to")]
    assert time.process_time() - started < 1


@settings(max_examples=examples(150), deadline=None)
@given(
    st.binary(max_size=400)
    | st.lists(
        st.sampled_from(
            [
                b"Content-Type: multipart/mixed; boundary=x\n",
                b"Content-Type: text/html; charset=idna\n",
                b"Content-Type: message/rfc822\n",
                b"Content-Transfer-Encoding: base64\n",
                b"\n",
                b"--x\n",
                b"--x--\n",
                b"\0",
                b"\r",
                b"\xff\xfe",
                b"=?utf-8?b?/w==?=",
                b"Subject: ",
                b"<div>",
                b"&#0;",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
def test_no_bytes_raise(content: bytes) -> None:
    message = parse(content)
    for name in ("subject", "content-type", "from", "content-disposition"):
        assert all(letter.isprintable() or letter.isspace() for letter in header(message, name))
        message[name]
    text_lines(message)
    has_attachments(message)
    for part in message.walk():
        part.get_content_type(), content_type(part), parameter(part, "charset"), body(part)


@settings(max_examples=examples(100), deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1))
def test_subject_comes_back_from_its_encoded_words(subject: str) -> None:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("hi")
    assert header(parse(message.as_bytes()), "subject") == text.clean(subject).strip()


@settings(max_examples=examples(100), deadline=None)
@given(
    st.text(st.sampled_from("aé订л =.-\n"), max_size=300),
    st.sampled_from(["7bit", "base64", "quoted-printable"]),
)
def test_text_comes_back_from_its_transfer_encoding(content: str, encoding: str) -> None:
    message = EmailMessage()
    message.set_content(content, cte=None if encoding == "7bit" else encoding)
    lines = text_lines(parse(message.as_bytes()))
    assert [line.split() for line in lines if line.strip()] == [
        line.split() for line in content.splitlines() if line.strip()
    ]


def test_fields_are_those_between_crlf_on_the_wire() -> None:
    wire = (
        b"A: one\rB: hidden\r\nC: two\x0bD: hidden\r\nE: three\xe2\x80\xa8F: hidden\r\n\r\nG: body"
    )
    assert parse(wire).keys() == ["A", "C", "E"]


def test_header_has_no_control_no_nul_and_no_line_separator() -> None:
    message = parse(b"Subject: a\0b =?utf-8?q?c=0D=0ABcc:_d=E2=80=A8e=C2=85?=\n\n")
    assert header(message, "subject") == "ab c  Bcc: d e"


def test_header_is_cut_at_998_characters() -> None:
    assert len(header(parse(b"Subject: " + b"a" * 5000 + b"\n\n"), "subject")) == HEADER_CHARS


def test_missing_header_is_empty() -> None:
    assert (header(parse(b""), "subject"), headers(parse(b""), "subject")) == ("", ())


def test_character_cut_between_two_encoded_words_is_whole() -> None:
    message = parse(b"Subject: =?utf-8?q?caf=C3?=\n =?utf-8?q?=A9?= au lait\n\n")
    assert header(message, "subject") == "café au lait"


def test_encoded_words_stay_as_they_are_for_grammars() -> None:
    message = parse(b"From: =?utf-8?q?=3Ca=40b=3E?=\n <c@example.org>\n\n")
    assert raw_headers(message, "from") == ("=?utf-8?q?=3Ca=40b=3E?= <c@example.org>",)


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        (b"=?windows-1251?b?z/Do4uXy?=", "Привет"),
        (b"=?gb2312?b?tqnUxA==?=", "订阅"),
        (b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?nonsense?q?caf=C3=A9?=", "café"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"=?utf-8*fr?q?caf=C3=A9?=", "café"),
        (b"=?rot13?q?abc?=", "abc"),
    ],
)
def test_charset_is_understood_or_guessed(field: bytes, subject: str) -> None:
    assert header(parse(b"Subject: " + field + b"\n\n"), "subject") == subject


def test_limits_cut_fields_parts_and_depth() -> None:
    assert len(parse(b"A: b\n" * (FIELDS + 5) + b"\nhi").keys()) == FIELDS
    assert len(list(leaves(parse(MIXED + b"--x\n\nhi\n" * (PARTS + 5))))) == PARTS
    deepest = nested(DEPTH + 5)
    assert [content_type(part) for part in leaves(parse(deepest))] == ["multipart/mixed"]
    assert text_lines(parse(nested(DEPTH - 1))) == ("subscribe",)


def test_body_after_too_many_fields_is_still_read() -> None:
    assert text_lines(parse(b"A: b\n" * (FIELDS + 5) + b"\nsubscribe\n")) == ("subscribe",)


def test_mail_without_header_is_all_body() -> None:
    assert text_lines(parse(b"please subscribe me\nthanks\n")) == ("please subscribe me", "thanks")


def test_bare_cr_is_no_line() -> None:
    assert text_lines(parse(b"A: b\r\n\r\none\rtwo\r\nthree")) == ("one two", "three")


def test_first_plain_text_that_says_anything_wins() -> None:
    parts = [b"Content-Type: text/html\n\n<p>html", b"\n\n  \n", b"\n\nplain\n", b"\n\nother\n"]
    assert text_lines(parse(MIXED + b"".join(b"--x\n" + part + b"\n" for part in parts))) == (
        "",
        "plain",
    )


def test_html_alone_is_reduced_to_its_words_and_quotes() -> None:
    mark_up = (
        b"<html><head><title>no</title><style>p{}</style></head><body><!-- no --><p>Please&nbsp;"
        b"<b>sub</b>scribe &lt;me&gt;</p><script>no</script><blockquote>old<br>older</blockquote>"
        b'new<div class="gmail_quote">On a day<div>x</div></div>last'
        b'<div id="divRplyFwdMsg"></div><p>unsubscribe</body>'
    )
    assert text_lines(parse(b"Content-Type: text/html\n\n" + mark_up)) == (
        "Please subscribe <me>",
        "> old",
        "> older",
        "new",
        "> On a day",
        "> x",
        "last",
        "> unsubscribe",
    )


def test_flowed_lines_are_one_line() -> None:
    content = b"Content-Type: text/plain; format=flowed\n\nhow do I \nunsubscribe \nhere?\nthanks\n"
    assert text_lines(parse(content)) == ("how do I unsubscribe here?", "thanks")


def test_forwarded_message_is_not_the_text() -> None:
    content = MIXED + b"--x\nContent-Type: message/rfc822\n\nSubject: a\n\nunsubscribe\n--x--\n"
    assert text_lines(parse(content)) == ()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"\n\ntext", False),
        (b"Content-Type: application/pdf\n\nx", True),
        (b"Content-Type: text/plain\nContent-Disposition: attachment\n\nx", True),
        (b"Content-Disposition: inline; filename=a.txt\n\nx", True),
        (b"Content-Type: image/png\nContent-ID: <logo>\nContent-Disposition: inline\n\nx", False),
        (b"Content-Type: application/pgp-signature\n\nx", False),
        (b"Content-Type: message/rfc822\n\nSubject: a\n\nb", True),
    ],
)
def test_attachment_is_what_is_neither_text_nor_decoration(part: bytes, expected: bool) -> None:
    assert has_attachments(parse(MIXED + b"--x\n" + part + b"\n--x--\n")) is expected


def test_delivery_status_is_a_message_for_each_block() -> None:
    status = (
        b"Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; b\nStatus: 5.1.1\n\n\nStatus: 4.0.0\n"
    )
    message = parse(b"Content-Type: message/delivery-status\n\n" + status)
    payload = message.get_payload()
    assert isinstance(payload, list)
    assert [block.items() for block in payload if not isinstance(block, str)] == [
        [("Reporting-MTA", "dns; a")],
        [("Final-Recipient", "rfc822; b"), ("Status", "5.1.1")],
        [("Status", "4.0.0")],
    ]


def test_message_inside_is_opened_even_when_encoded() -> None:
    inner = b"U3ViamVjdDogaW5uZXIKCmhlbGxv"  # Subject: inner, empty line, hello
    message = parse(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner)
    assert [header(part, "subject") for part in message.walk()] == ["", "inner"]


def test_boundary_that_begins_another_one_does_not_end_it() -> None:
    content = (
        MIXED + b"--x\nContent-Type: multipart/mixed; boundary=xy\n\n--xy\n\nin\n--xy--\n--x\n\nout"
    )
    assert [body(part) for part in leaves(parse(content))] == [b"in", b"out"]


def test_names_of_all_fields_are_lower_case() -> None:
    assert field_names(parse(b"List-ID: a\nFrom: b\n\n")) == {"list-id", "from"}


def test_no_part_of_the_tree_is_a_header_parser_of_the_library() -> None:
    message = parse(b"From: " + b"(" * 5000 + b"\nContent-Disposition: attachment; x\n\n")
    assert message["From"] == "(" * 5000
    assert isinstance(message, EmailMessage)
    assert message.is_attachment()


PATTERNS = [
    (module.__name__, name, pattern)
    for module in map(
        __import__("importlib").import_module,
        [
            f"mailer.message.{name}"
            for name in (
                "parse",
                "text",
                "address",
                "token",
                "authentication",
                "incoming",
                "quotation",
                "argument",
                "phrase",
            )
        ],
    )
    for name, pattern in vars(module).items()
    if isinstance(pattern, re.Pattern)
]
ATTACKS = [
    "a",
    " ",
    "-",
    "=?",
    "=?a?q?",
    '"',
    '"\\',
    "<",
    "(",
    "&#9",
    "a=",
    "[",
    "- ",
    "1",
    "_",
    "<a",
    "a:\n ",
    "From ",
    "a/",
    "no",
    "订",
    "От: ",
]


# These are asked at one place only, never searched for.
ANCHORED = {"_FIELD", "_ENVELOPE_LINE", "_TOKEN", "_SPELLING", "_TAG", "_ZONE", "_NUMBER"} | {
    "_RULED",
    "_FROM",
    "_SENT",
    "_ORDINARY",
}


@pytest.mark.slow
@pytest.mark.parametrize(("module", "name", "pattern"), PATTERNS)
def test_each_pattern_is_linear(module: str, name: str, pattern: re.Pattern[str]) -> None:
    for attack in ATTACKS:
        worst = (attack * 100_000)[:100_000] + "\x01"
        subject = worst if isinstance(pattern.pattern, str) else worst.encode()
        started = time.process_time()
        if name in ANCHORED:
            pattern.match(subject)
            pattern.fullmatch(subject)
        else:
            pattern.findall(subject)
        assert time.process_time() - started < 0.5, (module, name, attack)
