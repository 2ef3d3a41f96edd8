"""`config.example.toml`: every key, each at the default that the code has."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from mailer.config.keys import TABLES
from mailer.config.model import Config, Database, Outbound, Series
from mailer.config.notices import DEFAULT_NOTICES
from mailer.config.reading import read_config

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
REQUIRED = ("title", "address", "timezone")


def keys_of(values: dict[str, object], table: str = "") -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for key, value in values.items():
        found.add((table, key))
        inner = f"{table}.{key}".strip(".")
        if table == "series":
            found.discard((table, key))
            inner = "series.*"
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                found |= keys_of(one, inner)
    return found


def test_it_has_every_key_and_no_other() -> None:
    text = re.sub(r"^#(?=[a-z\[])", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    known = {(table, key) for table, keys in TABLES.items() for key in keys}
    assert keys_of(tomllib.loads(text)) | {("series.*.notices", "id")} == known


def test_what_stands_in_it_are_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(EXAMPLE.read_text())
    config = read_config(path, {})
    (series,) = config.series
    assert series == Series(
        id=series.id,
        title=series.title,
        address=series.address,
        timezone=series.timezone,
        notices=DEFAULT_NOTICES,
    )
    assert replace(config, series=()) == Config(
        source=path,
        series=(),
        database=Database(url=f"sqlite:///{tmp_path}/mailer.db"),
        outbound=Outbound(maildir=tmp_path / "outbox"),
    )


def test_every_key_has_a_sentence_before_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    bare = [
        line
        for before, line in pairwise(lines)
        if re.match(r"#?[a-z_]+ = ", line) and not re.fullmatch(r"# .*\.", before)
    ]
    assert bare == []


def test_required_keys_are_marked() -> None:
    lines = EXAMPLE.read_text().splitlines()
    marked = [
        line.split(" ")[0] for before, line in pairwise(lines) if before.endswith("Required.")
    ]
    assert marked == list(REQUIRED)
