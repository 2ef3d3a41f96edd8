"""Templates are compiled once for all rooms, and each room still says what is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2.bccache import Bucket

from mailer.message.compiled import KEEPER, Keeper
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import SERIES, sample
from mailer.message.sandbox import Sandbox

CODE = compile("", "none", "exec")


def bucket(text: str, name: str = "a.txt") -> Bucket:
    return Bucket(sandbox({}), KEEPER.get_cache_key(name, name), KEEPER.get_source_checksum(text))


def sandbox(texts: Mapping[str, str], *, mark: str = "") -> Sandbox:
    """A room whose filter `marked` says which one it is."""
    return Sandbox(
        load=lambda name: (texts[name], name, lambda: True) if name in texts else None,
        say=str,
        say_many=lambda one, many, number: one if number == 1 else many,
        direction="ltr",
        filters={"marked": lambda text: f"{mark}{text}"},
        open_types=(),
    )


def kept(keeper: Keeper, wanted: Bucket) -> object:
    keeper.load_bytecode(wanted)
    return wanted.code


def test_what_was_kept_is_found_by_its_name_and_its_whole_text() -> None:
    keeper, given = Keeper(), bucket("x")
    given.code = CODE
    keeper.dump_bytecode(given)
    assert kept(keeper, bucket("x")) is CODE
    assert kept(keeper, bucket("x ")) is None
    assert kept(keeper, bucket("x", "b.txt")) is None


def test_no_more_is_kept_than_the_limit() -> None:
    keeper = Keeper(most=2)
    for text in ("x", "y", "z"):
        given = bucket(text)
        given.code = CODE
        keeper.dump_bytecode(given)
    assert [kept(keeper, bucket(text)) is CODE for text in ("x", "y", "z")] == [False, False, True]


def test_two_rooms_share_what_a_text_compiles_to() -> None:
    texts = {"shared.txt": "{{ 'here'|marked }} {{ word }}"}
    rooms = [sandbox(texts, mark=mark) for mark in ("1 ", "2 ")]
    codes = [room.get_template("shared.txt").root_render_func.__code__ for room in rooms]
    assert codes[0] is codes[1]


@pytest.mark.parametrize("name", ["constant.txt", "constant.html"])
def test_what_is_constant_is_still_worked_out_by_each_room(name: str) -> None:
    texts = {name: "{{ 'here'|marked }}{% set a = 'there'|marked %} {{ a }}"}
    told = [sandbox(texts, mark=mark).fill(name, {}) for mark in ("1 ", "2 ")]
    assert told == ["1 here 1 there", "2 here 2 there"]


def test_an_override_is_in_force_at_once_and_for_its_series_alone(tmp_path: Path) -> None:
    """Between two readings of the same file it is another text."""
    own = tmp_path / SERIES.id / "mail/welcome/subject.txt"
    own.parent.mkdir(parents=True)
    subjects = []
    for text in ("First", "Second"):
        own.write_text(text)
        renderer = Renderer(builtin_templates(), tmp_path)
        facts = sample("welcome")
        other = replace(facts, series=replace(facts.series, id="another"))
        subjects.append([renderer.render("welcome", one).subject for one in (facts, other)])
    built_in = Renderer(builtin_templates()).render("welcome", sample("welcome")).subject
    assert subjects == [["First", built_in], ["Second", built_in]]
