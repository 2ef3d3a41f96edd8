"""Tests of how words that are read the other way are kept together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from mailer.message.bidi import digits_in_order, isolated_html, isolated_text
from mailer.message.mark import Personal, mark
from tests.examples import examples


def shown(text: str) -> str:
    """With what nobody sees made visible."""
    return text.replace("\u2066", "{L").replace("\u2068", "{").replace("\u2069", "}")


@pytest.mark.parametrize(
    ("text", "direction", "isolated"),
    [
        ("Content codes", "rtl", "{Content codes}"),
        ("Content codes", "ltr", "Content codes"),
        ("رمز المحتوى", "ltr", "{رمز المحتوى}"),
        ("رمز المحتوى", "rtl", "رمز المحتوى"),
        ("“Codes” (12)", "rtl", "{“Codes” (12)}"),
        ("12", "rtl", "12"),
        ("31/01/2030", "rtl", "31/01/2030"),
        ("", "rtl", ""),
        ("اللغة fr", "rtl", "اللغة fr"),
        ("Ada <https://ada.example.org>", "rtl", "{Ada <https://ada.example.org>}"),
        ("ada@example.org", "rtl", "ada@example.org"),
        ("https://ada.example.org/", "rtl", "https://ada.example.org/"),
        ("Ada, ada@example.org", "rtl", "Ada, ada@example.org"),
        (mark(Personal.ADDRESS), "rtl", mark(Personal.ADDRESS)),
        (f"to {mark(Personal.CONFIRM)}", "rtl", f"to {mark(Personal.CONFIRM)}"),
    ],
)
def test_text_that_begins_the_other_way_is_isolated_but_for_what_is_copied(
    text: str, direction: str, isolated: str
) -> None:
    assert shown(isolated_text(text, direction)) == isolated


def test_what_is_isolated_already_does_not_count() -> None:
    when = f"{digits_in_order('12:00 UTC', 'rtl')} بتوقيت زيورخ"
    assert shown(isolated_text(when, "rtl")) == "{L12:00 UTC} بتوقيت زيورخ"


def test_figures_are_put_in_order_where_text_runs_to_the_left() -> None:
    assert shown(digits_in_order("13:00–14:00", "rtl")) == "{L13:00–14:00}"
    assert digits_in_order("13:00–14:00", "ltr") == "13:00–14:00"


@pytest.mark.parametrize(
    ("text", "direction", "html"),
    [
        ("Codes & co", "rtl", '<span dir="ltr">Codes &amp; co</span>'),
        ("Codes & co", "ltr", "Codes &amp; co"),
        (Markup("<b>رمز</b>"), "ltr", '<span dir="rtl"><b>رمز</b></span>'),
        (Markup('<a href="mailto:ada@example.org">رمز</a>'), "rtl", None),
        ("ada@example.org", "rtl", '<span dir="ltr">ada@example.org</span>'),
    ],
)
def test_html_is_isolated_by_an_element(text: str, direction: str, html: str | None) -> None:
    assert isolated_html(text, direction) == (html or text)


@settings(max_examples=examples(200))
@given(st.text(max_size=30), st.sampled_from(["ltr", "rtl"]))
def test_nothing_is_lost_and_markup_stays_escaped(text: str, direction: str) -> None:
    assert isolated_text(text, direction).removeprefix("\u2068").removesuffix("\u2069") in (
        text,
        text.removeprefix("\u2068").removesuffix("\u2069"),
    )
    assert isolated_html(text, direction).count("<") in (0, 2)
