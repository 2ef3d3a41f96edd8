"""Tests of how a time is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message import moment
from mailer.message.moment import Span
from tests.examples import examples

ZURICH = Span(
    starts_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
    ends_at=datetime(2026, 11, 25, 13, tzinfo=UTC),
    zone="Europe/Zurich",
)
SIX = ("en", "fr", "es", "ru", "ar", "zh")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Wednesday, 25 November 2026, 13:00–14:00 Zurich time (12:00–13:00 UTC)"),
        ("fr", "mercredi 25 novembre 2026, 13:00–14:00, heure de Zurich (12:00–13:00 UTC)"),
        (
            "es",
            "miércoles, 25 de noviembre de 2026, 13:00–14:00, hora de Zúrich (12:00–13:00 UTC)",
        ),
        ("ru", "среда, 25 ноября 2026\u202fг., 13:00–14:00, Цюрих (12:00–13:00 UTC)"),
        (
            "ar",
            "الأربعاء، 25 نوفمبر 2026، \u206613:00–14:00\u2069 بتوقيت زيورخ"
            " (\u206612:00–13:00 UTC\u2069)",
        ),
        ("zh", "2026年11月25日星期三 苏黎世时间 13:00–14:00（12:00–13:00 UTC）"),
    ],
)
def test_a_webinar_is_told_in_its_own_zone_and_in_utc(language: str, told: str) -> None:
    assert moment.when(ZURICH, language) == told


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "07:00–08:00 New York time"),
        ("fr", "07:00–08:00, heure de New York"),
        ("es", "07:00–08:00, hora de Nueva York"),
        ("ru", "07:00–08:00, Нью-Йорк"),
        ("ar", "\u206607:00–08:00\u2069 بتوقيت نيويورك"),
        ("zh", "纽约时间 07:00–08:00"),
    ],
)
def test_a_reader_elsewhere_is_told_their_own_time(language: str, told: str) -> None:
    assert moment.for_reader(ZURICH, "America/New_York", language) == told


def test_a_reader_for_whom_it_is_another_day_is_told_the_day() -> None:
    assert moment.for_reader(ZURICH, "Pacific/Auckland", "en") == (
        "Thursday, 26 November 2026, 01:00–02:00 Auckland time"
    )


@pytest.mark.parametrize(
    "zone", ["Europe/Zurich", "Europe/Paris", "UTC", "Etc/UTC", "No/Where", ""]
)
def test_a_reader_whose_clock_says_nothing_new_is_told_nothing(zone: str) -> None:
    assert moment.for_reader(ZURICH, zone, "en") == ""


def test_utc_is_told_with_its_day_where_that_is_another_one() -> None:
    auckland = Span(
        starts_at=datetime(2026, 11, 25, 20, tzinfo=UTC),
        ends_at=datetime(2026, 11, 25, 21, tzinfo=UTC),
        zone="Pacific/Auckland",
    )
    assert moment.when(auckland, "en") == (
        "Thursday, 26 November 2026, 09:00–10:00 Auckland time"
        " (Wednesday, 25 November 2026, 20:00–21:00 UTC)"
    )


def test_a_webinar_in_utc_is_told_once() -> None:
    span = Span(starts_at=ZURICH.starts_at, ends_at=ZURICH.ends_at, zone="UTC")
    assert moment.when(span, "en") == "Wednesday, 25 November 2026, 12:00–13:00 UTC"


def test_a_zone_without_a_city_is_told_by_its_offset() -> None:
    assert moment.instant(ZURICH.starts_at, "Etc/GMT+5", "en") == (
        "Wednesday, 25 November 2026, 07:00 UTC-05:00"
    )


def test_summer_and_winter_keep_the_wall_clock_and_move_utc() -> None:
    summer = Span(
        starts_at=datetime(2026, 7, 1, 11, tzinfo=UTC),
        ends_at=datetime(2026, 7, 1, 12, tzinfo=UTC),
        zone="Europe/Zurich",
    )
    assert moment.when(summer, "en") == (
        "Wednesday, 1 July 2026, 13:00–14:00 Zurich time (11:00–12:00 UTC)"
    )


def test_a_clock_change_elsewhere_during_the_webinar_is_told() -> None:
    # London goes back at 01:00 UTC; Lagos stays at UTC+1.
    span = Span(
        starts_at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ends_at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        zone="Africa/Lagos",
    )
    assert moment.for_reader(span, "Europe/London", "en") == "01:30–01:30 London time"


def test_what_lasts_longer_than_a_day_names_the_day_it_ends_on() -> None:
    span = Span(
        starts_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        ends_at=datetime(2026, 11, 27, 12, tzinfo=UTC),
        zone="UTC",
    )
    assert moment.when(span, "en") == ("Wednesday, 25 November 2026, 12:00 – 2026-11-27 12:00 UTC")


def test_a_subject_gets_the_short_form() -> None:
    assert moment.briefly(ZURICH, "en") == "Wed 25 Nov, 13:00 Zurich time"
    assert moment.briefly(ZURICH, "fr") == "mer. 25 nov., 13:00, heure de Zurich"
    assert moment.day_of(ZURICH, "en") == "25 November 2026"


def test_french_has_a_first_of_the_month_and_elides_before_a_vowel() -> None:
    assert moment.full_date(date(2026, 12, 1), "fr") == "mardi 1er décembre 2026"
    assert moment.long_date(date(2026, 12, 1), "fr") == "1er décembre 2026"
    assert moment.short_date(date(2026, 12, 1), "fr") == "mar. 1er déc."
    assert moment.long_date(date(2026, 12, 21), "fr") == "21 décembre 2026"
    assert moment.instant(ZURICH.starts_at, "Europe/Athens", "fr") == (
        "mercredi 25 novembre 2026, 14:00, heure d’Athènes"
    )


def test_an_unknown_language_is_told_in_english() -> None:
    assert moment.long_date(date(2026, 12, 1), "x-nothing") == "1 December 2026"
    assert moment.direction("x-nothing") == "ltr"


def test_things_in_a_row_are_parted_as_the_language_does_it() -> None:
    assert [moment.listed(("a", "b"), language) for language in SIX] == (
        ["a, b"] * 4 + ["a، b", "a、b"]
    )


def test_languages_have_names_and_a_direction() -> None:
    assert moment.language_name("fr", "en") == "French"
    assert moment.language_name("en", "fr") == "anglais"
    assert moment.language_name("Klingon!", "en") == "Klingon!"
    assert [moment.direction(language) for language in SIX] == ["ltr"] * 4 + ["rtl", "ltr"]


@given(
    st.sampled_from(SIX),
    st.integers(631_152_000, 3_786_912_000),  # 1990 to 2090
    st.sampled_from(["Europe/Zurich", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo"]),
    st.sampled_from(["America/St_Johns", "Asia/Tehran", "UTC", "nowhere"]),
)
@settings(max_examples=examples(100), deadline=None)
def test_digits_are_western_in_every_language(
    language: str, at: int, zone: str, reader: str
) -> None:
    start = datetime.fromtimestamp(at, UTC)
    span = Span(starts_at=start, ends_at=start, zone=zone)
    told = (
        moment.when(span, language)
        + moment.for_reader(span, reader, language)
        + moment.briefly(span, language)
        + moment.instant(span.starts_at, reader, language)
    )
    assert {letter for letter in told if letter.isdecimal()} <= set("0123456789")
    assert "AM" not in told
    assert "PM" not in told


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(days=41), "in 6 weeks"),
        (timedelta(days=13, hours=20), "in 14 days"),
        (timedelta(hours=43), "in 43 hours"),
        (timedelta(minutes=150), "in 150 minutes"),
        (timedelta(seconds=20), "in 20 seconds"),
    ],
)
def test_a_countdown_is_told_in_the_unit_that_says_enough(span: timedelta, told: str) -> None:
    assert moment.ahead(span, "en") == told


def test_a_countdown_is_told_in_every_language() -> None:
    told = [moment.ahead(timedelta(days=5), language) for language in SIX]
    assert told == ["in 5 days", "dans 5 jours", "dentro de 5 días", "через 5 дней",
        "خلال 5 أيام", "5天后"]  # fmt: skip
