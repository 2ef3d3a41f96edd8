"""Every route of organisers: who gets in, what a form needs, what looking changes (S9, S10)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select
from starlette.routing import Route

from mailer.desk import cookie
from mailer.desk.routes import routes
from mailer.message.address import Purpose
from mailer.store import visit, written
from mailer.store.schema import metadata
from mailer.web.guard import HEADERS, shown_path
from tests.desk.place import ADA, COOKIE, MAX, Place
from tests.desk.writing import write
from tests.web.place import BASE
from tests.world import subscribed

# What stands in paths, of things that are there; `gone` and `batch` may be none.
GIVEN = {"series": "copyright", "number": "1", "kind": "move", "person": "1", "step": "connect"}
MAYBE = ("kept", "batch", "token")
OPEN = ("/admin/sign-in", "/admin/first")  # below these nobody has to be signed in
FRAMED = "mail.html"

Dump = dict[str, list[tuple[object, ...]]]


async def furnished(place: Place) -> None:
    """A webinar, a text that waits and a reader, each the first of its kind."""
    await write(place)
    await place.webinar()
    await subscribed(place.parts)
    await place.parts.planner.tick()


def table(place: Place, method: str) -> list[Route]:
    """Every route that takes this method."""
    return [one for one in routes(place.desk) if method in (one.methods or ())]


async def path_of(place: Place, route: Route) -> str:
    """A path of a route."""
    now = place.clock.now()
    link_id = await place.parts.store.write(lambda c: visit.offer(c, ADA.key, now=now))
    token = place.parts.secrets.mint.mint(Purpose.SIGN_IN, subject=link_id, day=now.date())
    plain = re.sub(r":int(?=})", "", route.path)
    return plain.format(**GIVEN, token=token, **dict.fromkeys(MAYBE[:2], "1"))


def may_be_missing(route: Route) -> bool:
    """Whether there need not be what a path names."""
    return any(f"{{{name}:int}}" in route.path for name in MAYBE) or "/first/" in route.path


async def dump(place: Place) -> Dump:
    """All that is kept, but for the links that this test makes."""
    tables = [one for one in metadata.sorted_tables if one.name != "sign_in"]
    found = [await place.parts.store.read(lambda c, t=one: c.execute(select(t))) for one in tables]
    return {
        one.name: sorted(map(tuple, rows.all()), key=repr)
        for one, rows in zip(tables, found, strict=True)
    }


async def test_nobody_sees_anything_without_signing_in(place: Place) -> None:
    await furnished(place)
    for method in ("GET", "POST"):
        for route in table(place, method):
            if route.path.startswith(OPEN):
                continue
            answer = await place.browser.ask(method, await path_of(place, route))
            assert answer.status == 401, (method, route.path)
            assert answer.headers["www-authenticate"], route.path
            assert "Content Code" not in answer.text, route.path


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": BASE + ".evil.example"},
    ],
)
async def test_every_change_needs_its_forms_token_and_our_page(
    place: Place, headers: dict[str, str]
) -> None:
    """S10: no token, a wrong one, that of another form or visit, or another site's page: 403."""
    await furnished(place)
    desktop, other = await place.signed_in(), await place.signed_in()
    stolen = (await other.get("/admin/copyright")).seal("/admin/sign-out")
    own = (await desktop.get("/admin/copyright")).seal("/admin/sign-out")
    before = await dump(place)
    for route in table(place, "POST"):
        path = await path_of(place, route)
        for seal in ("", "wrong", stolen, own):
            if route.path == "/admin/sign-out" and seal == own and not headers:
                continue  # that would be right
            answer = await desktop.post(path, {"seal": seal, "do": "cancel"}, **headers)
            refused = {403, 404} if may_be_missing(route) else {403}
            assert answer.status in refused, (route.path, seal)
    assert await dump(place) == before


async def test_a_forms_token_is_of_one_visit(place: Place) -> None:
    """S10: that of another organiser, or of another browser of the same one, is none."""
    desktop, other = await place.signed_in(), await place.signed_in()
    foreign = (await other.get("/admin/copyright")).seal("/admin/copyright")
    own = (await desktop.get("/admin/copyright")).seal("/admin/copyright")
    found = [
        (await desktop.post("/admin/copyright", {"seal": one, "do": "go"})).status
        for one in (foreign, own)
    ]
    assert found == [403, 303]


async def test_a_right_token_does_not_reach_into_another_series(place: Place) -> None:
    """S12: somebody who signs a form for a number of ours below the name of theirs."""
    item = await write(place)
    stranger = await place.signed_in(MAX)
    session = cookie.digest_of(stranger.secret).hex()
    for purpose in (f"announcement {item.id}", f"announcement {item.id} edit {item.version}"):
        seal = place.desk.site.seal.make(f"desk {session} {purpose}")
        for path in (str(item.id), f"{item.id}/edit"):
            answer = await stranger.post(
                f"/admin/patents/announcements/{path}",
                {"seal": seal, "do": "cancel", "subject": "x", "text": "x"},
            )
            assert answer.status == 404
    again = await place.parts.store.read(lambda c: written.by_id(c, item.id))
    assert again == item


async def test_looking_changes_nothing(place: Place) -> None:
    """S2: every page there is, twice."""
    await furnished(place)
    desktop = await place.signed_in()
    before = await dump(place)
    for route in table(place, "GET") * 2:
        path = await path_of(place, route)
        answer = await desktop.get(path)
        assert answer.status < 500, route.path
        assert answer.status in {200, 303} or may_be_missing(route), (answer.status, route.path)
    assert await dump(place) == before


async def test_what_is_of_another_series_is_not_there(place: Place) -> None:
    """S12: our series for an organiser of theirs, and our numbers below the name of theirs."""
    await furnished(place)
    stranger = await place.signed_in(MAX)
    for method in ("GET", "POST"):
        for route in table(place, method):
            if "{series}" not in route.path:
                continue
            ours = await path_of(place, route)
            theirs = ours.replace("/copyright", "/patents")
            for path in (ours, theirs) if re.search(r"/\d", ours) else (ours,):
                answer = await (
                    stranger.get(path) if method == "GET" else stranger.post(path, {"do": "cancel"})
                )
                assert answer.status == 404 or (path, method) == (theirs, "POST"), path
                assert answer.status in {403, 404}, path


async def test_every_answer_has_every_header_for_safety(place: Place) -> None:
    """S9, S13. The page of a mail has a policy of its own, stricter but for its styles."""
    await furnished(place)
    desktop = await place.signed_in()
    for method in ("GET", "POST"):
        for route in table(place, method):
            path = await path_of(place, route)
            answer = await (desktop.get(path) if method == "GET" else desktop.post(path, {}))
            policy = answer.headers["content-security-policy"]
            expected = {name.lower(): value for name, value in HEADERS.items()}
            if path.endswith(FRAMED) and answer.status == 200:
                assert policy.startswith("sandbox; default-src 'none'")
                assert "script" not in policy
                expected["x-frame-options"] = "SAMEORIGIN"
            else:
                assert "default-src 'none'; style-src 'self';" in policy
                assert "unsafe" not in policy
            del expected["content-security-policy"]
            assert expected.items() <= answer.headers.items(), path
            assert answer.headers["cache-control"] in {"no-store", "private, no-store"}, path
            assert COOKIE not in answer.headers.get("set-cookie", ""), path


async def test_no_page_has_anything_inline_or_from_elsewhere(place: Place) -> None:
    """S9."""
    await furnished(place)
    desktop = await place.signed_in()
    for route in table(place, "GET"):
        path = await path_of(place, route)
        page = (await desktop.get(path)).text
        if path.endswith(FRAMED) or "<html" not in page:
            continue
        assert not re.search(r"<style|\sstyle=|\son\w+=|<object|<embed|<base|<script", page), path
        for loaded in re.findall(r'(?:<link rel="(?:stylesheet|icon)" href|src)="([^"]+)"', page):
            assert loaded.startswith(("/static/", "/admin/copyright/")), (path, loaded)


def test_a_link_is_told_nowhere() -> None:
    """S13: the log has the page and never the token."""
    assert shown_path("/admin/sign-in/abc") == "/admin/sign-in/…"
    assert shown_path("/admin/first/abc/connect") == "/admin/first/…"
    assert shown_path("/admin/copyright/people/7") == "/admin/copyright/people/7"


@pytest.mark.parametrize("path", ["/admin/", "/admin/copyright/", "/admin/copyright/none",
    "/admin/copyright/announcements/99999999999999999999", "/admin/copyright/announcements/x",
    "/admin/copyright/announcements/0", "/admin/%00", "/admin/copyright/../sign-in"])  # fmt: skip
async def test_what_is_not_listed_is_not_there(place: Place, path: str) -> None:
    answer = await (await place.signed_in()).get(path)
    assert (answer.status, "location" in answer.headers) == (404, False)
