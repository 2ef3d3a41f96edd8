"""Answers that calendar programs send to an invitation, as they write them; and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.address import Address
from mailer.message.invitation_answer import InvitationAnswer, read_answer
from mailer.message.parse import parse
from tests.examples import examples

UID = "3dca97b4-4ded-5e7c-b06e-76c5585f2f4a"
ANA = Address(key="ana@example.net", mailbox="Ana@example.net")


def answer(*lines: str, method: str = "REPLY") -> str:
    head = ["BEGIN:VCALENDAR", "PRODID:-//Example//EN", "VERSION:2.0", f"METHOD:{method}"]
    event = ["BEGIN:VEVENT", f"UID:{UID}", "DTSTAMP:20261002T080000Z", *lines, "END:VEVENT"]
    return "\r\n".join([*head, *event, "END:VCALENDAR", ""])


ACCEPTED = answer("SEQUENCE:1", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Ana:mailto:Ana@example.net")


def mail(calendar: str, content_type: str = "text/calendar; method=REPLY; charset=utf-8") -> bytes:
    return (
        "From: Ana <Ana@example.net>\r\nTo: webinars@lists.example.org\r\n"
        "Subject: Accepted: Matching\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nAna has accepted.\r\n"
        f"--b\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{calendar}\r\n--b--\r\n"
    ).encode()


def read(content: bytes) -> InvitationAnswer | None:
    return read_answer(parse(content))


def test_an_answer_says_who_comes_to_which_version() -> None:
    assert read(mail(ACCEPTED)) == InvitationAnswer(uid=UID, sequence=1, attendee=ANA, comes=True)


@pytest.mark.parametrize(
    ("line", "comes"),
    [
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:Ana@example.net", False),
        ("ATTENDEE;PARTSTAT=TENTATIVE:MAILTO:Ana@example.net", True),
        ('ATTENDEE;CN="Ana: here; there";PARTSTAT=ACCEPTED:mailto:Ana@example.net', True),
        ('attendee;cn=Ana;partstat="declined":mailto:Ana@example.net', None),
        ("ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACC\r\n EPTED:mailto:Ana@exam\r\n\tple.net", True),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:Ana%40example.net", False),
        ("ATTENDEE;PARTSTAT=DELEGATED:mailto:Ana@example.net", None),
        ("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:Ana@example.net", None),
        ("ATTENDEE:mailto:Ana@example.net", None),
        ("ATTENDEE;PARTSTAT=ACCEPTED:https://example.net", None),
    ],
)
def test_what_its_attendee_says_decides(line: str, comes: bool | None) -> None:
    found = read(mail(answer(line)))
    expected = InvitationAnswer(uid=UID, sequence=None, attendee=ANA, comes=bool(comes))
    assert found == (None if comes is None else expected)


@pytest.mark.parametrize("content_type", ["application/ics; name=invite.ics", "text/calendar"])
def test_the_type_need_not_say_the_method(content_type: str) -> None:
    assert read(mail(ACCEPTED, content_type)) is not None


@pytest.mark.parametrize("method", ["REQUEST", "COUNTER", "CANCEL", "PUBLISH", ""])
def test_another_method_is_no_answer(method: str) -> None:
    assert (
        read(mail(answer("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example", method=method))) is None
    )


def test_what_is_about_another_event_is_no_answer() -> None:
    assert read(mail(ACCEPTED.replace(UID, "somebody@else.example"))) is None


def test_the_first_event_counts() -> None:
    other = ACCEPTED.replace("ACCEPTED", "DECLINED").partition("METHOD:REPLY\r\n")[2]
    assert read(mail(ACCEPTED.replace("END:VCALENDAR\r\n", other))) == read(mail(ACCEPTED))


def test_a_mail_without_calendar_is_no_answer() -> None:
    assert read(b"Subject: Accepted: Matching\r\n\r\nMETHOD:REPLY\r\n") is None


LINES = st.sampled_from([*ACCEPTED.split("\r\n"), "BEGIN:VEVENT", ";:", '"', " folded", "\x85", ""])


@given(st.lists(LINES | st.text(max_size=40), max_size=20))
@settings(max_examples=examples(300), deadline=None)
def test_no_calendar_makes_it_raise(lines: list[str]) -> None:
    content = mail("\r\n".join(lines).encode("utf-8", "replace").decode())
    found = read(content)
    assert found is None or found.uid == UID
