"""Draws every page as a browser shows it, on a desk and beside it on a phone: docs/pictures/pages.

The pages are served for real, of a made-up season (`docs.page_sample`), to a headless Chromium. A
long page is cut. `SHOTS` has every page there is; what has none says why in `NONE`.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from docs.page_sample import HOST, Sample, furnish, settings
from docs.palette import as_link, few_colours
from tests.desk.place import opened_place
from tools import peer

FOLDER = Path(__file__).resolve().parent / "pictures" / "pages"
DESK, PHONE = 1280, 360  # CSS pixels
TALLEST = 1000  # where a page is cut
SCALE = 0.8  # pixels of the picture for one of them, enough to be read
GAP = 16

PEOPLE = b"address,name\nada@example.com,Ada\nzoe@example.org,Zoe\nnobody,Nobody\n"
SEASON = b"""[[webinar]]
id = "fingerprints"
title = "Fingerprints of films"
starts = 2026-12-09T13:00:00
duration = "1h"

[[webinar]]
id = "archives"
title = "Archives that can be asked"
starts = 2026-12-16T13:00:00
duration = "1h"
"""
CHANGE = "/admin/{series}/programme/{number:int}/{kind}"
ONE_TEXT = "/admin/{series}/announcements/{number:int}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture. ``shows`` is the page's path in the table of routes; where one begins is
    ``begin``, if elsewhere, and ``act`` leads on. ``kind`` and ``step`` fill in the path."""

    name: str
    shows: str
    begin: str = ""
    kind: str = ""
    step: str = ""
    act: Callable[[Page], None] | None = None
    language: str = "en"

    @property
    def widths(self) -> tuple[int, ...]:
        """How wide the windows are; what is there for its direction is seen on a phone alone."""
        return (DESK, PHONE) if self.language == "en" else (PHONE,)

    def path(self, sample: Sample) -> str:
        """The path of the page that is opened, in this season."""
        route = self.begin or self.shows
        words = route.split("/")
        given = {**sample.given, "kind": self.kind, "step": self.step}
        if route.startswith(ONE_TEXT):
            given["number"] = given["text"]
        given["token"] = next((sample.tokens[one] for one in words if one in sample.tokens), "")
        made = re.sub(r":int(?=})", "", route).format(**given)
        return f"{made}?lang={self.language}"


def _press(name: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        with page.expect_navigation():
            page.get_by_role("button", name=name).last.click()

    return act


def _asked(page: Page) -> None:
    page.get_by_label("Your mail address").fill("zoe@example.net")
    _press("Register")(page)


def _moved(page: Page) -> None:
    page.get_by_label("Start").fill("2026-10-15T15:00")
    _press("See what it does")(page)


def _file(name: str, content: bytes) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_label("File").set_input_files(
            {"name": name, "mimeType": "text/plain", "buffer": content}
        )
        _press("See what it does")(page)

    return act


PUBLIC = (
    Shot(name="front", shows="/"),
    Shot(name="programme", shows="/{series}"),
    Shot(name="programme-ar", shows="/{series}", language="ar"),
    Shot(name="webinar", shows="/{series}/w/{webinar}"),
    Shot(name="webinar-ar", shows="/{series}/w/{webinar}", language="ar"),
    Shot(
        name="register-asked",
        shows="/{series}/w/{webinar}/register",
        begin="/{series}/w/{webinar}",
        act=_asked,
    ),
    Shot(name="subscribe", shows="/{series}/subscribe"),
    Shot(name="subscribe-ar", shows="/{series}/subscribe", language="ar"),
)
PERSONAL = (
    Shot(name="confirm", shows="/c/{token}"),
    Shot(name="leave", shows="/u/{token}"),
    Shot(name="preferences", shows="/p/{token}"),
    Shot(name="preferences-ar", shows="/p/{token}", language="ar"),
    Shot(name="register", shows="/r/{token}"),
    Shot(name="join", shows="/j/{token}"),
)
ORGANISERS = (
    Shot(name="desk-home", shows="/admin"),
    Shot(name="desk-sign-in", shows="/admin/sign-in"),
    Shot(name="desk-sign-in-link", shows="/admin/sign-in/{token}"),
    Shot(name="desk-timeline", shows="/admin/{series}"),
    Shot(name="desk-timeline-ar", shows="/admin/{series}", language="ar"),
    Shot(name="desk-announcements", shows="/admin/{series}/announcements"),
    Shot(name="desk-write", shows="/admin/{series}/announcements/new"),
    Shot(name="desk-announcement", shows=ONE_TEXT),
    Shot(name="desk-announcement-edit", shows=f"{ONE_TEXT}/edit"),
    Shot(name="desk-programme", shows="/admin/{series}/programme"),
    Shot(
        name="desk-programme-import",
        shows="/admin/{series}/programme/import",
        act=_file("season.toml", SEASON),
    ),
    Shot(name="desk-webinar-new", shows="/admin/{series}/programme/new"),
    Shot(name="desk-webinar", shows="/admin/{series}/programme/{number:int}"),
    Shot(name="desk-webinar-edit", shows=CHANGE, kind="edit"),
    Shot(name="desk-webinar-edit-ar", shows=CHANGE, kind="edit", language="ar"),
    Shot(name="desk-webinar-move", shows=CHANGE, kind="move"),
    Shot(name="desk-webinar-effect", shows=CHANGE, kind="move", act=_moved),
    Shot(name="desk-webinar-cancel", shows=CHANGE, kind="cancel"),
    Shot(name="desk-webinar-materials", shows=CHANGE, kind="materials"),
    Shot(name="desk-people", shows="/admin/{series}/people"),
    Shot(name="desk-people-add", shows="/admin/{series}/people/add"),
    Shot(name="desk-people-import", shows="/admin/{series}/people/import"),
    Shot(
        name="desk-people-preview",
        shows="/admin/{series}/people/import/{batch:int}",
        begin="/admin/{series}/people/import",
        act=_file("people.csv", PEOPLE),
    ),
    Shot(name="desk-person", shows="/admin/{series}/people/{person:int}"),
    Shot(name="desk-reports", shows="/admin/{series}/reports"),
    Shot(name="desk-health", shows="/admin/{series}/health"),
)
FIRST_RUN = tuple(
    Shot(name=f"first-{step}", shows="/admin/first/{token}/{step}", step=step)
    for step in ("connect", "prove", "webinar", "invite", "live")
)
SHOTS = PUBLIC + PERSONAL + ORGANISERS + FIRST_RUN

_FOR_MACHINES, _FOR_PROGRAMS = "for machines", "a file for other programs"
_LEADS_ON = "leads on to a page that has a picture"
NONE = {
    "/healthz": _FOR_MACHINES,
    "/readyz": _FOR_MACHINES,
    "/metrics": _FOR_MACHINES,
    "/robots.txt": _FOR_MACHINES,
    "/static/style.css": "in every picture",
    "/static/icon.svg": "in the browser's own frame",
    "/{series}/": _LEADS_ON,
    "/admin/": "the same as /admin",
    "/{series}/calendar.ics": _FOR_PROGRAMS,
    "/{series}/feed.xml": _FOR_PROGRAMS,
    "/{series}/w/{webinar}.ics": _FOR_PROGRAMS,
    "/admin/sign-out": _LEADS_ON,
    "/admin/language": _LEADS_ON,
    "/admin/first/{token}": _LEADS_ON,
    f"{ONE_TEXT}/mail.html": "in the frame of desk-announcement",
    "/admin/{series}/programme/import/{kept:int}": _LEADS_ON,
    "/admin/{series}/programme/{number:int}/registrations.csv": _FOR_PROGRAMS,
    "/admin/{series}/people/export.csv": _FOR_PROGRAMS,
    "/admin/{series}/health/examine": _LEADS_ON,
    "/admin/{series}/health/accept": _LEADS_ON,
}


def draw_pages() -> None:
    """Draw all pages."""
    asyncio.run(_served())


async def _served() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with opened_place(settings(Path(folder))) as place:
            sample = await furnish(place)
            await asyncio.to_thread(_drawn, place.port, sample)


def _drawn(port: int, sample: Sample) -> None:
    FOLDER.mkdir(exist_ok=True)
    program = peer.find("chromium")
    # The name in the pictures is the example's; what answers is our own.
    to_us = f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", to_us])
        context = browser.new_context(device_scale_factor=SCALE, locale="en-GB")
        page = context.new_page()
        for shot in SHOTS:
            path = FOLDER / f"{shot.name}.png"
            path.write_bytes(_beside(browser, photographs(page, shot, sample)))
            print(f"pages/{path.name}: {path.stat().st_size // 1000} kB", flush=True)
        browser.close()


def photographs(page: Page, shot: Shot, sample: Sample) -> list[bytes]:
    """The page in a window of each width."""
    secret = sample.visits[shot.language]
    page.context.add_cookies([{"name": "mailer-desk", "value": secret, "url": f"http://{HOST}"}])
    page.set_viewport_size({"width": DESK, "height": TALLEST})
    answer = page.goto(f"http://{HOST}{shot.path(sample)}")
    if answer is None or not answer.ok:
        raise RuntimeError(f"{shot.name}: {shot.path(sample)} cannot be had")
    if shot.act is not None:
        shot.act(page)
    seen = []
    for width in shot.widths:
        page.set_viewport_size({"width": width, "height": 200})
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        page.set_viewport_size({"width": width, "height": height})
        seen.append(page.screenshot())
    return seen


def _beside(browser: Browser, seen: list[bytes]) -> bytes:
    """Both windows as one picture."""
    page = browser.new_page(viewport={"width": 200, "height": 200}, offline=True)
    images = "".join(f'<img src="{as_link(one)}">' for one in seen)
    page.set_content(f"""<!doctype html><style>
        body {{ margin: 0; padding: {GAP}px; display: inline-flex; align-items: start;
            gap: {GAP}px; background: #c5cbd3; }}
    </style>{images}""")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    small = few_colours(page, page.locator("body").screenshot())
    page.close()
    return small
