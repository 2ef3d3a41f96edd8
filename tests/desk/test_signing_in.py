"""The way into the organisers' pages, and out of them (S2, S11, S13, S14, S23)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mailer.config.model import Limits
from mailer.desk import cookie
from mailer.housekeeping import Housekeeping
from mailer.message.address import Purpose
from mailer.store import visit
from mailer.store.schema import sign_in as links
from mailer.store.schema import visit as visits
from mailer.store.visit import IDLE_FOR, LASTS_FOR
from tests.desk.place import (
    ADA,
    COOKIE,
    EVE,
    MAX,
    OURS,
    THEIRS,
    Desktop,
    Place,
    config,
    opened_place,
)
from tests.outbox_reader import mails, queued, text
from tests.peers.browser import Answer
from tests.world import send_all

ASK = "/admin/sign-in"


async def ask(place: Place, address: str, **headers: str) -> Answer:
    """Ask for a link."""
    form = await place.browser.get(ASK)
    return await place.browser.post(
        ASK, {"seal": form.hidden("seal"), "address": address}, **headers
    )


async def link(place: Place, key: str = ADA.key) -> str:
    """The path of a new link."""
    now = place.clock.now()
    link_id = await place.parts.store.write(lambda c: visit.offer(c, key, now=now))
    token = place.parts.secrets.mint.mint(Purpose.SIGN_IN, subject=link_id, day=now.date())
    return f"{ASK}/{token}"


async def press(place: Place, path: str) -> Answer:
    """Load the page behind a link and press its button."""
    page = await place.browser.get(path)
    return await place.browser.post(path, {"seal": page.hidden("seal")})


async def enter(place: Place, path: str) -> Desktop:
    """Sign in by a link."""
    given = (await press(place, path)).headers["set-cookie"]
    secret = given.partition(";")[0].partition("=")[2]
    return Desktop(browser=place.browser, secret=secret)


async def count(place: Place) -> tuple[int, int]:
    """How many links and visits are kept."""
    found = [await place.parts.store.read(lambda c, t=table: c.execute(select(t)))
             for table in (links, visits)]  # fmt: skip
    return len(found[0].all()), len(found[1].all())


async def test_an_organiser_signs_in_by_a_mailed_link(either: Place) -> None:
    answer = await ask(either, "EVE@example.org")
    assert (answer.status, "look into your mailbox" in answer.words) == (200, True)
    (row,) = await queued(either.parts)
    assert (row.kind, row.template, row.recipient) == ("reply", "reply-sign-in", EVE.mailbox)
    await send_all(either.parts)
    (mail,) = mails(either.parts.config.outbound.maildir)
    (url,) = [line for line in text(mail).splitlines() if line.startswith("https://")]
    desktop = await enter(either, url.removeprefix("https://webinars.example.org"))
    page = await desktop.get("/admin")
    assert (page.status, page.headers["location"]) == (303, "/admin/copyright")
    assert "Eve@example.org" in (await desktop.get("/admin/copyright")).words


async def test_known_and_unknown_get_the_same_answer(place: Place) -> None:
    """S14: also an address of our own, and one whose series is another."""
    typed = ("ada@example.org", "nobody@example.org", "webinars@lists.example.org")
    answers = [await ask(place, one) for one in typed]
    fixed = {
        (one.status, one.body, tuple((k, v) for k, v in one.headers.items() if k != "date"))
        for one in answers
    }
    assert len(fixed) == 1
    assert [row.recipient for row in await queued(place.parts)] == ["ada@example.org"]


async def test_the_answer_leaves_at_a_fixed_time_after_the_question(place: Place) -> None:
    loop = asyncio.get_running_loop()
    form = await place.browser.get(ASK)
    began = loop.time()
    await place.browser.post(ASK, {"seal": form.hidden("seal"), "address": "x@example.org"})
    assert loop.time() - began >= 0.2


async def test_an_organiser_is_not_flooded_with_links(place: Place) -> None:
    answers = [await ask(place, "ada@example.org") for _ in range(7)]
    assert {one.status for one in answers} == {200}
    assert len(await queued(place.parts)) == 5
    place.later(timedelta(hours=1, minutes=6))
    await ask(place, "ada@example.org")
    assert len(await queued(place.parts)) == 6


async def test_one_network_cannot_ask_without_end(tmp_path: Path) -> None:
    limits = Limits(forms_per_network_per_hour=3)
    settings = config(f"sqlite:///{tmp_path}/m.db", tmp_path, limits=limits)
    async with opened_place(settings) as place:
        found = [(await ask(place, f"x{n}@example.org")).status for n in range(4)]
        assert found == [200, 200, 200, 429]


async def test_what_is_no_address_is_told(place: Place) -> None:
    answer = await ask(place, "no address")
    assert (answer.status, 'value="no address"' in answer.text) == (422, True)


async def test_looking_at_a_link_uses_nothing_up(place: Place) -> None:
    """S2: a scanner opens it, and the person's click works afterwards."""
    path = await link(place)
    for method in ("GET", "HEAD"):
        seen = await place.browser.ask(method, path)
        assert (seen.status, "set-cookie" in seen.headers) == (200, False)
    assert (await press(place, path)).status == 303


async def test_a_link_works_once(either: Place) -> None:
    """S23."""
    path = await link(either)
    seal = (await either.browser.get(path)).hidden("seal")
    answers = await asyncio.gather(*(either.browser.post(path, {"seal": seal}) for _ in range(8)))
    assert sorted(one.status for one in answers) == [303] + [410] * 7
    assert len([one for one in answers if "set-cookie" in one.headers]) == 1
    again = await either.browser.get(path)
    assert (again.status, "ask for a new one" in again.words) == (410, True)
    assert again.seal(ASK)  # the form for a new one is there


async def test_a_link_is_too_old_after_a_quarter_of_an_hour(place: Place) -> None:
    """S23."""
    path = await link(place)
    seal = (await place.browser.get(path)).hidden("seal")
    place.later(timedelta(minutes=15))
    assert (await place.browser.get(path)).status == 410
    late = await place.browser.post(path, {"seal": seal})
    assert (late.status, "set-cookie" in late.headers) == (410, False)


async def test_no_other_token_is_a_way_in(place: Place) -> None:
    path = await link(place)
    token = path.rpartition("/")[2]
    mint, today = place.parts.secrets.mint, place.clock.now().date()
    others = [mint.mint(one, subject=1, day=today) for one in Purpose if one is not Purpose.SIGN_IN]
    changed = [token[:n] + ("a" if token[n] != "a" else "b") + token[n + 1 :] for n in range(26)]
    for one in (*others, *changed, "x", "a" * 26, "%00", "%C3%A9"):
        assert (await place.browser.get(f"{ASK}/{one}")).status == 410, one


async def test_who_is_no_organiser_any_more_cannot_use_a_link(place: Place) -> None:
    """S23: nor the page with its button, if they loaded that before."""
    path = await link(place, "gone@example.org")
    assert (await place.browser.get(path)).status == 410
    seal = place.desk.site.seal.make(f"desk enter {path.rpartition('/')[2]}")
    answer = await place.browser.post(path, {"seal": seal})
    assert (answer.status, "set-cookie" in answer.headers) == (410, False)
    assert await count(place) == (1, 0)


async def test_a_series_without_organisers_is_looked_after_by_nobody(tmp_path: Path) -> None:
    """S23: who comes first has no more rights than who comes last."""
    nobodys = replace(THEIRS, organisers=())
    settings = config(f"sqlite:///{tmp_path}/mailer.db", tmp_path, series=(OURS, nobodys))
    async with opened_place(settings) as place:
        await ask(place, MAX.mailbox)
        assert await count(place) == (0, 0)
        assert (await place.browser.get(await link(place, MAX.key))).status == 410
        assert (await (await place.signed_in(MAX)).get("/admin/patents")).status == 401
        assert (await (await place.signed_in(ADA)).get("/admin/patents")).status == 404


async def test_the_cookie_is_as_safe_as_it_can_be(place: Place) -> None:
    given = (await press(place, await link(place))).headers["set-cookie"]
    name, _, rest = given.partition("=")
    assert name == COOKIE
    assert sorted(part.strip() for part in rest.split(";")[1:]) == [
        "HttpOnly", "Max-Age=604800", "Path=/", "SameSite=lax", "Secure",
    ]  # fmt: skip


async def test_a_cookie_is_nowhere_in_the_database(place: Place, tmp_path: Path) -> None:
    """S22: who reads it cannot use what stands there."""
    desktop = await enter(place, await link(place))
    await place.parts.store.dispose()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("mailer.db*"))
    assert desktop.secret.encode() not in kept
    assert cookie.digest_of(desktop.secret) in kept


async def test_a_cookie_of_before_signing_in_is_never_taken_over(place: Place) -> None:
    """Nobody can put a cookie in place first and then be signed in by it."""
    path = await link(place)
    seal = (await place.browser.get(path)).hidden("seal")
    answer = await place.browser.post(path, {"seal": seal}, cookie=f"{COOKIE}=planted")
    assert f"{COOKIE}=planted" not in answer.headers["set-cookie"]
    assert (await Desktop(browser=place.browser, secret="planted").get("/admin")).status == 401


async def test_signing_out_ends_every_copy_of_the_cookie(place: Place) -> None:
    """S23."""
    desktop = await enter(place, await link(place))
    answer = await desktop.press("/admin/copyright", "/admin/sign-out")
    assert (answer.status, answer.headers["location"]) == (303, "/admin/sign-in?done=out")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await desktop.get("/admin")).status == 401


async def test_a_removed_organiser_is_out_at_once(tmp_path: Path) -> None:
    """S23: the configuration is asked at each request, not the visit."""
    settings = config(f"sqlite:///{tmp_path}/mailer.db", tmp_path)
    async with opened_place(settings) as place:
        desktop = await place.signed_in(EVE)
        assert (await desktop.get("/admin/copyright")).status == 200
    without = tuple(
        one.__class__(**{**_fields(one), "organisers": ("ada@example.org",)})
        for one in settings.series
    )
    async with opened_place(config(settings.database.url, tmp_path, series=without)) as place:
        old = Desktop(browser=place.browser, secret=desktop.secret)
        assert (await old.get("/admin/copyright")).status == 401
        assert await count(place) == (0, 0)


def _fields(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("secret", ["", "x", "a" * 5000, "ä"])
async def test_what_was_never_given_is_no_cookie(place: Place, secret: str) -> None:
    desktop = Desktop(browser=place.browser, secret=secret)
    assert (await desktop.get("/admin")).status == 401


async def test_a_visit_ends_when_nobody_is_there(place: Place) -> None:
    desktop = await place.signed_in()
    for _ in range(3):
        place.later(IDLE_FOR - timedelta(minutes=6))
        assert (await desktop.get("/admin")).status == 303
    place.later(IDLE_FOR)
    assert (await desktop.get("/admin")).status == 401


async def test_a_visit_ends_however_busy_it_is(place: Place) -> None:
    desktop = await place.signed_in()
    ends = place.clock.now() + LASTS_FOR
    while place.clock.now() < ends:
        assert (await desktop.get("/admin")).status == 303
        place.later(timedelta(hours=8))
    assert (await desktop.get("/admin")).status == 401


async def test_what_has_ended_is_erased(either: Place) -> None:
    await link(either)
    await either.signed_in()
    assert await count(either) == (1, 1)
    house = Housekeeping(
        either.parts.store, either.parts.config.retention, either.clock, node_id="n"
    )
    await house.sweep()
    assert await count(either) == (1, 1)
    either.later(IDLE_FOR)
    await house.sweep()
    assert await count(either) == (0, 0)


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https:evil.example"])
async def test_nothing_that_is_sent_says_where_to_go(place: Place, target: str) -> None:
    """S11."""
    path = await link(place)
    for asked in (f"{path}?next={target}", path):
        page = await place.browser.get(asked)
        assert "evil" not in page.text
    seal = (await place.browser.get(path)).hidden("seal")
    fields = {"seal": seal, "next": target}
    answer = await place.browser.post(f"{path}?next={target}", fields)
    assert answer.headers["location"] == "/admin"
    desktop = await place.signed_in()
    for asked in (f"/admin?next={target}", f"/admin?done={target}"):
        assert (await desktop.get(asked)).headers["location"] == "/admin/copyright"


async def test_pages_speak_the_language_that_was_chosen(place: Place) -> None:
    desktop = await place.signed_in()
    answer = await desktop.press("/admin/copyright", "/admin/language", {"language": "fr"})
    assert answer.status == 303
    assert (await desktop.get("/admin/copyright")).headers["content-language"] == "fr"
    await desktop.press("/admin/copyright", "/admin/language", {"language": "xx"})
    assert (await desktop.get("/admin/copyright")).headers["content-language"] == "fr"


async def test_the_page_to_sign_in_speaks_the_browsers_language(place: Place) -> None:
    page = await place.browser.get(ASK, accept_language="ar")
    assert (page.headers["content-language"], 'dir="rtl"' in page.text) == ("ar", True)


async def test_who_has_several_series_chooses_one(tmp_path: Path) -> None:
    settings = config(f"sqlite:///{tmp_path}/m.db", tmp_path)
    both = tuple(
        one.__class__(**{**_fields(one), "organisers": ("ada@example.org",)})
        for one in settings.series
    )
    async with opened_place(config(settings.database.url, tmp_path, series=both)) as place:
        page = await (await place.signed_in()).get("/admin")
        assert page.status == 200
        assert 'href="/admin/patents"' in page.text


async def test_a_series_of_others_is_not_there(place: Place) -> None:
    """S12."""
    desktop = await place.signed_in()
    found = [(await desktop.get(path)).status for path in ("/admin/patents", "/admin/none")]
    assert found == [404, 404]
