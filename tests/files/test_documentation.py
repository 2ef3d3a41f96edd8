"""What docs/programme.md shows is what is read."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from mailer.config.model import Series
from mailer.files.draft import KEYS
from mailer.files.people_csv import read_people
from mailer.files.programme import read_programme

PAGE = (Path(__file__).parents[2] / "docs" / "programme.md").read_text("utf-8")


def example(kind: str, number: int = 0) -> bytes:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[number].encode()


def test_the_examples_can_be_imported(bare_series: Series) -> None:
    drafts = {
        kind: read_programme(example(kind), name=f"p.{kind}", series=bare_series)
        for kind in ("toml", "csv")
    }
    assert {kind: [(d.id, d.wall_start) for d in each] for kind, each in drafts.items()} == {
        "toml": [("iscc", datetime(2026, 11, 25, 13))],
        "csv": [("iscc", datetime(2026, 11, 25, 13))],
    }
    assert drafts["toml"][0].speakers[0] == drafts["csv"][0].speakers[0]
    people = read_people(example("csv", 1), name="people.csv").rows
    assert [row.address.mailbox for row in people] == ["ada@example.org", "bo@example.org"]


def test_the_table_of_fields_is_complete() -> None:
    fields = PAGE.partition("## The fields")[2].partition("**Give ids.**")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", fields, re.MULTILINE)) == KEYS
