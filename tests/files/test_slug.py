"""Ids from titles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.files.fields import identifier
from mailer.files.slug import slug, unique


@pytest.mark.parametrize(
    ("title", "made"),
    [
        (
            "The International Standard Content Code (ISCC)",
            "the-international-standard-content-code-iscc",
        ),
        (
            "Rights Data and Identifiers in the Text Publishing Industry",
            "rights-data-and-identifiers-in-the-text",
        ),
        ("Œuvres & Straße: l'été à Łódź", "oeuvres-strasse-lete-a-lodz"),
        ("Calendar", "webinar-calendar"),
        ("W", "webinar-w"),
        ("版权基础设施", "fallback"),
        ("!!!", "fallback"),
        ("a" * 60, "a" * 48),
    ],
)
def test_a_title_becomes_an_id(title: str, made: str) -> None:
    assert slug(title, otherwise="fallback") == made


@given(st.text(), st.integers(min_value=0, max_value=12))
def test_any_title_gives_an_id_of_at_most_48_characters_that_is_free(
    title: str, number: int
) -> None:
    first = slug(title, otherwise="webinar-2026-11-25")
    taken: list[str] = []
    for _ in range(number):
        taken.append(unique(first, taken))
    made = unique(first, taken)
    assert identifier(made) == made
    assert len(made) <= 48
    assert made not in taken


def test_the_second_of_a_name_gets_a_number() -> None:
    assert unique("a", ["a", "a-2"]) == "a-3"
    assert unique("a" * 48, ["a" * 48]) == "a" * 46 + "-2"
