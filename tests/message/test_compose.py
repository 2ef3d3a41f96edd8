"""Whole mails: structure, cutting, line ends, and what the standard library would have built."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.compose import Attachment, Calendar, Skeleton, compose
from mailer.message.header import headers_for
from mailer.message.invite import Method, calendar
from mailer.message.mark import PATTERN, Personal, mark, without_marks
from mailer.message.quoted import body_text, one_line
from tests.examples import examples
from tests.message.golden import assert_golden
from tests.message.lint import lint
from tests.message.sample import NOW, SERIES, VALUES, WEBINAR

UNSUBSCRIBE = f"{SERIES.base_url}/u/{mark(Personal.UNSUBSCRIBE)}"
TEXT = (
    f"Dear reader at {mark(Personal.ADDRESS)},\n\n{WEBINAR.title}\n"
    f"Wednesday, 25 November 2026, 13:00–14:00 (Europe/Zurich), 12:00 UTC\n\n"
    f"Leave: {UNSUBSCRIBE}\n"
)
HTML = (
    f"<p>Dear reader at {mark(Personal.ADDRESS)},</p>\n<h1>{WEBINAR.title}</h1>\n"
    f'<p><a href="{UNSUBSCRIBE}">Leave</a></p>\n'
)
HEADERS = headers_for(
    series=SERIES, kind="announcement", subject=WEBINAR.title, language="en", date=NOW, about="iscc"
)


def parsed(message: bytes) -> EmailMessage:
    return message_from_bytes(message, _class=EmailMessage, policy=policy.SMTP)


def shape(part: MIMEPart) -> object:
    if part.get_content_maintype() != "multipart":
        return part.get_content_type()
    return part.get_content_subtype(), [shape(inner) for inner in part.iter_parts()]


def invitation(method: Method) -> Calendar:
    attendee = None if method == "PUBLISH" else mark(Personal.ADDRESS)
    content = calendar(
        WEBINAR, SERIES, method=method, attendee=attendee, registered=attendee is not None
    )
    return Calendar(content=content, method=method)


# Structure


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (None, ("alternative", ["text/plain", "text/html"])),
        (
            "PUBLISH",
            ("mixed", [("alternative", ["text/plain", "text/html"]), "text/calendar"]),
        ),
        (
            "REQUEST",
            (
                "mixed",
                [
                    ("alternative", ["text/plain", "text/html", "text/calendar"]),
                    "application/ics",
                ],
            ),
        ),
        (
            "CANCEL",
            (
                "mixed",
                [
                    ("alternative", ["text/plain", "text/html", "text/calendar"]),
                    "application/ics",
                ],
            ),
        ),
    ],
)
def test_parts_stand_in_rising_order(method: Method | None, expected: object) -> None:
    held = None if method is None else invitation(method)
    message = compose(headers=HEADERS, text=TEXT, html=HTML, calendar=held).fill(VALUES)
    assert shape(parsed(message)) == expected
    assert lint(message) == []


@pytest.mark.parametrize("method", [None, "PUBLISH", "REQUEST", "CANCEL"])
def test_mails_are_as_agreed_byte_for_byte(method: Method | None) -> None:
    held = None if method is None else invitation(method)
    skeleton = compose(headers=HEADERS, text=TEXT, html=HTML, calendar=held)
    assert_golden(f"compose-{(method or 'plain').lower()}.eml", skeleton.fill(VALUES))


def test_the_calendar_arrives_with_the_recipient_in_it() -> None:
    skeleton = compose(headers=HEADERS, text="a", html="b", calendar=invitation("REQUEST"))
    mixed = parsed(skeleton.fill(VALUES))
    inner, attached = mixed.iter_parts()
    assert isinstance(inner, EmailMessage)
    last = list(inner.iter_parts())[-1]
    expected = invitation("REQUEST").content.replace(
        mark(Personal.ADDRESS).encode(), VALUES[Personal.ADDRESS].encode()
    )
    assert last.get_payload(decode=True) == expected
    assert attached.get_payload(decode=True) == expected
    assert last["Content-Type"].params == {"method": "REQUEST", "charset": "UTF-8"}
    assert attached.get_filename() == "invite.ics"


def test_the_same_input_gives_the_same_bytes_and_other_input_others() -> None:
    first, again = (compose(headers=HEADERS, text=TEXT, html=HTML) for _ in range(2))
    other = compose(headers=HEADERS, text=TEXT + ".", html=HTML)
    assert (first, first.digest) == (again, again.digest)
    assert first.digest != other.digest


# Attachments


def test_the_calendar_is_the_first_file() -> None:
    slides = Attachment(name="slides.pdf", media_type="application/pdf", content=b"x")
    message = compose(
        headers=HEADERS, text="a", html="b", calendar=invitation("PUBLISH"), attachments=[slides]
    ).fill(VALUES)
    names = [part.get_filename() for part in parsed(message).iter_parts()]
    assert names == [None, "invite.ics", "slides.pdf"]


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("slides.pdf", "slides.pdf"),
        ("größe 版权 🎉.pdf", "größe 版权 🎉.pdf"),
        ("عرض.pdf", "عرض.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"; x="b\r\nBcc: c\0.txt', "a_; x=_b Bcc: c .txt"),
        ("", None),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("é" * 300 + ".pdf", "é" * 58 + ".pdf"),
    ],
)
def test_a_file_arrives_whole_under_its_name(name: str, arrives: str | None) -> None:
    content = bytes(range(256)) * 3
    attachment = Attachment(name=name, media_type="application/pdf", content=content)
    message = compose(headers=HEADERS, text="a", html="b", attachments=[attachment]).fill(VALUES)
    part = list(parsed(message).iter_parts())[-1]
    assert part.get_filename() == (arrives or None)
    assert part.get_payload(decode=True) == content
    if name:
        assert lint(message) == []


def test_a_name_that_is_not_ascii_has_an_ascii_one_beside_it() -> None:
    attachment = Attachment(name="größe.pdf", media_type="application/pdf", content=b"x")
    message = compose(headers=HEADERS, text="a", html="b", attachments=[attachment]).fill(VALUES)
    assert (
        b"Content-Disposition: attachment; filename*=utf-8''gr%C3%B6%C3%9Fe.pdf;\r\n"
        b' filename="groe.pdf"\r\n'
    ) in message


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"Subject: x\r\n\r\nbody\r\n", "message/rfc822"),
        (b"Subject: \xc3\xa9\r\n\r\nbody\r\n", "application/octet-stream"),
        (b"Subject: x\n\nbody\n", "application/octet-stream"),
        (b"Subject: x\r\n\r\n" + b"y" * 999 + b"\r\n", "application/octet-stream"),
        (b"Subject: \0\r\n\r\n\r\n", "application/octet-stream"),
    ],
)
def test_a_mail_is_attached_as_one_only_if_it_is_clean(content: bytes, media_type: str) -> None:
    attachment = Attachment(name="mail.eml", media_type="message/rfc822", content=content)
    message = compose(headers=HEADERS, text="a", html="b", attachments=[attachment]).fill(VALUES)
    part = list(parsed(message).iter_parts())[-1]
    assert part.get_content_type() == media_type
    if media_type == "message/rfc822":
        assert content in message
    else:
        assert part.get_payload(decode=True) == content
    assert lint(message) == []


def test_a_mark_in_an_attachment_stays_what_it_is() -> None:
    content = f"Subject: {mark(Personal.UNSUBSCRIBE)}\r\n\r\nx\r\n".encode()
    attachment = Attachment(name="mail.eml", media_type="message/rfc822", content=content)
    skeleton = compose(headers=[("To", "a@example.org")], text="a", html="b",
                       attachments=[attachment])  # fmt: skip
    assert skeleton.names == frozenset()


def test_a_boundary_is_never_one_that_an_attached_mail_holds() -> None:
    def built(content: bytes) -> tuple[str, bytes]:
        attachment = Attachment(name="m.eml", media_type="message/rfc822", content=content)
        skeleton = compose(headers=HEADERS, text="a", html="b", attachments=[attachment])
        message = skeleton.fill(VALUES)
        return parsed(message).get_boundary() or "", message

    boundary, message = built(b"Subject: x\r\n\r\nbody\r\n")
    inside, again = built(message)
    assert inside != boundary
    assert again.count(f"--{inside}\r\n".encode()) == 2


# Cutting


def filled_in(source: str, values: Mapping[Personal, str]) -> str:
    return PATTERN.sub(lambda found: values[Personal(found[1])], source)


PROSE = st.text(
    st.one_of(st.characters(), st.sampled_from(" \t\r\n\0.=\u0085\u2028")), max_size=90
).map(without_marks)
# A date and the mail that is answered stand in header fields alone.
IN_BODIES = [one for one in Personal if one not in (Personal.DATE, Personal.ANSWERED)]
CONTENT = st.lists(st.one_of(PROSE, st.sampled_from(IN_BODIES).map(mark)), max_size=8).map("".join)
LOCAL = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~é中", min_size=1, max_size=70)
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=42)
PERSON = st.fixed_dictionaries(
    {p: LOCAL.map("{}@example.org".format) if p is Personal.ADDRESS else TOKEN for p in IN_BODIES}
)


@given(subject=PROSE, text=CONTENT, html=CONTENT, values=PERSON)
@settings(deadline=None, max_examples=examples(50))
def test_a_filled_mail_reads_as_the_standard_library_would_have_built_it(
    subject: str, text: str, html: str, values: dict[Personal, str]
) -> None:
    headers = headers_for(
        series=SERIES, kind="message", subject=f"x {subject}", language="en", date=NOW,
        reply_to=Personal.CONFIRM,
    )  # fmt: skip
    message = compose(headers=headers, text=text, html=html).fill(values)
    found = parsed(message)
    escaped = {personal: markup.escape(value) for personal, value in values.items()}
    expected = EmailMessage(policy=policy.SMTPUTF8)
    for name, value in headers:
        if name not in {"Subject", "Content-Language"}:
            expected[name] = filled_in(value, values)
    expected["Subject"] = one_line(f"x {subject}")
    expected.set_content(filled_in(body_text(text), values))
    expected.add_alternative(filled_in(body_text(html), escaped), subtype="html")
    expected["Content-Language"] = "en"  # after the content, which clears every Content field
    contents = [part.get_content() for part in found.iter_parts()]
    sent = parsed(expected.as_bytes())
    assert contents == [part.get_content() for part in sent.iter_parts()]
    assert {n: str(v) for n, v in found.items() if n not in {"Content-Type", "To"}} == {
        n: str(v) for n, v in expected.items() if n not in {"Content-Type", "To"}
    }
    assert b"\r\nTo: " + values[Personal.ADDRESS].encode() + b"\r\n" in message
    assert lint(message) == []


@given(CONTENT, PERSON)
@settings(deadline=None, max_examples=examples(40))
def test_filling_wraps_nothing_again(text: str, values: dict[Personal, str]) -> None:
    skeleton = compose(headers=HEADERS, text=text, html="x")
    message = skeleton.fill(values)
    for piece in skeleton.pieces:
        assert piece in message
    assert sum(map(len, skeleton.pieces)) <= len(message)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("{}", b"X\r\n"),
        ("a {} b", b"a=20=\r\nX=\r\n b\r\n"),
        ("{}{}", b"X=\r\nX\r\n"),
        ("a\n{}\nb", b"a\r\nX\r\nb\r\n"),
        ("a\n{} b", b"a\r\nX=\r\n b\r\n"),
        ("{}.", b"X=\r\n=2E\r\n"),
        ("a{}\n\n{}b", b"a=\r\nX\r\n\r\nX=\r\nb\r\n"),
    ],
)
def test_soft_breaks_stand_only_where_a_line_goes_on(text: str, body: bytes) -> None:
    source = text.replace("{}", mark(Personal.CONFIRM))
    message = compose(headers=[], text=source, html="x").fill({Personal.CONFIRM: "X"})
    part = message.partition(b"quoted-printable\r\n\r\n")[2].partition(b"\r\n--")[0]
    assert part == body


def test_a_mark_in_a_header_is_never_folded() -> None:
    value = " ".join(f"<https://{'x' * n}.example.org/u/{mark(Personal.JOIN)}>," for n in range(50))
    skeleton = compose(headers=[("List-Unsubscribe", value)], text="a", html="b")
    message = skeleton.fill({Personal.JOIN: "j" * 26})
    head = message.partition(b"MIME-Version")[0]
    assert head.decode().replace("\r\n ", " ").strip() == "List-Unsubscribe: " + value.replace(
        mark(Personal.JOIN), "j" * 26
    )
    assert max(map(len, head.split(b"\r\n"))) <= 120


# Refusals


@pytest.mark.parametrize(
    "broken", ["zqmark-addr", "zqmark-address-\nkramqz", "ss-kramqz", "ZQMARK"]
)
def test_a_torn_mark_fails_the_mail(broken: str) -> None:
    for text, html in ((broken, "b"), ("a", broken)):
        with pytest.raises(ValueError, match="torn apart"):
            compose(headers=HEADERS, text=text, html=html)
    with pytest.raises(ValueError):  # noqa: PT011 - one line or torn
        compose(headers=[("X-Test", broken)], text="a", html="b")


def test_an_unknown_mark_fails_the_mail() -> None:
    with pytest.raises(ValueError, match="password"):
        compose(headers=HEADERS, text="zqmark-password-kramqz", html="b")


@pytest.mark.parametrize(
    "field",
    [
        *[("Subject", f"x{c}Bcc: y") for c in ("\r\n", "\r", "\n", "\0", "\x85", "\u2028", "é")],
        *[(name, "x") for name in ("", "Sub ject", "Subject:", "Sub\r\nject", "Ünï", "-x")],
        *[(name, "x") for name in ("MIME-Version", "content-type", "Content-Transfer-Encoding")],
        ("Subject", ""),
        ("Subject", "   "),
        ("Subject", "x" * 1000),
        ("X-Test", mark(Personal.JOIN) * 4),
        ("subject", "twice"),
    ],
)
def test_a_header_that_is_not_one_line_of_ascii_fails_the_mail(field: tuple[str, str]) -> None:
    headers = [("Subject", "once"), field] if field[1] == "twice" else [field]
    with pytest.raises(ValueError, match=r"field|MIME"):
        compose(headers=headers, text="a", html="b")


@pytest.mark.parametrize("method", ["", "request", "PUBLISH\r\nX: y", "X; y=z"])
def test_a_method_that_is_no_word_fails_the_mail(method: str) -> None:
    held = Calendar(content=b"BEGIN:VCALENDAR\r\n", method=method)
    with pytest.raises(ValueError, match="method"):
        compose(headers=HEADERS, text="a", html="b", calendar=held)


@given(PROSE, PROSE)
@settings(deadline=None, max_examples=examples(40))
def test_no_text_makes_a_bare_line_end_or_a_new_field(text: str, html: str) -> None:
    message = compose(headers=HEADERS, text=text, html=html).fill(VALUES)
    head = message.partition(b"\r\n\r\n")[0]
    plain = compose(headers=HEADERS, text="a", html="b").fill(VALUES).partition(b"\r\n\r\n")[0]
    assert re.sub(rb"=_\w+", b"", head) == re.sub(rb"=_\w+", b"", plain)
    assert lint(message) == []


def test_a_stored_mail_fills_to_the_same_bytes() -> None:
    skeleton = compose(headers=HEADERS, text=TEXT, html=HTML, calendar=invitation("REQUEST"))
    assert Skeleton.from_json(skeleton.to_json()).fill(VALUES) == skeleton.fill(VALUES)
