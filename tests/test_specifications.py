"""docs/specifications.md: every row is there, every file it names exists, every state is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "specifications.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| [A-Z]\d+ \|", line)
]
EXPECTED = [
    f"{letter}{number}"
    for letter, count in (("T", 13), ("M", 7), ("U", 6), ("A", 4), ("B", 4), ("D", 4), ("C", 6))
    for number in range(1, count + 1)
] + [f"S{number}" for number in (1, 2, 5, *range(9, 15), 19, 21, 22, 23)]


def test_every_row_stands_once_and_in_order() -> None:
    assert [row[0] for row in ROWS] == EXPECTED


@pytest.mark.parametrize("row", ROWS, ids=EXPECTED)
def test_a_row_says_where_how_it_is_tested_and_its_state(row: list[str]) -> None:
    _, _, where, test, state = row
    assert re.match(r"(met\b|partly: .|later: .)", state)
    assert bool(where and test) != state.startswith("later")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE))))
def test_every_file_it_names_exists(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("number", sorted(set(re.findall(r"ADR-(\d{4})", PAGE))))
def test_every_decision_it_names_is_written(number: str) -> None:
    (page,) = (ROOT / "docs" / "adr").glob(f"{number}-*.md")
    text = page.read_text("utf-8")
    parts = ("## Context", "## Choice", "## What we give up", "## How we would know we were wrong")
    assert [line for line in text.splitlines() if line.startswith("## ")] == list(parts)
