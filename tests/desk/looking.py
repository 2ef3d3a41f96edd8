"""Looks at a page of organisers in a real browser: axe, width, a picture for whoever wants one."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from playwright.async_api import Browser, Page

from mailer.desk import cookie
from mailer.store import visit
from tests.desk.place import ADA, Place

AXE = "axe_playwright_python"
SIZES = {"phone": {"width": 360, "height": 780}, "desk": {"width": 1280, "height": 900}}
# Of what is no fault, axe need not list every element; and the frame of a mail has no axe in it.
ONLY_FAULTS = "{resultTypes: ['violations'], iframes: false}"
PICTURES = "DESK_PICTURES"  # a folder in the environment into which pictures are drawn


async def sign_in(place: Place, chromium: Browser, *, scheme: str = "light") -> Page:
    """A page of a browser in which Ada is signed in."""
    secret = cookie.new()
    now = place.clock.now()
    digest = cookie.digest_of(secret)
    await place.parts.store.write(
        lambda c: visit.begin(c, digest, organiser=ADA.key, language="en", now=now)
    )
    context = await chromium.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    await context.add_cookies(
        [{"name": "mailer-desk", "value": secret, "url": f"http://127.0.0.1:{place.port}"}]
    )
    return await context.new_page()


async def looked_at(page: Page, *, picture: Path | None = None) -> None:
    """Nothing for axe to say, and nothing wider than the window, on a phone and on a desk."""
    await page.evaluate((files(AXE) / "axe.min.js").read_text("utf-8"))
    for name, size in SIZES.items():
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        wanted = os.environ.get(PICTURES)
        if wanted and picture is not None:
            await page.screenshot(path=f"{wanted}/{picture.name}-{name}.png", full_page=True)
        found = await page.evaluate(f"axe.run({ONLY_FAULTS}).then(found => found.violations)")
        said = [(one["id"], one["nodes"][0]["html"]) for one in found]
        assert said == [], said
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wide)
