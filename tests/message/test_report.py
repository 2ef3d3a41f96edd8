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


def _mail(fields: str, body: str) -> bytes:
    return f"{fields.strip()}\n\n{body}\n".encode()


NEWSLETTER = """
Return-Path: <bounces+7@mailer.example.org>
From: Shop <noreply@shop.example.org>
Subject: Your order was not delivered
List-Unsubscribe: <https://shop.example.org/u>
"""
ON_A_LIST = """
Return-Path: <devel-bounces@lists.example.org>
From: Ana <ana@example.com>
Sender: devel-bounces@lists.example.org
List-Id: <devel.lists.example.org>
Subject: a branch
"""


@pytest.mark.parametrize("fields", [NEWSLETTER, ON_A_LIST])
def test_what_a_shop_or_a_list_sends_is_no_report(fields: str) -> None:
    text = "That parcel could not be delivered. The address does not exist: see help@example.org."
    assert judge(_mail(fields, text)) is None


def test_who_writes_without_return_path_and_is_no_server_answers_automatically() -> None:
    thanks = "Return-Path: <>\nFrom: Ana <ana@example.com>\nSubject: Thank you"
    assert _told(judge(_mail(thanks, "I shall answer soon."))) == ("auto-reply", "", "")
    server = "Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nSubject: Hello"
    assert judge(_mail(server, "Nothing of note.")) is None


def test_a_program_that_asks_whether_we_are_human_answers_automatically() -> None:
    fields = "From: ana@example.com\nSubject: RE: Webinar"
    text = "This account is protected by a guard. Please click\nto be added to my guest list."
    assert _told(judge(_mail(fields, text))) == ("auto-reply", "", "")


def test_an_action_above_its_recipient_counts() -> None:
    fields = (
        "From: guard@example.com\nSubject: Re: Webinar\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b"
    )
    text = (
        "--b\n\nWaits.\n--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; example.com\nAction: failed\n\n"
        "Final-Recipient: rfc822; ana@example.com\nStatus: 4.7.0\n\n--b--"
    )
    assert _told(judge(_mail(fields, text))) == ("bounce", "", "ana@example.com,soft,4.7.0")


def test_an_address_in_a_sentence_is_no_recipient_beside_one_in_a_list() -> None:
    fields = "From: Mail Delivery Subsystem <mailer-daemon@example.com>\nSubject: Failure"
    text = (
        "Delivery to the following recipient failed permanently:\n\n     ana@example.com\n\n"
        "Blocked. If you are no spammer, see our pages and then write to us from another address, "
        "namely desk@example.net.\n"
    )
    assert _told(judge(_mail(fields, text))) == ("bounce", "", "ana@example.com,block,")


REASONS = """From: Mail Delivery System <mailer-daemon@mx.example.net>
Subject: Mail delivery failed: returning message to sender

The following addresses failed:
{list}
  ana@example.com
    after RCPT TO:<ana@example.com>: 550 5.2.2 <ana@example.com>... mailbox full
  bob@example.com
    after RCPT TO:<bob@example.com>: 550 5.1.1 <bob@example.com>... user unknown
"""


@pytest.mark.parametrize("names", ["", "  ana@example.com\n  bob@example.com\n"])
def test_each_recipient_has_the_reason_that_stands_beside_it(names: str) -> None:
    """Although it is named again in the reason itself, or all are named before the reasons."""
    told = _told(judge(REASONS.format(list=names).encode()))
    assert told == ("bounce", "", "ana@example.com,full,5.2.2 bob@example.com,hard,5.1.1")


def test_who_is_greeted_is_not_who_was_not_reached() -> None:
    fields = "From: MAILER-DAEMON@example.com\nSubject: Mail Delivery Problem"
    text = "Sorry ben@example.net. Your mail was refused.\nIt was for ana@example.com, not here."
    assert _told(judge(_mail(fields, text)))[2].startswith("ana@example.com,")


def test_no_mail_makes_the_fallback_write_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    content = b"Return-Path: <>\nSubject: failure notice\nFrom: MAILER-DAEMON\n\nundeliverable"
    judge(content)
    judge(content.replace(b"From: MAILER-DAEMON\n", b""))
    assert caplog.records == []


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
