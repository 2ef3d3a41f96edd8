"""Tests of `mailer.message.report`: what each system's report is taken for, and who it names.

The mails in ``samples`` are made for these tests, in the styles of the systems they are named for.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.report import Judgement, judge
from tests.examples import examples

SAMPLES = Path(__file__).parent / "samples"


def _expected() -> list[tuple[str, str, str, str]]:
    rows = (SAMPLES / "expected.tsv").read_text(encoding="utf-8").splitlines()
    cells = [row.split("\t") + [""] * 3 for row in rows if not row.startswith("#")]
    return [(name, verdict, feedback, bounces) for name, verdict, feedback, bounces, *_ in cells]


def _told(judgement: Judgement | None) -> tuple[str, str, str]:
    if judgement is None:
        return "-", "", ""
    bounces = (f"{one.address},{one.cls},{one.status}" for one in judgement.bounces)
    return judgement.verdict, judgement.feedback or "", " ".join(bounces)


@pytest.mark.parametrize(("name", "verdict", "feedback", "bounces"), _expected())
def test_sample_is_judged_as_expected(name: str, verdict: str, feedback: str, bounces: str) -> None:
    content = (SAMPLES / f"{name}.eml").read_bytes()
    assert _told(judge(content)) == (verdict, feedback, bounces)


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_line_endings_make_no_difference(ending: bytes) -> None:
    for name, verdict, feedback, bounces in _expected():
        content = (SAMPLES / f"{name}.eml").read_bytes().replace(b"\n", ending)
        assert (name, *_told(judge(content))) == (name, verdict, feedback, bounces)


SES_NOTICE = b"""From: AWS Notifications <no-reply@sns.example.com>
Subject: AWS Notification Message

{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General",
"bouncedRecipients":[{"emailAddress":"ana@example.com","status":"5.1.1","diagnosticCode":
"smtp; 550 5.1.1 user unknown"}]},"mail":{"destination":["ana@example.com"]}}

--
To stop these notices, follow the link.
"""


def test_notice_of_amazon_ses_is_a_bounce() -> None:
    assert _told(judge(SES_NOTICE)) == ("bounce", "", "ana@example.com,hard,5.1.1")


def test_notice_of_amazon_ses_may_be_a_complaint() -> None:
    content = SES_NOTICE.partition(b"{")[0] + (
        b'{"notificationType":"Complaint","complaint":{"complaintFeedbackType":"abuse",'
        b'"complainedRecipients":[{"emailAddress":"ana@example.com"}]},"mail":{}}'
    )
    judgement = judge(content)
    assert _told(judgement) == ("complaint", "abuse", "")
    assert judgement is not None
    assert judgement.recipients == ("ana@example.com",)


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.1.1", ("bounce", "", "ana@example.com,hard,5.1.1")),
        ("failed", "4.4.7", ("bounce", "", "ana@example.com,soft,4.4.7")),
        ("failed", "5.2.2", ("bounce", "", "ana@example.com,full,5.2.2")),
        ("failed", "5.7.1", ("bounce", "", "ana@example.com,block,5.7.1")),
        ("failed", "5.0.0", ("bounce", "", "ana@example.com,unknown,5.0.0")),
        ("Failed (permanent)", "5.1.2", ("bounce", "", "ana@example.com,hard,5.1.2")),
        ("delayed", "4.4.1", ("delay", "", "ana@example.com,soft,4.4.1")),
        ("delayed", "5.1.1", ("delay", "", "ana@example.com,soft,5.1.1")),
        ("delivered", "2.0.0", ("success", "", "")),
        ("relayed (to non-DSN-aware mailer)", "2.0.0", ("success", "", "")),
        ("expanded (to multi-recipient alias)", "2.0.0", ("success", "", "")),
    ],
)
def test_action_and_status_decide(action: str, status: str, expected: tuple[str, str, str]) -> None:
    content = (
        "From: postmaster@example.com\nSubject: Report\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nA report.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n"
        f"Final-Recipient: rfc822; ana@example.com\nAction: {action}\nStatus: {status}\n\n--b--\n"
    )
    assert _told(judge(content.encode())) == expected


@given(st.binary(max_size=800))
@settings(max_examples=examples(100), deadline=None)
def test_any_bytes_are_judged_without_an_error(content: bytes) -> None:
    judged = judge(content)
    assert judged is None or isinstance(judged, Judgement)


@given(st.sampled_from(_expected()), st.data())
@settings(max_examples=examples(150), deadline=None)
def test_damaged_reports_are_judged_without_an_error(
    row: tuple[str, str, str, str], data: st.DataObject
) -> None:
    content = (SAMPLES / f"{row[0]}.eml").read_bytes()
    first = data.draw(st.integers(0, len(content)))
    last = data.draw(st.integers(first, len(content)))
    garbage = data.draw(st.binary(max_size=40))
    judged = judge(content[:first] + garbage + content[last:])
    assert judged is None or isinstance(judged, Judgement)
