"""Header fields: the whole list as agreed, and no text that ends its field."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.compose import compose
from mailer.message.header import headers_for, token_address
from mailer.message.mark import Personal, mark, without_marks
from mailer.message.quoted import one_line
from tests.examples import examples
from tests.message.lint import lint
from tests.message.sample import NOW, SERIES, VALUES

ADDRESS = mark(Personal.ADDRESS)
LEAVE = mark(Personal.UNSUBSCRIBE)


def fields(**options: object) -> dict[str, str]:
    given = {"series": SERIES, "kind": "reminder", "subject": "S", "language": "en", "date": NOW}
    found = headers_for(**(given | options))  # type: ignore[arg-type]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_every_field_stands_as_agreed() -> None:
    found = headers_for(
        series=SERIES, kind="reminder", subject="Zürich", language="fr", date=NOW, about="iscc"
    )
    assert found == [
        ("From", "Copyright Infrastructure Webinars <webinars@lists.example.org>"),
        ("To", ADDRESS),
        ("Subject", "=?utf-8?Q?Z=C3=BCrich?="),
        ("Date", "Wed, 11 Nov 2026 08:00:00 +0000"),
        ("Message-ID", f"<{mark(Personal.MESSAGE_ID)}@lists.example.org>"),
        ("Content-Language", "fr"),
        ("List-Id", "Copyright Infrastructure Webinars <copyright.lists.example.org>"),
        ("List-Help", "<mailto:webinars+help@lists.example.org>"),
        ("List-Post", "NO"),
        ("List-Owner", "<mailto:webinars+owner@lists.example.org>"),
        (
            "List-Unsubscribe",
            f"<https://webinars.example.org/u/{LEAVE}>,"
            f" <mailto:webinars+unsubscribe-{LEAVE}@lists.example.org>",
        ),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"),
        ("Precedence", "list"),
        ("Feedback-ID", "reminder:copyright:iscc:webinarmail"),
        ("X-Loop", "webinars@lists.example.org"),
    ]


def test_without_pages_leaving_is_by_mail_alone() -> None:
    found = fields(series=replace(SERIES, base_url=""))
    assert found["List-Unsubscribe"] == f"<mailto:webinars+unsubscribe-{LEAVE}@lists.example.org>"
    assert "List-Unsubscribe-Post" not in found


def test_who_has_nothing_to_leave_gets_no_unsubscribe_fields() -> None:
    assert set(fields()) - set(fields(unsubscribe=False)) == {
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    }


def test_an_answer_names_what_it_answers() -> None:
    found = fields(
        answers=True,
        in_reply_to="<3@a.example>",
        references=["<1@a.example>", "<2@a.example>", "<1@a.example>"],
    )
    assert found["Auto-Submitted"] == "auto-replied"
    assert found["In-Reply-To"] == "<3@a.example>"
    assert found["References"] == "<1@a.example> <2@a.example> <3@a.example>"


def test_a_long_thread_keeps_its_first_and_its_last_messages() -> None:
    thread = [f"<{n}@a.example>" for n in range(30)]
    kept = fields(in_reply_to=thread[-1], references=thread)["References"].split(" ")
    assert kept == [thread[0], *thread[-9:]]


@pytest.mark.parametrize(
    "message_id",
    ["", "no", "<a b@c>", "<a@b>\r\nBcc: x", "<a@b", "<é@b>", "<a\0@b>", f"<{LEAVE}@b>",
     "<" + "x" * 300 + "@b>", "<a@b>,<c@d>"],
)  # fmt: skip
def test_a_strange_message_id_is_not_repeated(message_id: str) -> None:
    found = fields(answers=True, in_reply_to=message_id, references=[message_id])
    assert not {"In-Reply-To", "References"} & set(found)


@pytest.mark.parametrize(
    ("reply_to", "written"),
    [
        (Personal.CONFIRM, f"webinars+confirm-{mark(Personal.CONFIRM)}@lists.example.org"),
        (Personal.APPROVE, f"webinars+approve-{mark(Personal.APPROVE)}@lists.example.org"),
        ("jane.o'neil+x@example.org", "jane.o'neil+x@example.org"),
        *[
            (strange, None)
            for strange in ("", "a", "a@b\r\nBcc: c@d", "a@b, c@d", "é@example.org", f"{LEAVE}@b")
        ],
    ],
)
def test_reply_to_is_a_token_address_or_one_plain_mailbox(
    reply_to: Personal | str, written: str | None
) -> None:
    assert fields(reply_to=reply_to).get("Reply-To") == written


def test_token_addresses_use_the_short_local_part() -> None:
    series = replace(SERIES, local="cw", address="copyright-infrastructure-talks@lists.example.org")
    confirm = f"cw+confirm-{mark(Personal.CONFIRM)}@lists.example.org"
    assert token_address(series, Personal.CONFIRM) == confirm
    assert fields(series=series)["List-Help"] == "<mailto:cw+help@lists.example.org>"


def test_somebody_elses_mail_comes_from_the_series() -> None:
    found = fields(via='Jane "J" Doe <jane@example.org>', reply_to="jane@example.org")
    assert found["From"] == (
        '"Jane \\"J\\" Doe <jane@example.org> via Copyright Infrastructure Webinars"'
        " <webinars@lists.example.org>"
    )


def test_the_list_id_stays_when_the_title_changes() -> None:
    for title in ("", "Neu: Zürich", "x" * 300, "a <b.c>", "é" * 200):
        written = fields(series=replace(SERIES, title=title))["List-Id"]
        assert written.endswith("<copyright.lists.example.org>")
        assert written.count("<copyright") == 1
        assert len(written) <= 255


def test_the_date_is_the_instant_in_utc() -> None:
    zurich = timezone(timedelta(hours=1))
    date = fields(date=datetime(2026, 11, 11, 0, 30, tzinfo=zurich))["Date"]
    assert date == "Tue, 10 Nov 2026 23:30:00 +0000"


@pytest.mark.parametrize("language", ["", "e", "en\r\nBcc: x", "en, fr", "é"])
def test_a_strange_language_is_left_out(language: str) -> None:
    assert "Content-Language" not in fields(language=language)


def test_feedback_id_has_four_parts_whatever_they_hold() -> None:
    found = fields(kind="a:b", about="é: \r\n" + "x" * 100)["Feedback-ID"]
    assert found == "a-b:copyright:-" + "x" * 59 + ":webinarmail"


@pytest.mark.parametrize("field", ["subject", "title", "via", "about", "kind", "language"])
@pytest.mark.parametrize(
    "hostile",
    [f"a{end}Bcc: evil@example.org" for end in ("\r\n", "\n", "\r", "\0", "\x85", "\u2028")]
    + ["=?utf-8?Q?a=0D=0ABcc:_evil?=", f"{LEAVE}", "zqmzqmark-address-kramqzark-address-kramqz"],
)
def test_no_text_field_makes_a_header(field: str, hostile: str) -> None:
    if field == "title":
        found = fields(series=replace(SERIES, title=hostile))
    else:
        found = fields(**{field: hostile})
    names = set(fields(via="x")) - ({"Content-Language"} if field == "language" else set())
    assert set(found) == names
    assert all(value.isascii() and value.isprintable() for value in found.values())
    assert str(found).count(LEAVE) == 2
    message = compose(headers=list(found.items()), text="a", html="b").fill(VALUES)
    assert [line for line in message.split(b"\r\n") if line.lower().startswith(b"bcc")] == []


@given(st.text(max_size=200).map(without_marks), st.text(max_size=80))
@settings(deadline=None, max_examples=examples(40))
def test_any_subject_and_title_read_back(subject: str, title: str) -> None:
    series = replace(SERIES, title=f"x {title}")
    found = headers_for(
        series=series, kind="k", subject=f"x {subject}", language="en", date=NOW, via="é"
    )
    message = compose(headers=found, text="a", html="b").fill(VALUES)
    assert lint(message) == []
    read = message_from_bytes(message, policy=policy.SMTP)
    assert read["Subject"] == one_line(f"x {subject}")
    assert read["From"].addresses[0].addr_spec == "webinars@lists.example.org"


def test_a_mail_for_one_person_has_its_date_and_what_it_answers_as_personal_places() -> None:
    fields = dict(
        headers_for(
            series=SERIES,
            kind="reply",
            subject="Help",
            language="en",
            date=None,
            answers=True,
            in_reply_to=Personal.ANSWERED,
        )
    )
    answered = mark(Personal.ANSWERED)
    found = [fields[name] for name in ("Date", "In-Reply-To", "References")]
    assert found == [mark(Personal.DATE), answered, answered]
