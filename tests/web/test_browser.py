"""A real chromium: people's ways through the pages, nothing active in them, readable for everybody.

Scripts are on where the browser is to find something, off where a person is to get along without.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from mailer.config.model import Endpoint, Web
from mailer.message.address import Purpose
from mailer.message.facts import Link, Speaker
from mailer.store.people import State
from mailer.store.registration import State as Choice
from tests.outbox_reader import queued
from tests.peers import registry
from tests.web.place import Place, config, opened_place
from tests.web.test_public import VECTORS

PHONE = {"width": 360, "height": 780}
AXE = "axe_playwright_python"  # the package that brings axe-core


@pytest_asyncio.fixture
async def local(tmp_path: Path, free_port: int) -> AsyncIterator[Place]:
    """Pages that are seen where they are."""
    listen = Endpoint(host="127.0.0.1", port=free_port)
    web = Web(base_url=f"http://127.0.0.1:{free_port}", listen=listen)
    settings = config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, web=web)
    series = replace(settings.series[0], imprint="Example Institute\nhttps://example.org/privacy")
    async with opened_place(replace(settings, series=(series,))) as place:
        yield place


def url(place: Place, path: str) -> str:
    """Where a path is."""
    return f"http://127.0.0.1:{place.port}{path}"


async def every_page(place: Place) -> dict[str, str]:
    """A path of each kind of page."""
    ana, bob, webinar = await place.ana(), await place.bob(), await place.webinar()
    return {
        "series": "/copyright",
        "webinar": "/copyright/w/iscc",
        "zones": "/copyright/w/iscc?zone",
        "subscribe": "/copyright/subscribe",
        "confirm": f"/c/{place.token(Purpose.CONFIRM, bob)}",
        "leave": f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}",
        "preferences": f"/p/{place.token(Purpose.PREFERENCES, ana)}",
        "register": f"/r/{place.token(Purpose.REGISTER, ana, webinar)}",
        "join": f"/j/{place.token(Purpose.JOIN, ana, webinar)}",
        "problem": "/none",
    }


async def test_a_person_gets_along_without_scripts(local: Place, chromium: Browser) -> None:
    """From the form to the last click, by the buttons alone (S2, S10)."""
    context = await chromium.new_context(java_script_enabled=False, viewport=PHONE)
    page = await context.new_page()
    await page.goto(url(local, "/"))
    await page.get_by_label("Your mail address").fill("zoe@example.net")
    await page.get_by_role("button", name="Send me the invitations").click()
    await page.get_by_role("heading", name="Please look into your mailbox").wait_for()
    assert [row.recipient for row in await queued(local.parts)] == ["zoe@example.net"]

    bob, webinar = await local.bob(), await local.webinar()
    await page.goto(url(local, f"/c/{local.token(Purpose.CONFIRM, bob)}"))
    await page.get_by_role("button", name="Yes, send me the invitations").click()
    await page.get_by_role("heading", name="Welcome!").wait_for()
    assert (await local.again(bob)).state is State.ACTIVE

    await page.goto(url(local, f"/r/{local.token(Purpose.REGISTER, bob, webinar)}"))
    await page.get_by_role("button", name="Register").click()
    await page.get_by_text("You are registered.").wait_for()
    assert await local.choice(bob, webinar) is Choice.REGISTERED

    await page.goto(url(local, f"/p/{local.token(Purpose.PREFERENCES, bob)}"))
    await page.get_by_label("Language of your mails").select_option("fr")
    await page.get_by_role("button", name="Save", exact=True).click()
    assert (await local.again(bob)).language == "fr"

    await page.goto(url(local, f"/u/{local.token(Purpose.UNSUBSCRIBE, bob)}?lang=en"))
    await page.get_by_role("button", name="Yes, stop the mails").click()
    await page.get_by_role("heading", name="You have left").wait_for()
    assert (await local.again(bob)).state is State.UNSUBSCRIBED
    await page.get_by_role("button", name="Undo, keep me subscribed").click()
    await page.get_by_role("heading", name="Welcome back!").wait_for()
    assert (await local.again(bob)).state is State.ACTIVE


async def test_a_scanner_with_a_browser_changes_nothing(local: Place, chromium: Browser) -> None:
    """It opens every link, runs what there is to run, and follows what it finds (S2)."""
    pages = await every_page(local)
    ana, bob = await local.ana(), await local.bob()
    page = await (await chromium.new_context()).new_page()
    for path in pages.values():
        await page.goto(url(local, path))
        links = await page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
        for link in dict.fromkeys(links):
            if link.startswith(url(local, "/")) and not link.endswith(".ics"):
                await page.goto(link)
    assert (await local.again(ana), await local.again(bob)) == (ana, bob)
    assert await queued(local.parts) == []


async def test_nothing_that_organisers_write_is_ever_run(local: Place, chromium: Browser) -> None:
    """S9: no dialog opens, and the browser reports no breach of the policy."""
    told: list[str] = []
    page = await (await chromium.new_context()).new_page()
    page.on("console", lambda message: told.append(message.text))
    page.on("dialog", lambda dialog: told.append(f"dialog {dialog.message}"))
    page.on("pageerror", lambda error: told.append(str(error)))
    for number, vector in enumerate(VECTORS):
        await local.webinar(
            f"v{number}",
            title=vector,
            abstract=vector,
            speakers=(Speaker(name=vector, affiliation=vector),),
            links=(Link(title=vector, url="https://example.org/"),),
        )
        await page.goto(url(local, f"/copyright/w/v{number}"))
        assert await page.locator("h1").text_content() == " ".join(vector.split())
        data = await page.locator('script[type="application/ld+json"]').text_content()
        assert json.loads(data or "")["@type"] == "Event"
    await page.goto(url(local, "/copyright"))
    assert told == []


async def test_no_page_breaks_its_own_policy(local: Place, chromium: Browser) -> None:
    told: list[str] = []
    page = await (await chromium.new_context()).new_page()
    page.on("console", lambda message: told.append(message.text))
    pages = await every_page(local)
    del pages["problem"]  # chromium tells of its status
    for path in pages.values():
        await page.goto(url(local, path))
    assert told == []
    colour = await page.evaluate("getComputedStyle(document.querySelector('.top')).backgroundColor")
    assert colour == "rgb(11, 79, 138)"  # so the sheet was taken


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_every_page_fits_a_narrow_phone(
    local: Place, chromium: Browser, language: str
) -> None:
    page = await (await chromium.new_context(viewport={"width": 320, "height": 600})).new_page()
    for name, path in (await every_page(local)).items():
        await page.goto(url(local, f"{path}{'&' if '?' in path else '?'}lang={language}"))
        assert await page.evaluate("document.documentElement.scrollWidth") == 320, name


async def test_the_keyboard_finds_the_content_first(local: Place, chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    await page.goto(url(local, "/copyright"))
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "To the content"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "address"


async def faults(page: Page, axe: str) -> list[str]:
    """What axe finds that keeps somebody from reading or using the page."""
    await page.evaluate(axe)
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical", "moderate"}
    ]


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark"), ("zh", "light")])
async def test_axe_finds_nothing_that_matters_on_any_page(
    local: Place, chromium: Browser, scheme: str, language: str
) -> None:
    try:
        axe = files(AXE).joinpath("axe.min.js").read_text("utf-8")
    except ModuleNotFoundError:
        registry.missing("axe-core", f"the package {AXE} is not installed")
    context = await chromium.new_context(
        viewport=PHONE,
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # axe itself is a script
    )
    page = await context.new_page()
    for name, path in (await every_page(local)).items():
        await page.goto(url(local, f"{path}{'&' if '?' in path else '?'}lang={language}"))
        assert await faults(page, axe) == [], name
