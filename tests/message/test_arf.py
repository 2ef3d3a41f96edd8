"""Tests of `mailer.message.arf`: complaints of every type, whole and broken."""

from pathlib import Path

import pytest

from mailer.message.arf import complaint_in, our_tokens, read_complaint
from mailer.message.judgement import Verdict
from mailer.message.report_parts import take_apart

SAMPLES = Path(__file__).parent / "samples"
TOKEN = "abcdefghijklmnopqrstuvwxyz"


def _sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes()


@pytest.mark.parametrize(
    "feedback", ["abuse", "fraud", "not-spam", "opt-out", "auth-failure", "virus", "other"]
)
def test_every_type_of_feedback_is_kept_apart(feedback: str) -> None:
    complaint = read_complaint(take_apart(_sample(f"arf-{feedback}")))
    assert complaint is not None
    assert (complaint.verdict, complaint.feedback) == (Verdict.COMPLAINT, feedback)
    assert complaint.recipients == ("ana@example.com",)


@pytest.mark.parametrize("name", ["arf-redacted", "arf-outlook-jmrp", "arf-as-text", "arf-old-aol"])
def test_token_is_found_where_the_recipient_is_redacted(name: str) -> None:
    assert f"webinars+unsubscribe-{TOKEN}" in our_tokens(take_apart(_sample(name)))


def test_recipient_is_the_field_of_the_provider_before_the_redacted_one() -> None:
    complaint = read_complaint(take_apart(_sample("arf-outlook-jmrp")))
    assert complaint is not None
    assert complaint.recipients == ("ana@example.com",)


def test_token_in_the_returned_return_path_is_found() -> None:
    content = _sample("arf-abuse").replace(
        b"Received: from lists", f"Return-Path: <w+bounce-{TOKEN}@lists.example.org>\n".encode()
        + b"Received: from lists",
    )  # fmt: skip
    assert our_tokens(take_apart(content))[0] == f"w+bounce-{TOKEN}"


def test_type_is_abuse_where_the_report_does_not_say() -> None:
    content = _sample("arf-fraud").replace(b"Feedback-Type: fraud\n", b"")
    complaint = read_complaint(take_apart(content))
    assert complaint is not None
    assert complaint.feedback == "abuse"


def test_type_is_read_from_an_encoded_part() -> None:
    content = _sample("arf-fraud").replace(
        b"message/feedback-report\n\nFeedback-Type: fraud\n",
        b"message/feedback-report\nContent-Transfer-Encoding: base64\n\n"
        b"RmVlZGJhY2stVHlwZTogZnJhdWQK\n",
    )
    complaint = read_complaint(take_apart(content))
    assert complaint is not None
    assert complaint.feedback == "fraud"


@pytest.mark.parametrize(
    "content",
    [
        b"From: ana@example.com\nSubject: abuse\n\nYou abuse my patience.\n",
        b"From: ana@example.com\nSubject: Re: abuse report\n\nI reported it as spam.\n",
        b"From: a@example.com\n\n> Feedback-Type: abuse\n> Version: 1\n> User-Agent: x\n",
        b"",
    ],
)
def test_a_persons_mail_is_no_complaint(content: bytes) -> None:
    assert read_complaint(take_apart(content)) is None


def test_a_bounce_is_no_complaint() -> None:
    assert read_complaint(take_apart(_sample("postfix-unknown"))) is None


def test_every_complaint_among_the_samples_is_seen_at_a_glance() -> None:
    for path in sorted(SAMPLES.glob("*.eml")):
        content = path.read_bytes()
        assert complaint_in(content) == read_complaint(take_apart(content)), path.name
