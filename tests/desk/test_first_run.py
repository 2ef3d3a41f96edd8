"""The first set-up: from the link that `mailer init` prints to a confirmed subscriber, for real."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import stat
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from mailer.config.model import Outbound, TransportKind
from mailer.store import first_run, setting
from tests.desk.looking import looked_at
from tests.desk.place import Place, at_port, config, opened_place
from tests.flow.daemon import Daemon, Home
from tests.peers.browser import Answer
from tests.peers.certificate import Certificate
from tests.peers.client import Client as MailClient
from tests.peers.sink import Sink, SinkOptions

SERIES = "webinars@lists.example.org"
PHONE = {"width": 360, "height": 780}


@dataclass
class House(Home):
    """What `mailer init` made, with listeners wherever there is room."""

    link: str = ""

    def __post_init__(self) -> None:
        pass

    async def made(self, port: int, *more: str) -> None:
        """Run `mailer init` in this folder."""
        code, out, err = await self.command_alone(
            *("init", str(self.folder), "--yes", "--json"),
            *("--web", f"http://127.0.0.1:{port}", "--address", SERIES, *more),
        )
        assert code == 0, err
        self.link = json.loads(out)["link"]
        text = self.config
        for number in ("2525", "2424"):
            text = text.replace(f"127.0.0.1:{number}", "127.0.0.1:0")
        (self.folder / "config.toml").write_text(text)

    async def command_alone(self, *words: str) -> tuple[int, bytes, str]:
        return await self.command(*words)

    @property
    def config(self) -> str:
        return (self.folder / "config.toml").read_text()

    @property
    def path(self) -> str:
        """The link's path."""
        return "/" + self.link.split("/", 3)[3]

    async def stored(self, statement: str) -> list[tuple[object, ...]]:
        return await asyncio.to_thread(self.rows, statement)


@pytest_asyncio.fixture
async def house(tmp_path: Path, free_port: int) -> House:
    """A first set-up that has just begun."""
    folder = tmp_path / "mailer"
    folder.mkdir()
    house = House(folder=folder, sink_port=0)
    await house.made(free_port)
    return house


@contextlib.asynccontextmanager
async def carried_back(sink: Sink, port: int) -> AsyncIterator[None]:
    """A mail server in front: what is for the series' domain comes in by LMTP."""

    async def carry() -> None:
        done = 0
        while True:
            await sink.wait_for(done + 1, seconds=120)
            mail = sink.accepted[done]
            done += 1
            for one in mail.recipients:
                if one.address.endswith("@lists.example.org"):
                    async with MailClient("127.0.0.1", port) as client:
                        await client.greet(lmtp=True)
                        await client.mail(mail.mail_from, [one.address], mail.content)

    task = asyncio.create_task(carry())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def words_of(content: bytes) -> str:
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.timeout(180)
async def test_five_steps_lead_from_nothing_to_a_confirmed_subscriber(
    house: House, chromium: Browser, sink: Sink
) -> None:
    """With scripts off, in a real browser, against a real daemon and a real mail server."""
    context = await chromium.new_context(java_script_enabled=False, viewport=PHONE)
    page = await context.new_page()
    async with Daemon(house) as daemon, carried_back(sink, daemon.ports["lmtp"]):
        await page.goto(house.link)
        await page.get_by_label("Its name", exact=True).fill("127.0.0.1")
        await page.get_by_label("Port").fill(str(sink.port))
        await page.get_by_label("Security").select_option("none")
        await page.get_by_role("button", name="Try and use it").click()
        assert daemon.process.stdout is not None
        async with asyncio.timeout(20):  # taken up by itself
            assert (await daemon.process.stdout.readline()).decode().strip() == daemon.ready
        await page.get_by_text("the daemon uses it now").wait_for()

        await page.get_by_role("link", name="Next: prove it").click()
        await page.get_by_role("button", name="Examine and send").click()
        await page.get_by_text("A mail went out and came back").wait_for(timeout=40_000)

        await page.get_by_role("link", name="Next: the first webinar").click()
        await page.get_by_label("Title").fill("The first of many")
        await page.get_by_label("Begins").fill("2030-11-27T13:00")
        await page.get_by_label("Link to join").fill("https://meet.example.org/room")
        await page.get_by_role("button", name="Add it").click()
        await page.get_by_text("There is a webinar in the programme.").wait_for()

        await page.get_by_role("link", name="Next: invite yourself").click()
        await page.get_by_label("Your mail address").fill("ana@example.net")
        await page.get_by_role("button", name="Ask me by mail").click()
        await page.get_by_text("was asked to confirm.").wait_for()
        asked = next(
            one for one in await sink.wait_for(2) if one.recipients[0].address == "ana@example.net"
        )
        found = re.search(r"http://127\S+/c/[a-z2-7]+", words_of(asked.content))
        assert found
        mailbox = await context.new_page()
        await mailbox.goto(found[0])
        await mailbox.get_by_role("button", name="Yes, send me the invitations").click()
        await mailbox.get_by_role("heading", name="Welcome!").wait_for()
        await page.get_by_text("has confirmed: the first").wait_for()  # by itself

        await page.get_by_role("link", name="Next: go live").click()
        assert await house.stored("SELECT value FROM setting WHERE key = 'outbox.held'") != []
        await page.get_by_text("All four steps are done.").wait_for()
        await page.get_by_role("button", name="Go live").click()
        await page.get_by_role("heading", name="You are live").wait_for()
        async with asyncio.timeout(20):
            await daemon.process.stdout.readline()
        answer = await page.goto(house.link)
        assert answer is not None
        assert answer.status == 404
        log = await daemon.complaint()
        assert await daemon.stop() == 0
    settings = "SELECT key FROM setting WHERE key IN ('outbox.held', 'first.run')"
    assert await house.stored(settings) == []
    assert await house.stored("SELECT state FROM subscription") == [("active",)]
    assert [who for (who,) in await house.stored("SELECT DISTINCT who FROM page_deed")] == [
        "first set-up"
    ]
    written = tomllib.loads(house.config)
    assert written["outbound"]["port"] == sink.port
    assert written["series"]["webinars"]["organisers"] == ["ana@example.net"]
    assert "# [dkim]                   # when the mail server does not sign" in house.config
    assert house.path.rpartition("/")[2] not in log
    await context.close()


SECRET = "abcdefghijklmnopqrstuvwxyz234567"
FIRST = f"/admin/first/{SECRET}"
TEXT = """\
[database]
url = "sqlite:///mailer.db"
[outbound]
transport = "maildir"  # for now
[web]
base_url = "https://webinars.example.org"
[series.copyright]
title = "Copyright Infrastructure Webinars"
address = "webinars@lists.example.org"
timezone = "Europe/Zurich"
"""


@pytest_asyncio.fixture
async def begun(place: Place) -> Place:
    """Pages with a set-up that has begun, and a configuration that can be written."""
    await begin(place)
    return place


async def begin(place: Place) -> None:
    until = place.clock.now() + first_run.LINK_LIVES_FOR
    await place.parts.store.write(lambda c: first_run.begin(c, SECRET, until=until, hold=True))
    place.parts.config.source.write_text(TEXT)


async def press(place: Place, step: str, fields: dict[str, str]) -> Answer:
    """Load a step and send its form."""
    seal = (await place.browser.get(f"{FIRST}/{step}")).hidden("seal")
    return await place.browser.post(f"{FIRST}/{step}", {"seal": seal, **fields})


def connecting(sink: Sink, **more: str) -> dict[str, str]:
    return {"host": "127.0.0.1", "port": str(sink.port), "security": "none", **more}


async def test_the_link_leads_to_the_first_step_that_is_not_done(begun: Place) -> None:
    assert (await begun.browser.get(FIRST)).headers["location"] == f"{FIRST}/connect"
    await begun.webinar()
    page = await begun.browser.get(f"{FIRST}/webinar")
    assert "There is a webinar in the programme." in page.words


@pytest.mark.parametrize("token", ["", "x", SECRET.upper(), SECRET[:-1] + "3", SECRET + "a"])
async def test_another_link_opens_nothing(begun: Place, token: str) -> None:
    for path in (f"/admin/first/{token}", f"/admin/first/{token}/live"):
        assert (await begun.browser.get(path)).status == 404
    assert (await begun.browser.post(f"/admin/first/{token}/live", {})).status == 404


async def test_a_link_ends_with_its_week(begun: Place) -> None:
    begun.clock.advance_to(begun.clock.now() + first_run.LINK_LIVES_FOR)
    assert (await begun.browser.get(FIRST)).status == 404


async def test_a_new_link_takes_the_place_of_the_old(begun: Place) -> None:
    """And what was done stays done."""
    state = await begun.parts.store.read(first_run.current)
    assert state is not None
    await begun.parts.store.write(lambda c: first_run.put(c, replace(state, server="a:25")))
    until = begun.clock.now() + timedelta(days=1)
    await begun.parts.store.write(lambda c: first_run.begin(c, "b" * 32, until=until))
    assert (await begun.browser.get(FIRST)).status == 404
    again = await begun.parts.store.read(first_run.current)
    assert again == replace(state, server="a:25", digest=first_run.digest_of("b" * 32), until=until)


async def test_the_secret_itself_is_not_kept(begun: Place) -> None:
    text = await begun.parts.store.read(lambda c: setting.get(c, "first.run"))
    assert text is not None
    assert SECRET not in text


async def test_a_server_that_does_not_answer_changes_nothing(begun: Place, sink: Sink) -> None:
    await sink.stop()
    page = await press(begun, "connect", connecting(sink))
    assert page.status == 422
    assert "Nothing was changed." in page.words
    assert "see whether it runs" in page.words
    assert f'value="{sink.port}"' in page.text
    assert begun.parts.config.source.read_text() == TEXT


async def test_a_server_that_takes_us_is_written_down(begun: Place, sink: Sink) -> None:
    """With a copy of what was there, and a word to the daemon."""
    answer = await press(begun, "connect", connecting(sink))
    assert answer.headers["location"] == f"{FIRST}/connect?done=connected"
    source = begun.parts.config.source
    assert source.read_text() == TEXT.replace(
        'transport = "maildir"  # for now\n',
        f'transport = "smtp"  # for now\nhost = "127.0.0.1"\nport = {sink.port}\n'
        'security = "none"\n',
    )
    (kept,) = source.parent.glob("config.toml.*")
    assert kept.read_text() == TEXT
    assert await begun.parts.store.read(lambda c: setting.get(c, setting.RELOAD)) == "1"
    page = await begun.browser.get(f"{FIRST}/connect?done=connected")
    assert page.headers["refresh"] == "2"
    assert "The daemon is taking it up" in page.words


async def test_a_password_that_is_not_taken_is_not_kept(begun: Place, sink: Sink) -> None:
    """A server that lets nobody in: nothing is written."""
    typed = connecting(sink, username="ana", password="open sesame")
    page = await press(begun, "connect", typed)
    assert (page.status, "see username and password" in page.words) == (422, True)
    assert "open sesame" not in page.text
    folder = begun.parts.config.source.parent
    assert not (folder / "smarthost.password").exists()


async def test_what_cannot_be_typed_is_said_at_its_field(begun: Place, sink: Sink) -> None:
    fields = {"host": "a b", "port": "70000", "security": "rot13", "username": "ana"}
    page = await press(begun, "connect", fields)
    assert page.status == 422
    for name in ("host", "port", "security", "password"):
        assert f'aria-describedby="wrong-{name}"' in page.text
    page = await press(
        begun, "connect", {**connecting(sink), "host": "smtp.example.org", "username": "ana"}
    )
    assert 'aria-describedby="wrong-security"' in page.text


async def test_a_file_that_cannot_be_written_becomes_lines_to_paste(
    begun: Place, sink: Sink
) -> None:
    source = begun.parts.config.source
    source.unlink()
    page = await press(begun, "connect", connecting(sink))
    assert page.status == 422
    assert (
        f'[outbound] transport = "smtp" host = "127.0.0.1" port = {sink.port} security = "none"'
        in page.words
    )


async def test_a_webinar_needs_what_it_cannot_do_without(begun: Place) -> None:
    page = await press(begun, "webinar", {"title": "One", "starts": "soon", "duration": "1h"})
    assert page.status == 422
    assert 'aria-describedby="wrong-starts"' in page.text
    assert 'aria-describedby="wrong-join"' in page.text
    assert 'value="One"' in page.text


async def test_a_webinar_is_added_once(begun: Place) -> None:
    fields = {
        "title": "One",
        "starts": "2026-11-25T13:00",
        "duration": "1h",
        "registration_url": "https://example.org/one",
    }
    answer = await press(begun, "webinar", fields)
    assert answer.headers["location"] == f"{FIRST}/webinar?done=added"
    page = await press(begun, "webinar", fields)
    assert (page.status, "This webinar is there already." in page.words) == (422, True)


async def test_whoever_is_invited_is_asked_like_everybody(begun: Place) -> None:
    assert (await press(begun, "invite", {"address": "nobody"})).status == 422
    assert (await press(begun, "invite", {"address": SERIES})).status == 422
    answer = await press(begun, "invite", {"address": "ana@example.net"})
    assert answer.headers["location"] == f"{FIRST}/invite?done=asked"
    page = await begun.browser.get(f"{FIRST}/invite")
    assert page.headers["refresh"] == "3"
    assert "was asked to confirm" in page.words


async def test_going_live_with_something_undone_has_to_be_meant(begun: Place) -> None:
    page = await press(begun, "live", {})
    assert page.status == 422
    held = lambda: begun.parts.store.read(lambda c: setting.get(c, setting.HELD))  # noqa: E731
    assert await held() == "first.run"
    page = await press(begun, "live", {"anyway": "yes"})
    assert (page.status, "You are live" in page.words) == (200, True)
    assert await held() is None
    assert (await begun.browser.get(FIRST)).status == 404


async def test_a_step_needs_its_forms_token(begun: Place) -> None:
    seal = (await begun.browser.get(f"{FIRST}/invite")).hidden("seal")
    for step in ("connect", "prove", "webinar", "live"):
        answer = await begun.browser.post(f"{FIRST}/{step}", {"seal": seal, "anyway": "yes"})
        assert answer.status == 403
    assert await begun.parts.store.read(first_run.current) is not None


async def test_the_steps_are_readable_for_everybody(
    tmp_path: Path, free_port: int, chromium: Browser, sink: Sink
) -> None:
    settings = at_port(config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path), free_port)
    async with opened_place(settings) as place:
        await begin(place)
        page = await (await chromium.new_context()).new_page()
        for step in ("connect", "prove", "webinar", "invite", "live"):
            await page.goto(f"http://127.0.0.1:{place.port}{FIRST}/{step}")
            await looked_at(page, picture=tmp_path / f"first-{step}")
        await page.get_by_role("button", name="Go live").click()
        await page.get_by_text("Not done yet").wait_for()
        await looked_at(page)
        await page.goto(f"http://127.0.0.1:{place.port}{FIRST}/prove")
        await page.get_by_role("button", name="Examine and send").click()
        await page.get_by_role("heading", name="What was found").wait_for()
        await looked_at(page, picture=tmp_path / "first-proved")
        await page.goto(f"http://127.0.0.1:{place.port}{FIRST}/connect")
        await page.get_by_label("Its name", exact=True).fill("127.0.0.1")
        await page.get_by_label("Port").fill("1")
        await page.get_by_role("button", name="Try and use it").click()
        await page.get_by_text("Nothing was changed.").wait_for()
        await looked_at(page, picture=tmp_path / "first-refused")


async def test_what_signs_in_is_written_without_its_password(
    tmp_path: Path, certificate: Certificate
) -> None:
    options = SinkOptions(
        tls=certificate.server_context(), implicit_tls=True, credentials=("ana", "open sesame")
    )
    outbound = Outbound(
        transport=TransportKind.MAILDIR, maildir=tmp_path / "outbox", ca_file=certificate.cert_file
    )
    settings = config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, outbound=outbound)
    async with Sink(options) as sink, opened_place(settings) as place:
        await begin(place)
        typed = connecting(sink, security="tls", username="ana", password="open sesame")
        answer = await press(place, "connect", typed)
        assert answer.status == 303
    written = tomllib.loads(settings.source.read_text())["outbound"]
    assert (written["username"], written["password_file"]) == ("ana", "smarthost.password")
    secret = settings.source.parent / "smarthost.password"
    assert (secret.read_text(), stat.S_IMODE(secret.stat().st_mode)) == ("open sesame\n", 0o600)
    assert "open sesame" not in settings.source.read_text()
