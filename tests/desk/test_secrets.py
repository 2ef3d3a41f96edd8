"""What lets organisers in, and what they type that is secret, gets nowhere (S13, S22)."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

from mailer.desk.first_run_setup import STEPS
from mailer.desk.routes import routes
from mailer.dossier import dossier
from mailer.message.address import Purpose
from mailer.store import first_run, visit
from mailer.web.own_data import as_json, own_data
from tests.desk.place import ADA, COOKIE, Desktop, Place
from tests.logged import told
from tests.peers.browser import Answer
from tests.world import ANA, subscribed

SETUP = "abcdefghijklmnopqrstuvwxyz234567"
FIRST = f"/admin/first/{SETUP}"
PASSWORD = "canary-of-a-smarthost"


async def test_nothing_that_opens_a_page_is_told_or_kept(
    place: Place, log: io.StringIO, tmp_path: Path
) -> None:
    """S13, S22: in the log, on any page, in the database, in what is told of a person."""
    await place.webinar()
    ana = await subscribed(place.parts)
    now = place.clock.now()
    link_id = await place.parts.store.write(lambda c: visit.offer(c, ADA.key, now=now))
    token = place.parts.secrets.mint.mint(Purpose.SIGN_IN, subject=link_id, day=now.date())
    until = now + first_run.LINK_LIVES_FOR
    await place.parts.store.write(lambda c: first_run.begin(c, SETUP, until=until))
    place.parts.config.source.write_text("")
    path = f"/admin/sign-in/{token}"
    seals = [(await place.browser.get(path)).hidden("seal")]
    entered = await place.browser.post(path, {"seal": seals[0]})
    cookie = entered.headers["set-cookie"].partition(";")[0].partition("=")[2]
    ada = Desktop(browser=place.browser, secret=cookie)
    seals.append((await ada.get("/admin/copyright")).seal("/admin/sign-out"))
    answers = await everything(place, ada, (token, SETUP, cookie, *seals), ana.id)
    for step in STEPS:
        seal = (await place.browser.get(f"{FIRST}/{step}")).hidden("seal")
        typed = {"host": "smtp.example.org", "port": "x", "security": "tls", "username": "a",
                 "password": PASSWORD, "seal": seal}  # fmt: skip
        if step in ("connect", "webinar", "invite"):
            answers[step] = await place.browser.post(f"{FIRST}/{step}", typed)
    found = await dossier(place.parts, ANA)
    data = await place.parts.store.read(lambda c: own_data(c, ANA, b""))
    place.later(timedelta(minutes=1))
    await place.parts.store.dispose()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("mailer.db*"))

    text = told(log).lower()
    assert text.count("page.served") > len(answers)
    for secret in (token, SETUP, cookie, *seals, PASSWORD):
        assert secret.lower() not in text, secret
        assert secret[:20].lower() not in text, secret
    for secret in (token, SETUP, cookie, PASSWORD):
        assert secret.encode() not in kept, secret
        assert secret not in repr(found) + as_json(data).decode(), secret
    for where, answer in answers.items():
        whole = f"{answer.headers}{answer.text}"
        links = [] if "/first/" in where or where in STEPS else [SETUP]  # they lead on
        for secret in (cookie, PASSWORD, token, *links):
            assert secret not in whole, (where, secret)


async def everything(
    place: Place, ada: Desktop, secrets: tuple[str, ...], person: int
) -> dict[str, Answer]:
    """Every page, right and wrong, and every form without its token; with secrets where they do not
    belong."""
    given = {"series": "copyright", "number": "1", "kind": "move", "person": person,
             "step": "connect", "kept": "1", "batch": "1", "token": "x" * 26}  # fmt: skip
    answers = {}
    for route in routes(place.desk):
        path = route.path.replace(":int", "").format(**given)
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        if path == "/admin/sign-out":
            continue
        for secret in secrets:
            asked = f"{path}?{secret}={secret}"
            answers[f"{method} {path} {len(answers)}"] = await (
                ada.post(asked, {"seal": secret, secret: secret})
                if method == "POST"
                else ada.get(asked)
            )
    for secret in secrets[:2]:  # links that were typed or cut wrongly
        places = ("/admin", "/admin/sign-in", "/admin/first/x", "/c", "", "/admin/copyright/people")
        for path in (f"{one}/{secret}" for one in places):
            await ada.get(path)
            await place.browser.get(path, cookie=f"other={secret}; {COOKIE}=x{secret}")
    return answers


async def test_the_page_of_a_link_tells_nobody_where_it_came_from(place: Place) -> None:
    """S13: nothing else is loaded by it, and no other site hears its address."""
    now = place.clock.now()
    link_id = await place.parts.store.write(lambda c: visit.offer(c, ADA.key, now=now))
    token = place.parts.secrets.mint.mint(Purpose.SIGN_IN, subject=link_id, day=now.date())
    answer = await place.browser.get(f"/admin/sign-in/{token}")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert token not in answer.text.replace(f'action="/admin/sign-in/{token}"', "")
