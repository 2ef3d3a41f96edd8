"""The lint finds each fault it is there for; a lint that cannot fail would prove nothing."""

from __future__ import annotations

import pytest

from mailer.message.compose import Calendar, compose
from mailer.message.header import headers_for
from mailer.message.invite import calendar
from mailer.message.mark import Personal, mark
from tests.message.lint import lint
from tests.message.sample import NOW, SERIES, VALUES, WEBINAR

ICS = calendar(WEBINAR, SERIES, method="REQUEST", attendee=mark(Personal.ADDRESS), registered=True)
HEADERS = headers_for(series=SERIES, kind="k", subject="Grüße", language="en", date=NOW)
MESSAGE = compose(
    headers=HEADERS,
    text="Hello é\n",
    html="<p>Hello</p>\n",
    calendar=Calendar(content=ICS, method="REQUEST"),
).fill(VALUES)


def test_a_sound_mail_has_no_fault() -> None:
    assert lint(MESSAGE) == []


@pytest.mark.parametrize(
    ("found", "put", "fault"),
    [
        (b"Hello", b"Hel\nlo", "a bare CR or LF"),
        (b"Hello", b"Hel\rlo", "a bare CR or LF"),
        (b"Hello", b"Hel\0lo", "a NUL"),
        (b"Hello", b"H\xc3\xa9llo", "an 8-bit body"),
        (b"Hello", b"x" * 1000, "a line over 998 octets"),
        (b"Hello", b"x" * 77, "text/plain: an encoded line over 76"),
        (b"=C3=A9\r\n", b"=c3=a9\r\n", "text/plain: no quoted-printable"),
        (b"Hello", b"zqmark-x-kramqz", "a mark is left"),
        (b"Subject: ", b"Subject : ", "no header field: b'Subject : =?utf-8?B?R3LDvMOfZQ==?='"),
        (b"Date: ", b"X-Date: ", "0 times Date"),
        (b"Date: ", b"Date: never\r\nX-Date: ", "no Date"),
        (b"To: ", b"To: a@example.org, ", "not one address in To"),
        (b"From: ", b"From: a@example.org\r\nFrom: ", "2 times From"),
        (b"Subject: ", b"Cc: a@example.org\r\nCc: b@example.org\r\nSubject: ", "2 times cc"),
        (b"Message-ID: <", b"Message-ID: <a b", "no Message-ID"),
        (b"List-Post: NO", b"List-Post: no", "List-Post is not NO"),
        (b"List-Help: <", b"List-Help: ", "List-Help is not one mailto"),
        (b"Precedence: list", b"Precedence: bulk", "Precedence is not list"),
        (b"OOF, ", b"All, ", "X-Auto-Response-Suppress"),
        (b"auto-generated", b"no", "Auto-Submitted"),
        (b"<https://", b"<http://", "List-Unsubscribe has ['http', 'mailto'],"
         " List-Unsubscribe-Post List-Unsubscribe=One-Click"),
        (b"List-Unsubscribe-Post", b"X-Post", "List-Unsubscribe has ['https', 'mailto'],"
         " List-Unsubscribe-Post None"),
        (b"text/plain", b"text/html", "alternatives in the order"
         " ['text/html', 'text/html', 'text/calendar']"),
        (b"multipart/alternative", b"multipart/related",
         "multipart/mixed holds no multipart/alternative"),
        (b"method=REQUEST", b"method=CANCEL", "METHOD is not CANCEL"),
        (b"method=REQUEST", b"method=PUBLISH", "PUBLISH in the wrong place"),
        (b"Disposition: attachment", b"Disposition: inline",
         "multipart/mixed without attachments only"),
    ],
)  # fmt: skip
def test_a_fault_is_found(found: bytes, put: bytes, fault: str) -> None:
    assert found in MESSAGE
    assert fault in lint(MESSAGE.replace(found, put, 1))
