"""What is gathered from a mail before anything is decided."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.address import Address
from mailer.message.incoming import (
    LINES,
    Authentication,
    Incoming,
    count_words,
    read,
)
from tests.examples import examples

MX = "mx.example.org"
OWN = frozenset({"webinars@lists.example.org"})
MAIL = (
    b"Received: from a\r\nReceived: from b\r\n"
    b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.org\r\n"
    b"Message-ID: <1@example.org>\r\nDate: Wed, 28 Oct 2026 13:00:00 +0100\r\n"
    b'From: "Lee, Ann" <Ann@example.org>\r\nTo: webinars@lists.example.org\r\n'
    b"Subject: =?utf-8?q?caf=C3=A9?=\r\nIn-Reply-To: <2@example.org>\r\n"
    b"References: <3@example.org>\r\n <2@example.org>\r\nContent-Language: fr-CH\r\n"
    b"\r\nBonjour,\r\n\r\nsubscribe\r\n> unsubscribe\r\n-- \r\nAnn\r\n"
)


def take(content: bytes, sender: str | None = "ann@example.org") -> Incoming:
    return read(content, sender=sender, authserv_id=MX, own=OWN)


def with_field(field: str) -> Incoming:
    return take(field.encode() + b"\r\n" + MAIL)


def test_mail_is_read_whole() -> None:
    mail = take(MAIL)
    assert mail == Incoming(
        content=MAIL,
        digest=mail.digest,
        author=Address(key="ann@example.org", mailbox="Ann@example.org"),
        author_name="Lee, Ann",
        subject="café",
        message_id="<1@example.org>",
        replies_to=("<2@example.org>", "<3@example.org>"),
        lines=("Bonjour,", "subscribe"),
        words=2,
        attachments=False,
        language=None,
        stated_language="fr",
        authentication=Authentication.PASS,
        spam=False,
        machine=None,
        received_count=2,
        sender="ann@example.org",
    )


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(max_size=300), st.none() | st.text(max_size=20))
def test_no_bytes_raise(content: bytes, sender: str | None) -> None:
    mail = take(content, sender)
    assert (mail.content, len(mail.digest), len(mail.lines) <= LINES) == (content, 32, True)


@pytest.mark.parametrize(
    "changed",
    [
        MAIL.replace(b"\r\n", b"\n"),
        b"Received: from c\r\nReturn-Path: <x@example.org>\r\nDKIM-Signature: v=1\r\n" + MAIL,
        MAIL.replace(b"Received: from a\r\n", b""),
        MAIL + b"\r\n\r\n",
        MAIL.replace(b"Subject: =?utf", b"Subject:\r\n =?utf"),
        MAIL.replace(b"To: webinars@", b"To: others@"),
    ],
)
def test_same_mail_by_another_way_has_the_same_digest(changed: bytes) -> None:
    assert changed != MAIL
    assert take(changed).digest == take(MAIL).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<1@example.org>", b"<4@example.org>"),
        (b"13:00:00", b"13:00:01"),
        (b"Ann@example", b"Bob@example"),
        (b"caf=C3=A9", b"caf=C3=A8"),
        (b"-- \r\nAnn", b"-- \r\nBob"),
    ],
)
def test_another_mail_has_another_digest(old: bytes, new: bytes) -> None:
    assert take(MAIL.replace(old, new)).digest != take(MAIL).digest


def test_text_cannot_move_from_one_field_to_the_next_unseen() -> None:
    one = take(b"Date: a\r\nFrom: b\r\n\r\n")
    other = take(b"Date: a\r\nSubject: b\r\n\r\n")
    assert one.digest != other.digest
    assert one.digest == sha256(b"0:1:a1:b0:").digest()


def test_several_from_fields_are_nobody() -> None:
    assert with_field("From: victim@example.org").author is None


@pytest.mark.parametrize("field", ["From: MAILER-DAEMON", "From: <>", "X: y"])
def test_mail_without_an_answerable_author_has_none(field: str) -> None:
    mail = take(field.encode() + b"\r\n\r\nhi")
    assert (mail.author, mail.author_name) == (None, "")


@pytest.mark.parametrize(
    ("field", "spam"),
    [
        ("X-Spam-Flag: YES", True),
        ("X-Spam-Status: Yes, score=9.1", True),
        ("X-Spam: yes", True),
        ("X-Forefront-Antispam-Report: CIP:1.2.3.4;SFV: SPM;", True),
        ("X-Spam-Flag: NO", False),
        ("X-Spam-Status: No, score=0.1", False),
        ("X-Forefront-Antispam-Report: SFV:NSPM;", False),
    ],
)
def test_filters_before_us_are_heard(field: str, spam: bool) -> None:
    assert with_field(field).spam is spam


@pytest.mark.parametrize(
    ("field", "stated"),
    [
        ("Content-Language: fr-CH", "fr"),
        ("Accept-Language: es-ES, en;q=0.5", "es"),
        ("Accept-Language: en\r\nContent-Language: zh-Hant-TW", "zh"),
        ("Content-Language: x", None),
        ("X: y", None),
    ],
)
def test_a_mail_may_state_its_language(field: str, stated: str | None) -> None:
    mail = take(f"{field}\r\n\r\nwebinars".encode())
    assert (mail.stated_language, mail.language) == (stated, None)


@pytest.mark.parametrize(
    ("fields", "text", "language"),
    [
        ("Content-Language: en-US", "Здравствуйте, добавьте меня", "ru"),
        ("Content-Language: ru", "Здравствуйте, добавьте меня", "ru"),
        ("Content-Language: uk", "Добрий день", None),
        ("Content-Language: bg", "Добър ден", None),
        ("Content-Language: en-US", "Je voudrais recevoir vos annonces", "fr"),
        ("Content-Language: ar", "I would like to take part", "en"),
        ("X: y", "hello", None),
        ("X: y", "Hola, quisiera recibir información", "es"),
        ("X: y", "Здравствуйте", "ru"),
        ("X: y", "Добрий день, підпишіть мене", None),
        ("X: y", "أريد الاشتراك", "ar"),
        ("X: y", "می‌خواهم گزارش", None),
        ("X: y", "我想订阅", "zh"),
        ("X: y", "購読したいです", None),
        ("X: y", "구독", None),
    ],
)
def test_language_is_what_the_words_show(fields: str, text: str, language: str | None) -> None:
    assert take(f"{fields}\r\n\r\n{text}".encode()).language == language


@pytest.mark.parametrize(
    ("line", "words"),
    [("", 0), ("one two", 2), ("我想订阅你们的邮件", 5), ("abc 订阅 def", 3), ("  a  ", 1)],
)
def test_words_are_counted_in_scripts_without_spaces_too(line: str, words: int) -> None:
    assert count_words(line) == words


def test_only_the_first_lines_are_kept_but_all_words_are_counted() -> None:
    mail = take(b"Subject: a\r\n\r\n" + b"".join(b"line %d\r\n\r\n" % n for n in range(30)))
    assert mail.lines == ("line 0", "line 1", "line 2", "line 3", "line 4")
    assert mail.words == 60


def test_attachment_is_noticed() -> None:
    head = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    parts = b"--x\r\n\r\nhi\r\n--x\r\nContent-Type: application/pdf\r\n\r\nx\r\n--x--\r\n"
    assert take(head + parts).attachments is True


@pytest.mark.parametrize("sender", ["", "<>"])
def test_mail_from_the_null_sender_is_a_machines(sender: str) -> None:
    assert take(MAIL, sender).machine is not None


def test_machine_is_named_by_its_header() -> None:
    assert with_field("Auto-Submitted: auto-replied").machine is not None


def test_each_hop_is_counted() -> None:
    assert take(b"Received: x\r\n" * 150 + MAIL).received_count == 152


def test_nobody_is_believed_without_a_configured_server() -> None:
    mail = read(MAIL, sender=None, authserv_id="", own=OWN)
    assert mail.authentication is Authentication.NONE
