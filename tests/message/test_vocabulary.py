"""The words of six languages: no phrase means two things, and the documentation shows them all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.phrase import LIST, Verb, Words, join_keys, key, plain, spellings, words_of
from mailer.message.vocabulary import (
    ALL,
    as_markdown,
    attributions,
    reply_prefixes,
    vocabulary,
)
from tests.examples import examples

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"
UN_LANGUAGES = ["en", "fr", "es", "ru", "ar", "zh"]


def test_documentation_shows_the_whole_table() -> None:
    shown = DOCUMENT.read_text(encoding="utf-8").partition("<!-- words -->\n\n")[2]
    assert shown == as_markdown()


def test_there_are_the_six_languages_of_the_united_nations() -> None:
    assert [words.code for words in ALL] == UN_LANGUAGES


@pytest.mark.parametrize("words", ALL, ids=UN_LANGUAGES)
def test_each_language_has_words_for_each_command(words: Words) -> None:
    assert set(words.bare) | set(words.opening) == set(Verb)


@pytest.mark.parametrize("kind", ["bare", "opening"])
def test_no_phrase_means_two_things(kind: str) -> None:
    claimed = [
        (spelling, verb)
        for words in ALL
        for verb, patterns in getattr(words, kind).items()
        for spelling in {one for pattern in patterns for one in spellings(pattern)}
    ]
    table = getattr(vocabulary(), kind)
    assert [(one, verb) for one, verb in claimed if table[one].verb is not verb] == []


def test_only_these_words_are_shared_between_languages() -> None:
    shared = {phrase for phrase, meaning in vocabulary().bare.items() if len(meaning.languages) > 1}
    assert shared == {"agenda", "info", "ok", "pause", "programme", "stop", f"stop {LIST}"}


def test_only_a_yes_is_both_politeness_and_a_command() -> None:
    tables = vocabulary()
    both = {tables.bare[one].verb for one in tables.before | tables.after if one in tables.bare}
    assert both == {Verb.CONFIRM}


@pytest.mark.parametrize("words", ALL[:5], ids=UN_LANGUAGES[:5])
def test_each_alphabetic_language_knows_twelve_months_and_six_languages(words: Words) -> None:
    assert set(words.months.values()) == set(range(1, 13))
    assert set(words.languages.values()) == set(UN_LANGUAGES)


def test_months_and_names_of_languages_do_not_contradict_each_other() -> None:
    for tables in ([words.months for words in ALL], [words.languages for words in ALL]):
        pairs = {
            (spelling, value)
            for table in tables
            for pattern, value in table.items()
            for spelling in spellings(pattern)
        }
        assert len(pairs) == len({spelling for spelling, _ in pairs})


def test_reply_prefixes_come_longest_first() -> None:
    lengths = [len(prefix) for prefix in reply_prefixes()]
    assert lengths == sorted(lengths, reverse=True)
    assert {"re", "fwd", "aw", "tr", "rv", "отв", "رد", "回复"} <= set(reply_prefixes())


def test_attributions_are_known_in_each_language() -> None:
    assert {"wrote", "a ecrit", "escribio", "пишет", "كتب", "写道"} <= attributions()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Désabonner", "DESABONNER"),
        ("sign-up!", "Sign up"),
        ("S’abonner", "s'abonner"),
        ("Отписаться.", "отписаться"),
        ("ещё", "еще"),
        ("إلغاء الاشتراك", "الغاء الاشتراك"),
        ("ندوة", "ندوه"),
        ("اشـــتراك", "اشتراك"),
        ("订 阅！", "订阅"),
        ("ＳＵＢＳＣＲＩＢＥ", "subscribe"),
        ("٢٨", "28"),
        ("sub\u200bscribe", "subscribe"),
    ],
)
def test_spellings_of_one_word_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        ("a", {"a"}),
        ("a [b|c]", {"a", "a b", "a c"}),
        ("(a|b) c", {"a c", "b c"}),
        ("[a [b]] c", {"c", "a c", "a b c"}),
        ("a|b", {"a", "b"}),
        ("订阅 [{list}]", {"订阅", f"订阅{LIST}", f"订阅 {LIST}"} - {f"订阅 {LIST}"}),
    ],
)
def test_pattern_stands_for_its_spellings(pattern: str, made: set[str]) -> None:
    assert spellings(pattern) == made


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a]"])
def test_unbalanced_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"unbalanced|not closed"):
        spellings(pattern)


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=60))
def test_key_of_a_key_is_itself(text: str) -> None:
    assert key(key(text)) == key(text)
    assert join_keys(filter(None, map(key, words_of(plain(text))))) == key(text)
