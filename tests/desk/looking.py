"""Looks at a page of organisers in a real browser: axe, width, a picture for whoever wants one."""

from __future__ import annotations

import os
import shutil
from importlib.resources import files
from pathlib import Path

from playwright.async_api import Browser, Page

from mailer.desk import cookie
from mailer.store import visit
from tests.desk.place import ADA, Place

AXE = "axe_playwright_python"
SIZES = {"phone": {"width": 360, "height": 780}, "desk": {"width": 1280, "height": 900}}
PICTURES = "DESK_PICTURES"  # a folder in the environment to which pictures are copied


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
    axe = (files(AXE) / "axe.min.js").read_text("utf-8")
    for name, size in SIZES.items():
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        if picture is not None:
            await page.screenshot(path=f"{picture}-{name}.png", full_page=True)
            if os.environ.get(PICTURES):
                shutil.copy(f"{picture}-{name}.png", os.environ[PICTURES])
        found = await page.evaluate(f"async () => {{ {axe}; return (await axe.run()).violations }}")
        said = [(one["id"], one["nodes"][0]["html"]) for one in found]
        assert said == [], said
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wide)
