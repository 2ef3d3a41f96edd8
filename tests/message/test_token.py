"""Tokens: one block, one purpose, one spelling."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.address import LETTERS, Purpose
from mailer.message.token import CONTEXTS, EPOCH, SUBJECTS, Token, TokenMint
from tests.examples import examples

DAY = date(2026, 10, 28)
MINT = TokenMint([b"k" * 32])
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def sample() -> str:
    return MINT.mint(Purpose.UNSUBSCRIBE, subject=42, context=7, day=DAY)


@settings(max_examples=examples(100), deadline=None)
@given(
    st.sampled_from(Purpose),
    st.integers(0, SUBJECTS - 1),
    st.integers(0, CONTEXTS - 1),
    st.dates(EPOCH, EPOCH + timedelta(days=65_535)),
)
def test_token_says_what_was_put_in(
    purpose: Purpose, subject: int, context: int, day: date
) -> None:
    token = MINT.mint(purpose, subject=subject, context=context, day=day)
    assert (len(token), set(token) <= set(ALPHABET)) == (LETTERS, True)
    assert MINT.read(purpose, token) == Token(subject=subject, context=context, day=day)


def test_token_is_good_for_one_purpose_only() -> None:
    readers = [purpose for purpose in Purpose if MINT.read(purpose, sample())]
    assert readers == [Purpose.UNSUBSCRIBE]


def test_every_change_of_a_letter_is_refused() -> None:
    token = sample()
    changed = [
        token[:at] + letter + token[at + 1 :]
        for at in range(LETTERS)
        for letter in ALPHABET
        if letter != token[at]
    ]
    assert [one for one in changed if MINT.read(Purpose.UNSUBSCRIBE, one)] == []


def test_last_letter_has_one_spelling() -> None:
    token = sample()
    at = ALPHABET.index(token[-1])
    assert at % 4 == 0
    for other in (at + 1, at + 2, at + 3):
        assert MINT.read(Purpose.UNSUBSCRIBE, token[:-1] + ALPHABET[other]) is None


def test_upper_case_is_folded() -> None:
    assert MINT.read(Purpose.UNSUBSCRIBE, sample().upper()) == Token(subject=42, context=7, day=DAY)


@pytest.mark.parametrize("spoil", ["", "a", " {}", "{}\n", "{}=", "{}======", "{}a", "ſ{}", "é"])
def test_other_spellings_are_refused(spoil: str) -> None:
    assert MINT.read(Purpose.UNSUBSCRIBE, spoil.format(sample())) is None


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=40) | st.text(ALPHABET, min_size=26, max_size=26))
def test_nothing_that_was_not_minted_reads(token: str) -> None:
    assert MINT.read(Purpose.CONFIRM, token) is None


def test_old_key_still_reads_after_rotation_and_new_one_mints() -> None:
    rotated = TokenMint([b"n" * 32, b"k" * 32])
    assert rotated.read(Purpose.UNSUBSCRIBE, sample()) == MINT.read(Purpose.UNSUBSCRIBE, sample())
    fresh = rotated.mint(Purpose.UNSUBSCRIBE, subject=42, context=7, day=DAY)
    assert MINT.read(Purpose.UNSUBSCRIBE, fresh) is None
    assert TokenMint([b"n" * 32]).read(Purpose.UNSUBSCRIBE, fresh) is not None


def test_many_are_minted_as_one_by_one() -> None:
    many = MINT.mint_many(Purpose.BOUNCE, [1, 2, 3], 9, DAY)
    single = [MINT.mint(Purpose.BOUNCE, subject=n, context=9, day=DAY) for n in (1, 2, 3)]
    assert many == single
    assert MINT.mint_many(Purpose.BOUNCE, [], 9, DAY) == []


def test_token_is_the_same_for_ever() -> None:
    assert MINT.mint(Purpose.CONFIRM, subject=1, day=DAY) == "mheavunafqxk5bgdvqlpto47kq"


@pytest.mark.parametrize(
    ("subject", "context", "day"),
    [
        (-1, 0, DAY),
        (SUBJECTS, 0, DAY),
        (1, -1, DAY),
        (1, CONTEXTS, DAY),
        (1, 0, date(2019, 12, 31)),
        (1, 0, date(2300, 1, 1)),
    ],
)
def test_number_that_does_not_fit_is_an_error(subject: int, context: int, day: date) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        MINT.mint(Purpose.CONFIRM, subject=subject, context=context, day=day)


@pytest.mark.parametrize("keys", [[], [b"short"], [b"k" * 32, b""]])
def test_missing_or_short_key_is_an_error(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        TokenMint(keys)
