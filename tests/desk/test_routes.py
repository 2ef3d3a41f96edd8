"""Every route of organisers: who gets in, what a form needs, what looking changes, where it leads
to (S2, S9, S10, S11, S12)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.routing import Route

from mailer.desk import cookie
from mailer.desk.first_run_setup import STEPS
from mailer.desk.routes import routes
from mailer.desk.webinar_wish import Kind
from mailer.message.address import Purpose
from mailer.store import first_run, visit
from mailer.web.guard import HEADERS, shown_path
from tests.desk.filling import filled
from tests.desk.place import (
    ADA,
    COOKIE,
    MAX,
    OURS,
    THEIRS,
    Desktop,
    Place,
    config,
    opened_place,
)
from tests.desk.test_health import wave_held
from tests.desk.writing import write
from tests.dump import dump
from tests.peers.browser import Answer
from tests.web.place import BASE
from tests.world import subscribed

THERE = "/admin/copyright"
SETUP = "abcdefghijklmnopqrstuvwxyz234567"
OPEN = ("/admin/sign-in", "/admin/first")  # below these nobody has to be signed in
FRAMED = "mail.html"
TAKEN, STAGED = "1", "2"  # files of people
FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": BASE + ".evil.example"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
)
LEADS = re.compile(r"/(?![/\\])|[?#]|mailto:|https://(meet|webinars)\.example\.org")
SEASON = b"""[[webinar]]
id = "other"
title = "Another"
starts = 2026-12-02T13:00:00
duration = "1h"
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """Something of everything that a path can name, and the token of a link to sign in."""

    place: Place
    token: str
    kept: str

    def path_of(self, method: str, route: Route) -> str:
        """A path of a route, to what is there."""
        given = {
            "series": "copyright",
            "number": "1",
            "kind": "move",
            "person": "1",
            "step": "connect",
            "kept": self.kept,
            "batch": TAKEN if method == "GET" else STAGED,
            "token": SETUP if "/first/" in route.path else self.token,
        }
        return re.sub(r":int(?=})", "", route.path).format(**given)


async def furnished(place: Place) -> World:
    """A webinar, a text that waits, a reader, files that were looked at, and a first set-up."""
    await write(place)
    await place.webinar()
    await subscribed(place.parts)
    await place.parts.planner.tick()
    ada, now = await place.signed_in(), place.clock.now()
    people = f"{THERE}/people/import"
    for number in (TAKEN, STAGED):
        content = f"address\nzoe{number}@example.net\n".encode()
        fields = filled(await ada.get(people), people)
        page = await ada.upload(people, fields, name="people.csv", content=content)
        if number == TAKEN:
            fields = filled(page, f"{people}/{number}")
            await ada.post(f"{people}/{number}", {**fields, "do": "take"})
    programme = f"{THERE}/programme/import"
    fields = filled(await ada.get(programme), programme)
    page = await ada.upload(programme, fields, name="season.toml", content=SEASON)
    kept = re.search(rf'action="{programme}/(\d+)"', page.text)
    assert kept
    until = now + first_run.LINK_LIVES_FOR
    await place.parts.store.write(lambda c: first_run.begin(c, SETUP, until=until))
    place.parts.config.source.write_text("")
    await wave_held(place)
    link_id = await place.parts.store.write(lambda c: visit.offer(c, ADA.key, now=now))
    token = place.parts.secrets.mint.mint(Purpose.SIGN_IN, subject=link_id, day=now.date())
    return World(place=place, token=token, kept=kept[1])


def table(place: Place, method: str) -> list[Route]:
    """Every route that takes this method."""
    return [one for one in routes(place.desk) if method in (one.methods or ())]


async def forms(world: World, desktop: Desktop) -> dict[str, dict[str, str]]:
    """Every form of every page, with its token, by the path that it leads to; a page that answers a
    form has one more."""
    found: dict[str, dict[str, str]] = {}

    def note(page: Answer, path: str) -> None:
        for form in re.findall(r'(?s)<form [^>]*method="post".*?</form>', page.text):
            action = re.search(r'action="([^"]*)"', form)
            seal = re.search(r'name="seal" value="([^"]*)"', form)
            assert seal, (path, form)
            found[action[1] if action else path] = {"seal": seal[1]}

    for route in table(world.place, "GET"):
        path = world.path_of("GET", route)
        note(await desktop.get(path), path)
    for kind in Kind:  # and those of the other changes of a webinar
        path = f"{THERE}/programme/{'new' if kind is Kind.NEW else f'1/{kind}'}"
        note(await desktop.get(path), path)
    for step in STEPS:
        path = f"/admin/first/{SETUP}/{step}"
        note(await desktop.get(path), path)
    staged = f"{THERE}/people/import"
    seal = found[staged]["seal"]
    content = b"address\nmia@example.net\n"
    note(await desktop.upload(staged, {"seal": seal}, name="x.csv", content=content), staged)
    kept = f"{THERE}/programme/import"
    seal = found[kept]["seal"]
    note(await desktop.upload(kept, {"seal": seal}, name="x.toml", content=SEASON), kept)
    return found


async def test_nobody_sees_anything_without_signing_in(place: Place) -> None:
    world = await furnished(place)
    for method in ("GET", "POST"):
        for route in table(place, method):
            if route.path.startswith(OPEN):
                continue
            answer = await place.browser.ask(method, world.path_of(method, route))
            assert answer.status == 401, (method, route.path)
            assert answer.headers["www-authenticate"], route.path
            assert "Content Code" not in answer.text, route.path


async def test_a_slash_behind_admin_is_no_other_page(place: Place) -> None:
    desktop = await place.signed_in()
    for path in ("/admin", "/admin/"):
        answer = await desktop.get(path)
        assert (answer.status, answer.headers["location"]) == (303, THERE)


async def test_every_change_needs_its_forms_token(place: Place) -> None:
    """S10: no token, a wrong one, that of another form, of another visit, or of nobody's."""
    world = await furnished(place)
    desktop, other = await place.signed_in(), await place.signed_in()
    stolen = (await other.get(THERE)).seal("/admin/sign-out")
    own = (await desktop.get(THERE)).seal("/admin/sign-out")
    public = (await place.browser.get("/copyright/subscribe")).hidden("seal")
    before = await dump(place.parts)
    for route in table(place, "POST"):
        path = world.path_of("POST", route)
        for seal in ("", "wrong", stolen, own, public):
            if route.path == "/admin/sign-out" and seal == own:
                continue  # that would be right
            answer = await desktop.post(path, {"seal": seal, "do": "cancel"})
            assert answer.status == 403, (route.path, seal)
    assert await dump(place.parts) == before


async def test_every_change_needs_a_page_of_ours(place: Place) -> None:
    """S10: the right token of every form there is, sent by another site's page; and each is bound
    to the visit in which it was made, where there is one."""
    world = await furnished(place)
    desktop, other = await place.signed_in(), await place.signed_in()
    sent = await forms(world, desktop)
    posts = {one.path for one in table(place, "POST")}
    assert {one.path for one in table(place, "POST") for path in sent
            if one.path_regex.match(path)} == posts  # fmt: skip
    before = await dump(place.parts)
    for path, fields in sent.items():
        for headers in FOREIGN:
            assert (await desktop.post(path, fields, **headers)).status == 403, (path, headers)
        if not path.startswith(OPEN):
            assert (await other.post(path, fields)).status == 403, path
    assert await dump(place.parts) == before
    slow = (f"{THERE}/health/examine", f"/admin/first/{SETUP}/prove")
    for path, fields in sorted(sent.items(), key=lambda one: "sign" in one[0]):
        if path not in slow:  # and they were right
            assert (await desktop.post(path, fields)).status != 403, path


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
    world = await furnished(place)
    stranger = await place.signed_in(MAX)
    session = cookie.digest_of(stranger.secret).hex()
    theirs = "/admin/patents"
    fields = {"do": "cancel", "subject": "x", "text": "x", "address": "x@example.org",
              "sure": "yes", "title": "x", "starts": "2026-12-24T13:00"}  # fmt: skip
    tries = {
        f"{theirs}/announcements/1": ("announcement 1", ("approve", "ask", "test", "cancel",
                                      "pause", "resume")),
        f"{theirs}/announcements/2": ("announcement 2", ("pause", "resume", "cancel")),
        f"{theirs}/announcements/1/edit": ("announcement 1 edit 1", ("queue", "keep")),
        f"{theirs}/people/1": ("person 1", ("remove", "change", "forget", "erase")),
        f"{theirs}/people/import/{TAKEN}": (f"people patents import {TAKEN}", ()),
        **{f"{theirs}/programme/1/{kind}": (f"{theirs}/programme/1 {kind}", ("", "store"))
           for kind in Kind if kind is not Kind.NEW},
    }  # fmt: skip
    before = await dump(place.parts)
    for path, (purpose, acts) in tries.items():
        seal = place.desk.site.seal.make(f"desk {session} {purpose}")
        assert (await stranger.get(path)).status == 404, path
        for do in acts:
            answer = await stranger.post(path, {**fields, "seal": seal, "do": do})
            assert answer.status == 404, (path, do)
    for batch in (TAKEN, STAGED):
        for do in ("take", "drop"):
            seal = place.desk.site.seal.make(f"desk {session} people patents import {batch}")
            await stranger.post(f"{theirs}/people/import/{batch}", {"seal": seal, "do": do})
    assert await dump(place.parts) == before
    assert world.kept


async def test_who_looks_after_two_series_has_each_by_itself(tmp_path: Path) -> None:
    """S12: a number of one below the name of the other is not there, though both are theirs."""
    both = (OURS, replace(THEIRS, organisers=OURS.organisers))
    settings = config(f"sqlite:///{tmp_path}/mailer.db", tmp_path, series=both)
    async with opened_place(settings) as place:
        world = await furnished(place)
        ada = await place.signed_in()
        for route in table(place, "GET"):
            path = world.path_of("GET", route)
            if "{series}" not in route.path or not re.search(r"/\d", path):
                continue
            assert (await ada.get(path)).status in {200, 303}, path
            assert (await ada.get(path.replace("/copyright", "/patents"))).status == 404, path


async def test_looking_changes_nothing(place: Place) -> None:
    """S2: every page there is, opened and asked after, twice."""
    world = await furnished(place)
    desktop = await place.signed_in()
    paths = [world.path_of("GET", one) for one in table(place, "GET")]
    paths += [f"{THERE}/programme/1/{kind}" for kind in Kind if kind is not Kind.NEW]
    paths += [f"/admin/first/{SETUP}/{step}" for step in STEPS]
    before = await dump(place.parts)
    for path in paths * 2:
        for method in ("GET", "HEAD", "OPTIONS"):
            cookies = {"Cookie": f"{COOKIE}={desktop.secret}"}
            answer = await place.browser.ask(method, path, headers=cookies)
            assert answer.status in {200, 303} or method == "OPTIONS", (answer.status, path)
    assert await dump(place.parts) == before


async def test_what_is_of_another_series_is_not_there(place: Place) -> None:
    """S12: our series for an organiser of theirs, and our numbers below the name of theirs."""
    world = await furnished(place)
    stranger = await place.signed_in(MAX)
    for method in ("GET", "POST"):
        for route in table(place, method):
            if "{series}" not in route.path:
                continue
            ours = world.path_of(method, route)
            theirs = ours.replace("/copyright", "/patents")
            for path in (ours, theirs) if re.search(r"/\d", ours) else (ours,):
                answer = await (
                    stranger.get(path) if method == "GET" else stranger.post(path, {"do": "cancel"})
                )
                assert answer.status == 404 or (path, method) == (theirs, "POST"), path
                assert answer.status in {403, 404}, path


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https:evil.example"])
async def test_nothing_that_is_sent_says_where_to_go(place: Place, target: str) -> None:
    """S11: whatever a parameter, a field or a header is called, on every page and form."""
    world = await furnished(place)
    ada = await place.signed_in()
    names = ("next", "url", "to", "return", "redirect", "done", "lang", "look", "language", "back",
             "still", "sure", "q", "start", "webinar")  # fmt: skip
    sent = dict.fromkeys(names, target)
    named = {"host": "evil.example", "x_forwarded_host": "evil.example", "referer": target}
    pages = [(world.path_of("GET", one), "") for one in table(place, "GET")]
    acts = (("", ""), ("do", "go"), ("do", "pause"), ("do", "remove"), ("do", "drop"))
    behind = [
        (path, fields["seal"])
        for path, fields in sorted(
            (await forms(world, ada)).items(), key=lambda one: "sign" in one[0]
        )
        if not path.endswith(("/examine", "/prove"))
    ]
    for path, seal in (*pages, *behind):
        asked = f"{path}?{urlencode(sent)}"
        for key, value in acts if seal else acts[:1]:
            fields = {**sent, key: value, "seal": seal}
            answer = await (ada.post(asked, fields, **named) if seal else ada.get(asked, **named))
            where = answer.headers.get("location", "/admin")
            assert re.fullmatch(r"/admin(/[\w/.-]*)?(\?[\w=&%.-]*)?", where), (path, where)
            assert "evil" not in where.partition("?")[0], (path, where)
            led = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
            assert [one for one in led if not LEADS.match(one)] == [], path


async def test_every_answer_has_every_header_for_safety(place: Place) -> None:
    """S9, S13. The page of a mail has a policy of its own, stricter but for its styles."""
    world = await furnished(place)
    desktop = await place.signed_in()
    for method in ("GET", "POST"):
        for route in table(place, method):
            path = world.path_of(method, route)
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
    world = await furnished(place)
    desktop = await place.signed_in()
    for route in table(place, "GET"):
        path = world.path_of("GET", route)
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


@pytest.mark.parametrize("path", ["/admin/copyright/", "/admin/copyright/none",
    "/admin/copyright/announcements/99999999999999999999", "/admin/copyright/announcements/x",
    "/admin/copyright/announcements/0", "/admin/%00", "/admin/copyright/../sign-in"])  # fmt: skip
async def test_what_is_not_listed_is_not_there(place: Place, path: str) -> None:
    answer = await (await place.signed_in()).get(path)
    assert (answer.status, "location" in answer.headers) == (404, False)
