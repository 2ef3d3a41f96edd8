"""What each field may hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.files import fields
from mailer.files.draft import describe
from mailer.files.fields import Unfit
from tests.examples import examples

CHECKS: list[Callable[[object], object]] = [
    fields.line_of_text,
    fields.named_line,
    fields.markdown,
    fields.identifier,
    fields.web_url,
    fields.language_tag,
    fields.zone_name,
    fields.webinar_span,
    fields.capacity,
    fields.flag,
]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://localhost:8080/a?b=c#d",
        "https://example.org/straße",
        "https://[2001:db8::1]/",
        "",
    ],
)
def test_web_addresses_pass(url: str) -> None:
    assert fields.web_url(f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://example.org",
        "//example.org",
        "example.org",
        "https://",
        "https://user@example.org",
        "https://exa mple.org",
        'https://example.org/"onclick',
        "https://example.org/<b>",
        "https://example.org/\r\nBcc:x",
        "https://example.org/\u2028x",
        "https://example.org:x/",
        "https://[",
        "https:\\\\example.org",
        "https://example.org/" + "a" * 2000,
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(Unfit):
        fields.web_url(url)


@pytest.mark.parametrize("text", ["a\r\nBcc: b", "a\0", "a\x85b", "a\u2028b", "a\u2029b", "a\tb"])
def test_one_line_holds_no_control_character(text: str) -> None:
    with pytest.raises(Unfit):
        fields.line_of_text(text)


def test_markdown_keeps_lines_and_tabs_with_plain_line_ends() -> None:
    assert fields.markdown("\r\na\r\n\tb\rc\n") == "a\n\tb\nc"


@pytest.mark.parametrize("given_id", ["", "A", "a b", "a.b", "w", "feed", "a" * 65, "ä", 5])
def test_an_id_must_fit_into_a_page_address(given_id: object) -> None:
    with pytest.raises(Unfit):
        fields.identifier(given_id)


def test_language_tags_take_their_usual_form() -> None:
    tags = ["EN", "pt-br", "zh-hans", "ZH-HANT-tw", "es-419"]
    assert [fields.language_tag(tag) for tag in tags] == [
        "en",
        "pt-BR",
        "zh-Hans",
        "zh-Hant-TW",
        "es-419",
    ]


def test_a_zone_almost_right_gets_a_hint() -> None:
    with pytest.raises(Unfit) as caught:
        fields.zone_name("europe/zürich")
    assert caught.value.hint == "did you mean Europe/Zurich?"


def test_a_duration_is_more_than_nothing_and_at_most_a_day() -> None:
    assert fields.webinar_span("24h") == timedelta(hours=24)
    for wrong in ("0m", "1441m", "1h30m", "-1h", timedelta(seconds=-1), 60):
        with pytest.raises(Unfit):
            fields.webinar_span(wrong)


anything = st.one_of(
    st.text(max_size=80),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.none(),
    st.timedeltas(),
    st.datetimes(),
    st.lists(st.text(max_size=3), max_size=3),
)


@given(st.sampled_from(CHECKS), anything)
@settings(max_examples=examples(200), deadline=None)
def test_a_check_gives_a_value_that_passes_again_or_says_unfit(
    check: Callable[[object], object], value: object
) -> None:
    try:
        clean = check(value)
    except Unfit:
        return
    assert check(clean) == clean


@given(anything)
@settings(max_examples=examples(100), deadline=None)
def test_whatever_is_found_can_be_described_on_one_line(value: object) -> None:
    assert describe(value).isprintable()
