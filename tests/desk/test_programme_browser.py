"""The pages of programme and people in a real chromium, as they stand and behind their buttons."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, FilePayload

from mailer.message.facts import Link, Speaker
from tests.desk.looking import looked_at, sign_in
from tests.desk.place import OURS, Place
from tests.world import ANA, BOB, subscribed

ROWS = b"address,name\nana@example.net,Ana\nzoe@example.org,Zoe\nnobody,Nobody\nbob@example.com,\n"
SEASON = b"""[[webinar]]
id = "iscc"
title = "The International Standard Content Code"
starts = 2026-12-02T13:00:00
duration = "1h"

[[webinar]]
id = "scale"
title = "Matching at scale"
starts = 2026-12-16T13:00:00
duration = "1h"
"""


async def furnished(place: Place) -> dict[str, str]:
    """A path of each kind of page, with something on it."""
    ana = await subscribed(place.parts, ANA)
    bob = await subscribed(place.parts, BOB)
    await place.parts.enrolling.remove(OURS, BOB)
    await place.webinar(
        title="Matching services for the metadata of a whole culture",
        speakers=(Speaker(name="Ada Example", affiliation="Example Institute"),),
        links=(Link(title="The standard", url="https://example.org/iscc"),),
        capacity=40,
    )
    there = f"http://127.0.0.1:{place.port}/admin/copyright"
    return {
        "programme": f"{there}/programme",
        "new": f"{there}/programme/new",
        "programme-import": f"{there}/programme/import",
        "webinar": f"{there}/programme/1",
        "edit": f"{there}/programme/1/edit",
        "move": f"{there}/programme/1/move",
        "cancel": f"{there}/programme/1/cancel",
        "publish": f"{there}/programme/1/publish",
        "materials": f"{there}/programme/1/materials",
        "people": f"{there}/people",
        "add": f"{there}/people/add",
        "import": f"{there}/people/import",
        "person": f"{there}/people/{ana.id}",
        "gone": f"{there}/people/{bob.id}",
    }


async def test_every_page_fits_and_is_readable_for_everybody(
    local: Place, chromium: Browser, tmp_path: Path
) -> None:
    page = await sign_in(local, chromium)
    for name, path in (await furnished(local)).items():
        await page.goto(path)
        await looked_at(page, picture=tmp_path / name)


async def test_what_stands_behind_the_buttons_of_the_programme_as_well(
    local: Place, chromium: Browser, tmp_path: Path
) -> None:
    pages = await furnished(local)
    page = await sign_in(local, chromium, scheme="dark")
    await page.goto(pages["move"])
    await page.get_by_label("Start").fill("2026-12-02T13:00")
    await page.get_by_role("button", name="See what it does").click()
    await looked_at(page, picture=tmp_path / "effect")

    await page.goto(pages["edit"])
    await page.get_by_label("Places").fill("-1")
    await page.evaluate("document.querySelector('main form').noValidate = true")
    await page.get_by_role("button", name="See what it does").last.click()
    await page.get_by_text("Please give a whole number.").wait_for()
    await looked_at(page, picture=tmp_path / "edit-wrong")

    season: FilePayload = {"name": "s.toml", "mimeType": "text/plain", "buffer": SEASON}
    await page.goto(pages["programme-import"])
    await page.get_by_label("File").set_input_files(season)
    await page.get_by_role("button", name="See what it does").click()
    await looked_at(page, picture=tmp_path / "programme-preview")
    await page.get_by_role("button", name="Store it").click()
    await page.get_by_text("The file is stored.").wait_for()


async def test_what_stands_behind_the_buttons_of_people_as_well(
    local: Place, chromium: Browser, tmp_path: Path
) -> None:
    pages = await furnished(local)
    page = await sign_in(local, chromium)
    people: FilePayload = {"name": "people.csv", "mimeType": "text/csv", "buffer": ROWS}
    await page.goto(pages["import"])
    await page.get_by_label("File").set_input_files(people)
    await page.get_by_role("button", name="See what it does").click()
    await looked_at(page, picture=tmp_path / "people-preview")
    await page.get_by_role("button", name="Leave the bad rows out, bring in 1 person").click()
    await page.get_by_text("The file is worked off.").wait_for()
    await looked_at(page, picture=tmp_path / "people-imported")

    await page.goto(pages["person"])
    await page.get_by_role("button", name="Erase …").click()
    await looked_at(page, picture=tmp_path / "people-erase")
    await page.get_by_label("Yes, erase everything about this person").check()
    await page.get_by_role("button", name="Erase for good").click()
    await page.get_by_text("The person is erased.").wait_for()
