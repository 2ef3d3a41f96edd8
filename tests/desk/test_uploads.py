"""Files that organisers upload: their names are shown and are no paths (S21)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.desk.filling import filled
from tests.desk.place import Place

PEOPLE = "/admin/copyright/people/import"
PROGRAMME = "/admin/copyright/programme/import"
SEASON = b"""[[webinar]]
title = "The Code"
starts = 2026-12-02T13:00:00
duration = "1h"
"""
NAMES = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/secret",
    "{outside}",  # nothing of the machine's: a code without the defence would write there
    "/{folder}/secret",
    "..\\..\\secret",
    "C:\\secret",
    "secret%00.toml",
    "\0secret",
    "link",  # a symbolic link in the folder leads out of it
    ".",
    "",
    "a" * 5000,
]


@pytest.mark.parametrize("ending", ["", ".toml", ".csv"])
async def test_no_file_of_that_name_is_read_or_written(
    place: Place, tmp_path: Path, ending: str
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("canary of a file that nobody uploaded")
    (tmp_path / f"link{ending}").symlink_to(outside)
    (tmp_path / "secret").write_text("canary")
    ada = await place.signed_in()
    before = contents(tmp_path.parent)
    for name in NAMES:
        named = name.format(folder=tmp_path, outside=outside) + ending
        for path, content in ((PEOPLE, b"address\nzoe@example.net\n"), (PROGRAMME, SEASON)):
            fields = filled(await ada.get(path), path)
            page = await ada.upload(path, fields, name=named, content=content)
            assert page.status in {200, 400, 422}, (named, page.status)
            assert "canary" not in page.text, named
            kept = re.search(rf'action="({path}/\d+)"', page.text)
            if not kept:
                continue
            # The name comes back with the second form, where anybody could change it.
            again = {**filled(page, kept[1]), "do": "take", "name": named}
            stored = await ada.post(kept[1], again)
            assert stored.status in {303, 422}, (named, stored.status)
            assert "canary" not in stored.text, named
    assert contents(tmp_path.parent) == before


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below, the database aside."""
    return {
        str(file): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("mailer.db")
    }
