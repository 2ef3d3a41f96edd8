"""Tests of `mailer.message.classify`: verdict, command and series of any mail."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config.model import Series
from mailer.message.classify import WORDS, Classification, classify
from mailer.message.command import (
    AnswerInvitation,
    Command,
    Complaint,
    FreeText,
    Nothing,
    ReturnPath,
)
from mailer.message.judgement import Verdict
from tests.examples import examples

SAMPLES = Path(__file__).parent / "samples"
TOKEN = "abcdefghijklmnopqrstuvwxyz"
ONE = (Series(id="talks", title="Talks", address="webinars@lists.example.org", timezone="Etc/UTC"),)
TWO = (
    *ONE,
    Series(id="labs", title="Labs", address="labs@lists.example.org", timezone="Etc/UTC"),
)


def _mail(
    subject: str = "", body: str = "", to: str = "webinars@lists.example.org", fields: str = ""
) -> bytes:
    frame = f"From: Ana <ana@example.com>\nTo: {to}\nSubject: {subject}\n{fields}"
    return f"{frame}Message-ID: <1@example.com>\n\n{body}\n".encode()


def _told(content: bytes, series: tuple[Series, ...] = ONE) -> tuple[str, str | None]:
    found = classify(content, series)
    return found.verdict, found.command


@pytest.mark.parametrize(
    ("subject", "command"),
    [
        ("subscribe", "subscribe"),
        ("Re: unsubscribe", "unsubscribe"),
        (f"confirm {TOKEN}", "confirm"),
        ("help", "help"),
        ("status", "status"),
        ("programme", "programme"),
        ("register 12", "register"),
        ("skip 12", "skip"),
        ("language fr", "language"),
        ("timezone Europe/Zurich", "timezone"),
        ("pause 2026-12-01", "pause"),
        ("resume", "resume"),
        ("s'abonner", "subscribe"),
        ("退订", "unsubscribe"),
        ("unsubscribe webinars", "unsubscribe"),
        ("unsubscribe from talks", "unsubscribe"),
        ("subscribe webinars@lists.example.org", "subscribe"),
    ],
)
def test_subject_is_a_command(subject: str, command: str) -> None:
    assert _told(_mail(subject)) == ("command", command)


@pytest.mark.parametrize(
    ("detail", "command"),
    [
        ("subscribe", "subscribe"),
        ("leave", "unsubscribe"),
        (f"unsubscribe-{TOKEN}", "unsubscribe"),
        (f"confirm-{TOKEN}", "confirm"),
        (f"register-{TOKEN}", "register"),
        (f"skip-{TOKEN}", "skip"),
        (f"approve-{TOKEN}", "approve"),
        ("help", "help"),
        ("programme", "programme"),
        ("owner", "owner"),
        ("announce", "announce"),
    ],
)
def test_address_decides_before_the_text(detail: str, command: str) -> None:
    content = _mail("help", "unsubscribe", to=f"webinars+{detail}@lists.example.org")
    assert _told(content) == ("command", command)


@pytest.mark.parametrize("body", ["", "I would love to hear of your talks.", "word " * 40])
def test_little_text_without_command_is_a_wish(body: str) -> None:
    assert _told(_mail("Hello", body)) == ("subscribe-wish", None)


def test_more_than_forty_words_are_a_message() -> None:
    assert _told(_mail("Hello", "word " * 41)) == ("message", None)


def test_an_attachment_makes_a_message() -> None:
    parts = (
        "--b\nContent-Type: text/plain\n\nsee here\n"
        "--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\nx\n"
        "--b--"
    )
    content = _mail("Hello", parts, fields="Content-Type: multipart/mixed; boundary=b\n")
    assert _told(content) == ("message", None)


@pytest.mark.parametrize(
    ("fields", "to", "expected"),
    [
        ("", "labs@lists.example.org", "labs"),
        ("", "Labs <LABS+subscribe@LISTS.example.org>", "labs"),
        ("", "ben@example.net", None),
        ("Cc: webinars@lists.example.org\n", "ben@example.net", "talks"),
        ("Delivered-To: labs@lists.example.org\n", "undisclosed-recipients:;", "labs"),
        ("X-Original-To: labs@lists.example.org\n", "webinars@lists.example.org", "labs"),
    ],
)
def test_series_is_the_one_it_was_sent_to(fields: str, to: str, expected: str | None) -> None:
    assert classify(_mail("help", to=to, fields=fields), TWO).series == expected


def test_the_only_series_is_meant_where_no_address_tells() -> None:
    assert classify(_mail("help", to="ben@example.net"), ONE).series == "talks"


@pytest.mark.parametrize(
    "fields",
    [
        "Precedence: bulk\n",
        "List-Id: <news.example.com>\n",
        "Auto-Submitted: auto-generated\n",
        "Content-Type: text/calendar; method=REPLY\n",
    ],
)
def test_machine_mail_that_reports_nothing_is_ignored(fields: str) -> None:
    assert _told(_mail("subscribe", fields=fields)) == ("ignored", None)


def test_a_persons_reply_to_the_return_path_is_read_like_any_mail() -> None:
    content = _mail("unsubscribe", to=f"webinars+bounce-{TOKEN}@lists.example.org")
    assert _told(content) == ("command", "unsubscribe")


def test_a_reply_that_quotes_a_bounce_is_no_bounce() -> None:
    found = classify((SAMPLES / "person-quotes-bounce.eml").read_bytes(), ONE)
    assert (found.verdict, found.bounces) == (Verdict.MESSAGE, ())


def test_unsubscribe_button_of_apple_mail_is_a_persons_wish() -> None:
    fields = "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n"
    text = "Apple Mail sent this email to unsubscribe from the message."
    assert _told(_mail("unsubscribe", text, fields=fields)) == ("command", "unsubscribe")
    assert _told(_mail("subscribe", text, fields=fields)) == ("auto-reply", None)


def test_json_has_the_fields_of_the_contract() -> None:
    content = (SAMPLES / "postfix-unknown.eml").read_bytes()
    assert classify(content, ONE).as_json() == {
        "verdict": "bounce",
        "command": None,
        "series": "talks",
        "feedback": None,
        "bounces": [{"address": "ana@example.com", "class": "hard", "status": "5.1.1"}],
    }


def test_every_command_has_a_word() -> None:
    wordless = {AnswerInvitation, Complaint, FreeText, Nothing, ReturnPath}
    assert set(WORDS) == set(get_args(Command)) - wordless


@given(st.binary(max_size=600))
@settings(max_examples=examples(100), deadline=None)
def test_never_raises(content: bytes) -> None:
    assert isinstance(classify(content, ONE), Classification)
