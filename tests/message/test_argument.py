"""What stands behind a command's word."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.argument import (
    read_date,
    read_language,
    read_number,
    read_token,
    read_zone,
)
from mailer.message.phrase import plain, words_of
from tests.examples import examples

DAY = date(2026, 10, 28)


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-28",
        "2026/10/28",
        "2026.10.28",
        "28.10.2026",
        "28/10/2026",
        "28-10-2026",
        "10/28/2026",
        "28.10.26",
        "28 October 2026",
        "28th of October 2026",
        "October 28, 2026",
        "the 28th of oct. 2026",
        "28 octobre 2026",
        "le 28 octobre 2026",
        "28 de octubre de 2026",
        "28 октября 2026 г.",
        "28-го октября 2026 года",
        "28 أكتوبر 2026",
        "٢٨/١٠/٢٠٢٦",
        "28 تشرين الأول 2026",
        "2026年10月28日",
        "２０２６年１０月２８日",
        "2026 October 28",
    ],
)
def test_date_is_read_as_people_write_it(text: str) -> None:
    assert read_date(words_of(plain(text))) == DAY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "28",
        "28 October",
        "31.02.2026",
        "99.99.2026",
        "October 2026",
        "2026",
        "28 10 20261",
        "28.10.1999",
        "tomorrow",
        "28 foo 2026",
        "28 October October",
        "1 2 3 4",
    ],
)
def test_what_is_no_whole_date_is_none(text: str) -> None:
    assert read_date(words_of(plain(text))) is None


def test_first_of_a_month_in_french() -> None:
    assert read_date(["1er", "mars", "2027"]) == date(2027, 3, 1)


@settings(max_examples=examples(100), deadline=None)
@given(
    st.dates(date(2000, 1, 1), date(2199, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d %B %Y", "%Y年%m月%d日"]),
)
def test_every_day_is_read_back(day: date, form: str) -> None:
    assert read_date(words_of(plain(day.strftime(form)))) == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("#12", 12),
        ("no. 12", 12),
        ("No12", 12),
        ("№12", 12),
        ("webinar number 12", 12),
        ("١٢", 12),
        ("第12场", 12),
        ("", None),
        ("12 13", None),
        ("twelve", None),
        ("1234567890", None),
        ("12a", None),
        ("-1", 1),
    ],
)
def test_number_is_read_with_the_words_around_it(text: str, number: int | None) -> None:
    assert read_number(words_of(plain(text))) == number


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Zurich", "Europe/Zurich"),
        ("to Europe/Zurich.", "Europe/Zurich"),
        ("UTC", "UTC"),
        ("America/New York", "America/New_York"),
        ("America/Argentina/Ushuaia",) * 2,
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("", None),
        ("for me", None),
        ("../../etc/passwd", None),
        ("/etc/passwd", None),
        ("Europe/Zürich", None),
        ("a/b/c/d", None),
    ],
)
def test_zone_is_handed_on_as_written(text: str, zone: str | None) -> None:
    assert read_zone(words_of(text)) == zone


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("fr", "fr"),
        ("to fr", "fr"),
        ("en", "en"),
        ("zh-Hant", "zh-Hant"),
        ("zh_TW", "zh-TW"),
        ("FRANÇAIS", "fr"),
        ("français", "fr"),
        ("en français", "fr"),
        ("русский", "ru"),
        ("العربية", "ar"),
        ("中文", "zh"),
        ("繁體中文", "zh"),
        ("", None),
        ("school", None),
        ("fr de", None),
    ],
)
def test_language_is_a_tag_or_a_name(text: str, language: str | None) -> None:
    assert read_language(words_of(plain(text))) == language


@pytest.mark.parametrize(
    ("words", "token"),
    [
        (["mheavunafqxk5bgdvqlpto47kq"], "mheavunafqxk5bgdvqlpto47kq"),
        (["<MHEAVUNAFQXK5BGDVQLPTO47KQ>."], "mheavunafqxk5bgdvqlpto47kq"),
        (["mheavunafqxk5bgdvqlpto47k"], None),
        (["mheavunafqxk5", "bgdvqlpto47kq"], None),
        (["mheavunafqxk5bgdvqlpto47k1"], None),
        ([], None),
    ],
)
def test_token_is_one_word(words: list[str], token: str | None) -> None:
    assert read_token(words) == token
