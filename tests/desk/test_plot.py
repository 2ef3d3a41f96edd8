"""Plots: whole numbers in a box, nothing outside it, nothing lost that is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailer.desk.plot import HEIGHT, LEFT, WIDTH, Column, Part, columns, line, share

AMOUNT = st.integers(0, 10**7)
PARTS = st.lists(AMOUNT, min_size=1, max_size=5)


def parts(amounts: list[int]) -> list[Part]:
    return [Part(name=f"p{number}", amount=amount) for number, amount in enumerate(amounts)]


@given(PARTS)
def test_a_bar_is_filled_and_shows_all_that_is_there(amounts: list[int]) -> None:
    made = share(parts(amounts))
    assert [one["name"] for one in made] == [
        f"p{number}" for number, amount in enumerate(amounts) if amount
    ]
    ends = [0]
    for one in made:
        assert one["x"] == ends[-1]
        assert one["width"] >= 2
        ends.append(one["x"] + one["width"])
    assert ends[-1] == (WIDTH if any(amounts) else 0)


def test_a_bar_is_divided_as_the_amounts_are() -> None:
    made = share([Part(name="a", amount=3), Part(name="b", amount=1)], width=100)
    assert [(one["name"], one["x"], one["width"]) for one in made] == [("a", 0, 75), ("b", 75, 25)]


@given(st.lists(AMOUNT, max_size=60))
def test_a_line_stays_in_its_box(amounts: list[int]) -> None:
    made = line([(str(number), amount) for number, amount in enumerate(amounts)])
    places = [tuple(map(int, one.split(","))) for one in made["points"].split()]
    assert len(places) == (len(amounts) if len(amounts) > 1 else 0)
    for x, y in places:
        assert LEFT <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert [x for x, _ in places] == sorted({x for x, _ in places})


def test_a_line_with_its_rules_and_words() -> None:
    made = line([("a", 0), ("b", 30), ("c", 60)])
    assert made["points"] == "72,172 336,91 600,10"
    assert made["area"] == "72,172 72,172 336,91 600,10 600,172"
    assert [(one["amount"], one["y"]) for one in made["rules"]] == [
        (0, 172),
        (20, 118),
        (40, 64),
        (60, 10),
    ]
    assert [(one["word"], one["x"]) for one in made["words"]] == [("a", 72), ("b", 336), ("c", 600)]


def test_the_last_word_is_always_there_and_never_too_many() -> None:
    made = line([(str(number), 1) for number in range(26)])
    assert [one["word"] for one in made["words"]] == ["0", "5", "10", "15", "20", "25"]


@given(st.lists(PARTS, max_size=30))
def test_columns_stand_on_the_ground_and_one_part_on_the_other(found: list[list[int]]) -> None:
    made = columns([Column(word=str(n), parts=parts(one)) for n, one in enumerate(found)])
    assert len(made["shapes"]) == sum(amount > 0 for one in found for amount in one)
    for one in made["shapes"]:
        assert one["height"] >= 1
        assert one["y"] + one["height"] <= made["ground"]
        assert LEFT <= one["x"] <= one["x"] + one["width"] <= WIDTH
