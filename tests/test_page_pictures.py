"""Every page has a picture in docs/ or a reason to have none, and all that is drawn can be had."""

from __future__ import annotations

import re
from pathlib import Path

from docs.page_pictures import FOLDER, NONE, SHOTS
from docs.page_sample import furnish, settings
from mailer.desk.routes import routes as desk_routes
from tests.desk.place import opened_place
from tests.web.test_routes import table

LARGEST = 2_000_000  # bytes of all together


async def test_every_page_has_a_picture_or_a_reason_to_have_none(tmp_path: Path) -> None:
    async with opened_place(settings(tmp_path)) as place:
        there = {route.path for route in (*desk_routes(place.desk), *table(place))}
    drawn = {shot.shows for shot in SHOTS}
    assert (drawn | set(NONE), drawn & set(NONE)) == (there, set())


async def test_every_page_that_is_drawn_can_be_had(tmp_path: Path) -> None:
    async with opened_place(settings(tmp_path)) as place:
        sample = await furnish(place)
        for shot in SHOTS:
            cookie = f"mailer-desk={sample.visits[shot.language]}"
            answer = await place.browser.get(shot.path(sample), cookie=cookie)
            assert answer.status == 200, shot.name
            assert f'<html lang="{shot.language}"' in answer.text, shot.name


def test_the_pictures_of_the_pages_are_there_and_the_manual_shows_some() -> None:
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert files.keys() == {f"{shot.name}.png" for shot in SHOTS}
    assert sum(files.values()) <= LARGEST
    root = FOLDER.parents[2]
    for page, least in (("docs/pages.md", 6), ("README.md", 1)):
        text = (root / page).read_text(encoding="utf-8")
        shown = re.findall(r"!\[[^\]]+\]\((?:docs/)?pictures/pages/([^)]+)\)", text)
        assert len(shown) >= least
        assert set(shown) <= files.keys()
