"""Ten at a time, and the ways to the neighbours."""

from __future__ import annotations

import pytest

from mailer.web.listing import Window, asked_page
from mailer.web.visitor import Visitor

WHO = Visitor(language="en", chosen="", zone="", query="")
FRENCH = Visitor(language="fr", chosen="fr", zone="", query="?lang=fr")


@pytest.mark.parametrize(
    ("number", "total", "first", "last", "before", "after"),
    [
        (1, 0, 1, 0, "", ""),
        (1, 10, 1, 10, "", ""),
        (1, 17, 1, 10, "", "?page=2"),
        (2, 17, 11, 17, "?", ""),
        (2, 31, 11, 20, "?", "?page=3"),
    ],
)
def test_a_window_says_where_it_is(
    number: int, total: int, first: int, last: int, before: str, after: str
) -> None:
    shown = Window(number=number, total=total).shown(WHO)
    assert (shown["first"], shown["last"], shown["total"]) == (first, last, total)
    assert (shown["before"], shown["after"]) == (before, after)


def test_a_page_may_be_longer() -> None:
    shown = Window(number=2, total=120, size=50).shown(WHO)
    assert (shown["first"], shown["last"], shown["whole"]) == (51, 100, False)
    assert (shown["before"], shown["after"]) == ("?", "?page=3")


def test_the_language_goes_along() -> None:
    shown = Window(number=2, total=31).shown(FRENCH)
    assert (shown["before"], shown["after"]) == ("?lang=fr", "?page=3&lang=fr")


@pytest.mark.parametrize(
    ("number", "total", "exists"), [(1, 0, True), (2, 10, False), (2, 11, True), (3, 20, False)]
)
def test_only_pages_with_something_exist(number: int, total: int, exists: bool) -> None:
    assert Window(number=number, total=total).exists is exists


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 1), ("1", 1), ("02", 2), ("0", None), ("-1", None), ("x", None), ("²", None)],
)
def test_a_number_is_read_or_is_none(text: str, number: int | None) -> None:
    assert asked_page(text) == number
