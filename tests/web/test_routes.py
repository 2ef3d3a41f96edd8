"""Every route there is: headers for safety, what looking changes, what a form needs, where it leads
to, and what is not there on purpose (S2, S9, S10, S11, S13)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.routing import Route

from mailer.config.model import Templates, Web
from mailer.message.address import Purpose
from mailer.web.guard import CONTENT_SECURITY, HEADERS
from mailer.web.routes import routes
from tests.dump import dump
from tests.peers.browser import Browser
from tests.web.place import ANYWHERE, BASE, Place, config, health_of, opened_place, site_of
from tests.world import SERIES

PURPOSES = {
    "c": Purpose.CONFIRM,
    "u": Purpose.UNSUBSCRIBE,
    "p": Purpose.PREFERENCES,
    "r": Purpose.REGISTER,
    "j": Purpose.JOIN,
}


FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": f"{BASE}.evil.example"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
)


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


async def forms(place: Place) -> dict[str, dict[str, str]]:
    """Every form of every page but the one-click link, as a person would send it, by its path."""
    given = {"address": "new@example.org", "do": "register", "sure": "yes"}
    found = {}
    for method, path in await paths(place):
        if method != "GET" or path.startswith("/u/"):
            continue
        page = (await place.browser.get(path)).text
        for form in re.findall(r'(?s)<form [^>]*method="post".*?</form>', page):
            action = re.search(r'action="([^"]*)"', form)
            seal = re.search(r'name="seal" value="([^"]*)"', form)
            assert seal, form
            found[action[1] if action else path] = {**given, "seal": seal[1]}
    return found


def table(place: Place) -> list[Route]:
    """Every route of the pages."""
    return routes(site_of(place), health_of(place))


async def test_every_answer_has_every_header_for_safety(place: Place) -> None:
    asked = [*await paths(place), ("GET", "/none/at/all"), ("PATCH", "/"), ("POST", "/")]
    expected = {name.lower(): value for name, value in HEADERS.items()}
    expected["strict-transport-security"] = "max-age=31536000"
    for method, path in asked:
        answer = await place.browser.ask(method, path)
        assert answer.status < 500, (method, path)
        assert expected.items() <= answer.headers.items(), (method, path)
        assert {"set-cookie", "server"}.isdisjoint(answer.headers), (method, path)


async def test_looking_changes_nothing(place: Place) -> None:
    """S2: every page, opened and asked after twice over."""
    asked = await paths(place)
    before = await dump(place.parts)
    for _, path in asked * 2:
        for method in ("GET", "HEAD", "OPTIONS"):
            assert (await place.browser.ask(method, path)).status < 500, path
    assert await dump(place.parts) == before


async def test_every_form_is_refused_from_elsewhere_and_without_its_token(place: Place) -> None:
    """S10: the right token from another site's page, none, that of another form. The one-click link
    alone needs neither (RFC 8058)."""
    sent = await forms(place)
    posts = {one.path for one in table(place) if "POST" in (one.methods or ())}
    reached = {one.path for one in table(place) for path in sent if one.path_regex.match(path)}
    assert posts - reached == {"/u/{token}"}
    before = await dump(place.parts)
    for path, fields in sent.items():
        for headers in FOREIGN:
            assert (await place.browser.post(path, fields, **headers)).status == 403, path
        others = [one["seal"] for other, one in sent.items() if other != path]
        for seal in ("", "x", fields["seal"][:-1], *others):
            answer = await place.browser.post(path, {**fields, "seal": seal})
            assert answer.status == 403, (path, seal)
    assert await dump(place.parts) == before
    for path, fields in sent.items():  # and they were right
        assert (await place.browser.post(path, fields)).status in {200, 422}, path


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example"]
)
async def test_nothing_that_is_sent_says_where_to_go(place: Place, target: str) -> None:
    """S11: whatever a parameter, a field or a header is called."""
    names = ("next", "url", "to", "return", "redirect", "done", "lang", "zone", "page", "back")
    fields = dict.fromkeys(names, target)
    query = urlencode(fields)
    named = {"host": "evil.example", "x_forwarded_host": "evil.example", "referer": target}
    for method, path in await paths(place):
        for asked, headers in ((f"{path}?{query}", {}), (path, named)):
            answer = await (
                place.browser.post(asked, fields, **headers)
                if method == "POST"
                else place.browser.ask(method, asked, headers=_titled(headers))
            )
            where = answer.headers.get("location", "/copyright")
            assert where == "/copyright", (method, asked, where)
            led = re.findall(r'(?:href|src|action|content)="([^"]*evil[^"]*)"', answer.text)
            assert led == [], (method, asked)


def _titled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


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


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/copyright", "GET, HEAD"), ("/copyright/subscribe", "GET, HEAD, POST"),
     ("/copyright/w/iscc/register", "POST"), ("/u/none", "GET, HEAD, POST")],
)  # fmt: skip
async def test_a_method_that_a_page_has_not_is_told_with_those_it_has(
    place: Place, path: str, allowed: str
) -> None:
    for method in ("DELETE", "OPTIONS"):
        answer = await place.browser.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


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


async def test_a_series_whose_name_begins_as_the_organisers_pages_is_its_own(
    tmp_path: Path,
) -> None:
    one = replace(SERIES, id="administration")
    settings = replace(config(f"sqlite:///{tmp_path}/m.db", tmp_path), series=(one,))
    async with opened_place(settings) as place:
        assert (await place.browser.get("/administration")).status == 200
        assert (await place.browser.get("/admin")).status == 404
