"""What an organiser writes: the lines at the top, the text, and every fault with its line."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config.model import Series
from mailer.errors import AnnouncementError
from mailer.files.announcement_md import KEYS, Manuscript, moment, of_fields, read
from scheduler.model import Audience
from tests.examples import examples

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SERIES = Series(
    id="copyright", title="Talks", address="webinars@lists.example.org", timezone="Europe/Zurich"
)


def taken(text: str, **more: object) -> Manuscript:
    return read(text, SERIES, now=NOW, source="news.md", **more)  # type: ignore[arg-type]


def faults(text: str, **more: object) -> list[str]:
    with pytest.raises(AnnouncementError) as caught:
        taken(text, **more)
    return [str(fault) for fault in caught.value.faults]


def test_a_whole_file() -> None:
    text = (
        "---\n"
        "# what comes\n"
        'subject: "News: what comes"\n'
        "AT: 2026-12-01 09:00\n"
        "expires: 2d\n"
        "audience: registered\n"
        "webinar: iscc\n"
        "language: pt-br\n"
        "---\n"
        "\n"
        "Dear all,\n"
        "\n"
        "---\n"
        "a rule above\n"
    )
    at = datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert taken(text) == Manuscript(
        subject="News: what comes",
        body="Dear all,\n\n---\na rule above",
        at=at,
        expires_at=at + timedelta(days=2),
        audience=Audience.REGISTERED,
        webinar="iscc",
        language="pt-BR",
    )


def test_the_lines_may_stand_at_the_top_without_a_fence() -> None:
    text = (
        "\r\n\r\nsubject: News\r\n\r\nat: 2026-12-01 09:00\r\n\r\nDear all,\r\nsubject: no key\r\n"
    )
    made = taken(text)
    assert (made.subject, made.body) == ("News", "Dear all,\nsubject: no key")
    assert made.at == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_a_first_line_that_only_looks_like_a_key_is_text() -> None:
    assert taken("Note: bring a pen.", subject="News").body == "Note: bring a pen."


def test_a_mails_subject_counts_where_the_text_names_none() -> None:
    assert taken("Dear all", subject="News").subject == "News"
    assert taken("subject: Other\n\nDear all", subject="News").subject == "Other"


def test_another_version_keeps_what_it_does_not_say_anew() -> None:
    old = taken("---\nsubject: News\nat: 2026-12-01 09:00\nwebinar: iscc\n---\nold")
    assert taken("new", before=old) == Manuscript(
        subject="News", body="new", at=old.at, webinar="iscc"
    )
    moved = taken("at: 2026-12-02 09:00\n\nnew", subject="Other", before=old)
    assert (moved.subject, moved.at) == ("Other", datetime(2026, 12, 2, 8, tzinfo=UTC))


def test_a_time_beside_the_file_holds_instead_of_its_own() -> None:
    made = taken("---\nsubject: a\nat: 2026-12-01 09:00\n---\nb", at="2026-12-03 10:00")
    assert made.at == datetime(2026, 12, 3, 9, tzinfo=UTC)
    assert faults("subject: a\n\nb", at="soon") == [
        "at: found 'soon', expected a time such as 2026-11-25 09:00, with Z, +01:00 or "
        "Europe/London behind it if need be"
    ]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-01 09:00", "2026-12-01T08:00:00+00:00"),
        ("2026-07-01T09:00", "2026-07-01T07:00:00+00:00"),
        ("2026-12-01T09:00:30", "2026-12-01T08:00:30+00:00"),
        ("2026-12-01 09:00Z", "2026-12-01T09:00:00+00:00"),
        ("2026-12-01 09:00+05:30", "2026-12-01T03:30:00+00:00"),
        ("2026-12-01 09:00 Europe/London", "2026-12-01T09:00:00+00:00"),
        ("2026-12-01 09:00 UTC", "2026-12-01T09:00:00+00:00"),
        ("2026-12-01", None),
        ("2026-12-01 09:00 Europe/Atlantis", None),
        ("tomorrow", None),
        ("0001-01-01 00:00+23:59", None),
        ("", None),
    ],
)
def test_times_are_the_series_clock_unless_they_say_another(text: str, instant: str | None) -> None:
    found = moment(text, SERIES)
    assert found == (None if instant is None else datetime.fromisoformat(instant))


def test_every_fault_is_told_with_its_line() -> None:
    text = (
        "---\n"
        "subjekt: News\n"
        "at: 2026-10-01 09:00\n"
        "at: 2026-12-01 09:00\n"
        "expires: 2031-01-01 00:00\n"
        "audience: registred\n"
        "language: english\n"
        "webinar: No Such\n"
        "what is this\n"
        "---\n"
    )
    assert faults(text) == [
        "line 2, subjekt: found an unknown key, expected one of "
        "subject, at, expires, audience, webinar, language (did you mean subject?)",
        "line 4, at: found the key once more, expected it once; line 3 has it",
        "line 9: found 'what is this', expected a line such as subject: What is new",
        "line 11: found nothing, expected the text of the announcement below the lines at the top",
        "subject: found nothing, expected one line of text that is not empty",
        "line 3, at: found '2026-10-01 09:00', expected a time that is still to come",
        "line 5, expires: found '2031-01-01 00:00', expected a time within two years",
        "line 6, audience: found 'registred', expected one of "
        "subscribed, registered, unregistered (did you mean registered?)",
        "line 8, webinar: found 'No Such', expected an id of 1 to 64 lower-case letters a-z, "
        "digits and hyphens",
        "line 7, language: found 'english', expected a language tag such as en, fr or zh-Hans",
    ]


def test_a_fence_that_is_not_closed() -> None:
    assert faults("---\nsubject: a\nDear all: hello\n") == [
        "line 3: found 'Dear all: hello', expected a line such as subject: What is new",
        "line 1: found ---, expected a second --- where the lines at the top end",
    ]


def test_an_audience_needs_the_webinar_that_people_register_for() -> None:
    (fault,) = faults("subject: a\naudience: unregistered\n\nb")
    assert fault == (
        "line 2, audience: found unregistered, expected a webinar beside it, for that is what "
        "people register for (add a line webinar: ID)"
    )


def test_it_cannot_expire_before_it_is_due() -> None:
    (fault,) = faults("subject: a\nat: 2026-12-02 09:00\nexpires: 2026-12-01 09:00\n\nb")
    assert fault.startswith("line 3, expires: found 2026-12-01 08:00 UTC, expected a time after")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [("x" * 201, "at most 200"), ("a\x00b", "one line without control characters")],
)
def test_subjects_have_limits(subject: str, expected: str) -> None:
    (fault,) = faults("text", subject=subject)
    assert fault.startswith("subject: found ")
    assert fault.endswith(f"expected {expected}")


def test_texts_have_limits() -> None:
    assert taken("x" * 20_000, subject="a").body == "x" * 20_000
    assert faults("x" * 20_001, subject="a") == [
        "line 1: found the text, expected at most 20000 characters"
    ]
    assert faults("a\x07b", subject="a") == [
        "line 1: found the text, expected text without control characters"
    ]


def test_a_form_says_the_same_as_a_file() -> None:
    given_ = {"subject": "News", "at": "2026-12-01T09:00", "expires": "2d", "audience": ""}
    assert of_fields(given_, "Text.", SERIES, now=NOW) == taken(
        "subject: News\nat: 2026-12-01 09:00\nexpires: 2d\n\nText."
    )


def test_a_form_is_told_its_fields_and_no_lines() -> None:
    with pytest.raises(AnnouncementError) as caught:
        of_fields({"at": "soon", "audience": "registered"}, "a\x07b", SERIES, now=NOW)
    assert [fault.where for fault in caught.value.faults] == ["text", "subject", "at", "audience"]


_LINES = st.one_of(
    st.sampled_from(["---", "", "subject: News", "at: 2026-12-01 09:00", "at:", "expires: 1d"]),
    st.builds("{}: {}".format, st.sampled_from(KEYS), st.text(max_size=20)),
    st.text(max_size=30),
)


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(_LINES, max_size=8).map("\n".join))
def test_any_text_is_taken_or_its_faults_are_told(text: str) -> None:
    with contextlib.suppress(AnnouncementError):
        made = taken(text)
        assert made.subject
        assert made.body
        assert made.at is None or made.at > NOW
