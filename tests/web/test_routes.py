"""Every route there is: headers for safety, methods, and what is not there on purpose (S9, S13)."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from starlette.routing import Route

from mailer.config.model import Templates, Web
from mailer.message.address import Purpose
from mailer.web.guard import CONTENT_SECURITY, HEADERS
from mailer.web.health import Health
from mailer.web.meter import Meter
from mailer.web.routes import routes
from mailer.web.seal import Seal
from mailer.web.site import Site
from tests.peers.browser import Browser
from tests.web.place import ANYWHERE, BASE, Place, config, opened_place

PURPOSES = {
    "c": Purpose.CONFIRM,
    "u": Purpose.UNSUBSCRIBE,
    "p": Purpose.PREFERENCES,
    "r": Purpose.REGISTER,
    "j": Purpose.JOIN,
}


async def paths(place: Place) -> list[tuple[str, str]]:
    """Method and path of every route, with a link that holds and one that does not."""
    ana, bob, webinar = await place.ana(), await place.bob(), await place.webinar()
    found = []
    for route in table(place):
        first = route.path.split("/")[1]
        token = ""
        if first in PURPOSES:
            person = bob if first == "c" else ana
            token = place.token(PURPOSES[first], person, webinar)
        made = route.path.format(series="copyright", webinar="iscc", token=token)
        wrong = route.path.format(series="none", webinar="none", token="x" * 26)
        for method in sorted(route.methods or ()):
            found += [(method, made), (method, wrong)]
    return found


def table(place: Place) -> list[Route]:
    """Every route of the pages."""
    parts = place.parts
    meter = Meter()
    health = Health(
        parts.store,
        place.clock,
        listening=dict,
        counting=parts.counting,
        meter=meter,
        now=time.monotonic,
    )
    assert parts.config.web is not None
    site = Site(
        config=parts.config,
        settings=parts.config.web,
        store=parts.store,
        intake=parts.intake,
        person_changes=parts.person_changes,
        secrets=parts.secrets,
        renderer=parts.drawing.renderer,
        clock=place.clock,
        seal=Seal(b"secret", place.clock),
        meter=meter,
        concerned=parts.concerned,
    )
    return routes(site, health)


async def test_every_answer_has_every_header_for_safety(place: Place) -> None:
    asked = [*await paths(place), ("GET", "/none/at/all"), ("PATCH", "/"), ("POST", "/")]
    expected = {name.lower(): value for name, value in HEADERS.items()}
    expected["strict-transport-security"] = "max-age=31536000"
    for method, path in asked:
        answer = await place.browser.ask(method, path)
        assert answer.status < 500, (method, path)
        assert expected.items() <= answer.headers.items(), (method, path)
        assert {"set-cookie", "server"}.isdisjoint(answer.headers), (method, path)


async def test_no_page_has_anything_inline_or_from_elsewhere(place: Place) -> None:
    for method, path in await paths(place):
        page = (await place.browser.ask(method, path)).text
        if "<html" not in page:
            continue
        scripts = re.findall(r"<script[^>]*>", page)
        assert set(scripts) <= {'<script type="application/ld+json">'}, path
        assert not re.search(r"<style|\sstyle=|\son\w+=|<iframe|<object|<embed|<base", page), path
        for loaded in re.findall(r'(?:<link rel="(?:stylesheet|icon)" href|src)="([^"]+)"', page):
            assert loaded.startswith("/static/"), path


async def test_personal_pages_are_kept_by_nobody(place: Place) -> None:
    for method, path in await paths(place):
        if path.split("/")[1] in PURPOSES:
            answer = await place.browser.ask(method, path)
            assert answer.headers["cache-control"] == "no-store", path
            assert answer.headers["referrer-policy"] == "no-referrer", path


def test_the_policy_allows_no_script_and_nothing_inline() -> None:
    assert "default-src 'none'" in CONTENT_SECURITY
    assert "unsafe" not in CONTENT_SECURITY
    assert "script-src" not in CONTENT_SECURITY


@pytest.mark.parametrize(
    "path",
    ["/admin", "/admin/", "/admin/x", "/favicon.ico", "/.env", "/static/../config.toml",
     "/static/%2e%2e/style.css", "/copyright/w/../../x", "//evil.example", "/%00", "/copyright%00"],
)  # fmt: skip
async def test_what_is_not_listed_is_not_there(place: Place, path: str) -> None:
    answer = await place.browser.get(path)
    assert (answer.status, "location" in answer.headers) == (404, False)


async def test_a_method_that_a_page_has_not_is_told(place: Place) -> None:
    answer = await place.browser.ask("DELETE", "/copyright")
    assert (answer.status, "GET" in answer.headers["allow"]) == (405, True)


async def test_the_style_sheet_is_kept_until_it_changes(place: Place) -> None:
    page = await place.browser.get("/copyright")
    found = re.search(r'href="(/static/style\.css\?v=\w+)"', page.text)
    assert found
    sheet = await place.browser.get(found[1])
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_robots_are_kept_off_personal_pages(place: Place) -> None:
    text = (await place.browser.get("/robots.txt")).text
    assert text.splitlines()[:2] == ["User-agent: *", "Disallow: /c/"]


async def test_an_own_style_sheet_takes_the_place_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    (folder / "web").mkdir(parents=True)
    (folder / "web" / "style.css").write_text("body { color: teal; }\n")
    settings = config(f"sqlite:///{tmp_path}/m.db", tmp_path, templates=Templates(folder=folder))
    async with opened_place(settings) as place:
        assert (await place.browser.get("/static/style.css")).text == "body { color: teal; }\n"


async def test_metrics_may_have_a_listener_of_their_own(tmp_path: Path) -> None:
    web = Web(base_url=BASE, listen=ANYWHERE, metrics_listen=ANYWHERE)
    settings = config(f"sqlite:///{tmp_path}/m.db", tmp_path, web=web)
    async with opened_place(settings) as place:
        assert (await place.browser.get("/metrics")).status == 404
        apart = Browser(place.ports["metrics"])
        assert (await apart.get("/metrics")).status == 200
        assert (await apart.get("/copyright")).status == 404
