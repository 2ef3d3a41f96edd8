"""The made-up facts of pages: every page can be made of them, and they are named as the real."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mailer.message.render import Renderer, builtin_templates
from mailer.store.programme import series_facts
from mailer.web import page as pages
from mailer.web.sample import samples
from tests.world import SERIES

RENDERER = Renderer(builtin_templates())
FACTS = series_facts(SERIES, base_url="https://webinars.example.org")
OWN = {"status", "headers", "until"}  # what those who make pages take for themselves


def called() -> dict[str, set[str]]:
    """With which names each page is made anywhere in `mailer.web`, beside what all pages know."""
    found: dict[str, set[str]] = {}
    for path in Path(pages.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in {"page", "public_page"} and len(node.args) == 4:
                name = ast.literal_eval(node.args[3])
                given = {one.arg for one in node.keywords if one.arg} - OWN
                assert found.setdefault(name, given) == given
    return found


def everywhere() -> set[str]:
    return set.intersection(*(set(known) for _, known in samples(FACTS, "en", ("en",))))


def test_each_page_is_made_up_of_what_it_is_really_made_of() -> None:
    names = everywhere()
    made_up: dict[str, set[str]] = {}
    for name, known in samples(FACTS, "en", ("en",)):
        assert made_up.setdefault(name, set(known) - names) == set(known) - names
    assert made_up == called()


@pytest.mark.parametrize("language", RENDERER.languages)
def test_every_page_can_be_made(language: str) -> None:
    for name, known in samples(FACTS, language, RENDERER.languages):
        page = RENDERER.fill(f"web/{name}.html", SERIES.id, language, known)
        assert page.startswith("<!doctype html>")
