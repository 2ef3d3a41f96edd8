"""The daemon with pages: they open and close with it, and its log keeps their links to itself."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

from tests.flow.daemon import Daemon, Home, wish
from tests.peers.browser import Browser
from tests.peers.sink import Sink

WEB = '[web]\nlisten = "127.0.0.1:0"\nbase_url = "http://127.0.0.1:8080"\n'
LINK = re.compile(rb"http://127\.0\.0\.1:8080(/c/[a-z2-7]{26})")


def plain(content: bytes) -> bytes:
    """A quoted-printable mail with its soft breaks joined."""
    return re.sub(rb"=\r?\n", b"", content)


async def test_a_mail_is_confirmed_by_a_click_and_the_daemon_ends_cleanly(
    tmp_path: Path, sink: Sink
) -> None:
    async with Daemon(Home(tmp_path, sink.port, more=WEB)) as daemon:
        browser = Browser(daemon.ports["web"])
        await daemon.deliver(wish("ana@example.net"))
        await sink.wait_for(1)
        found = LINK.search(plain(sink.accepted[0].content))
        assert found
        path = found[1].decode()
        seal = (await browser.get(path)).hidden("seal")
        assert (await browser.post(path, {"seal": seal})).status == 200
        await sink.wait_for(2)  # the welcome
        ready = await browser.get("/readyz")
        assert (ready.status, ready.text.count(": ok, ")) == (200, 5)
        settled = re.search(
            r'^mailer_outbox_settled_total\{state="sent"\} (\d)',
            (await browser.get("/metrics")).text,
            re.MULTILINE,
        )
        assert settled
        _, idle = await asyncio.open_connection("127.0.0.1", daemon.ports["web"])
        idle.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")  # and the connection stays open
        await idle.drain()
        assert await daemon.stop(seconds=20) == 0
        idle.close()
        log = await daemon.complaint()
    assert "page=/c/…" in log
    assert path[3:] not in log


async def test_a_page_shows_what_a_command_changed_and_what_was_configured_anew(
    tmp_path: Path, sink: Sink
) -> None:
    """Both from outside of the process that keeps the page."""
    home = Home(tmp_path, sink.port, more=WEB)
    async with Daemon(home) as daemon:
        browser = Browser(daemon.ports["web"])
        empty = await browser.get("/copyright")
        assert (await browser.get("/copyright")).body == empty.body
        added = await home.command(
            *("webinar", "add", "--title", "Matching services"),
            *("--starts", "2099-12-02T13:00", "--duration", "1h"),
        )
        assert added[0] == 0, added
        page = await browser.get("/copyright", if_none_match=empty.headers["etag"])
        assert (page.status, "Matching services" in page.words) == (200, True)
        settings = tmp_path / "config.toml"
        settings.write_text(settings.read_text().replace("Copyright Infra", "Another Infra"))
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.process.stdout is not None
        async with asyncio.timeout(20):
            assert (await daemon.process.stdout.readline()).decode().strip() == daemon.ready
        assert "Another Infrastructure" in (await browser.get("/copyright")).words
        assert await daemon.stop() == 0


async def test_a_port_that_is_taken_is_said(tmp_path: Path, sink: Sink) -> None:
    taken = f'[web]\nlisten = "127.0.0.1:{sink.port}"\nbase_url = "http://127.0.0.1:8080"\n'
    code, _, err = await Home(tmp_path, sink.port, more=taken).command("serve")
    assert (code, "cannot start: " in err) == (1, True)
