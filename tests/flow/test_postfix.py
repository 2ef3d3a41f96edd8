"""Behind a real Postfix, wired as our own wiring says: in by LMTP, out through it as smarthost."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from mailer.config.reading import read_config
from mailer.config.wiring import postfix_main_cf, postfix_transport_map
from tests.flow.daemon import SERIES, SUBSCRIBE, Daemon, Home, wish
from tests.peers.client import Client, Reply
from tests.peers.postfix import Postfix, Route
from tests.peers.postgres import free_port
from tests.peers.sink import Sink
from tests.peers.trouble import Phase
from tests.world import letter

MADE_BY_ROUTE = ("relay_domains", "transport_maps")


def route(home: Home, sink: Sink, port: int) -> Route:
    """What `mailer init` writes for Postfix, as our own instance takes it."""
    config = read_config(home.folder / "config.toml", {})
    lines = [line for line in postfix_main_cf(config).splitlines() if not line.startswith("#")]
    settings = dict(line.split(" = ", 1) for line in lines)
    ways = dict(line.split("\t") for line in postfix_transport_map(config).splitlines())
    return Route(
        port=port,
        transports=ways,
        relay_port=sink.port,
        settings={name: value for name, value in settings.items() if name not in MADE_BY_ROUTE},
    )


@pytest_asyncio.fixture
async def wired(
    postfix: Callable[[Route], Postfix], tmp_path: Path, sink: Sink
) -> AsyncIterator[tuple[Postfix, Daemon]]:
    """A Postfix and a daemon that know each other."""
    port = free_port()
    home = Home(tmp_path, port, smtp=free_port(), lmtp=free_port())
    async with postfix(route(home, sink, port)) as server, Daemon(home) as daemon:
        yield server, daemon
        if daemon.process.returncode is None:
            assert await daemon.stop() == 0


async def send(server: Postfix, mail: bytes, to: str, sender: str) -> list[Reply]:
    async with Client(server.host, server.port) as client:
        client.seconds = 30
        await client.greet()
        return await client.mail(sender, [to], mail)


async def test_a_person_subscribes_and_confirms_through_postfix(
    wired: tuple[Postfix, Daemon], sink: Sink
) -> None:
    server, daemon = wired
    assert (await send(server, wish("ana@example.net"), SUBSCRIBE, "ana@example.net"))[
        -1
    ].code == 250
    (asked,) = await sink.wait_for(1, seconds=30)
    assert asked.addresses == ("ana@example.net",)
    message = email.message_from_bytes(asked.content, policy=email.policy.default)
    to = str(message["Reply-To"])
    reply = letter("ana@example.net", to, "Re: confirm", "yes")
    assert (await send(server, reply, to, "ana@example.net"))[-1].code == 250
    await sink.wait_for(2, seconds=30)
    assert daemon.home.rows("SELECT state FROM subscription") == [("active",)]
    assert daemon.home.rows("SELECT DISTINCT source FROM inbound") == [("lmtp",)]


async def test_postfix_refuses_what_we_would_refuse_while_the_sender_waits(
    wired: tuple[Postfix, Daemon], sink: Sink
) -> None:
    server, daemon = wired
    for address in ("webinars+nonsense@lists.example.org", "nobody@lists.example.org"):
        replies = await send(server, wish("ana@example.net"), address, "forged@example.com")
        assert (replies[-1].code, len(replies)) == (550, 2), replies
    assert (await send(server, wish("ana@example.net"), SERIES, "ana@example.net"))[-1].code == 250
    await sink.wait_for(1, seconds=30)
    assert [mail.addresses for mail in sink.transactions] == [("ana@example.net",)]  # no bounce
    assert daemon.home.rows("SELECT count(*) FROM inbound") == [(1,)]


async def test_a_bounce_by_postfix_comes_home(wired: tuple[Postfix, Daemon], sink: Sink) -> None:
    server, daemon = wired
    sink.trouble(Phase.RCPT, reply="550 5.1.1 no such mailbox", matching="ana@")
    await send(server, wish("ana@example.net"), SUBSCRIBE, "ana@example.net")
    await server.wait_for_log("status=bounced", seconds=30)
    await server.wait_for_log("to=<webinars+bounce-", seconds=30)
    await server.wait_for_log("Taken", seconds=30)
    rows = daemon.home.rows("SELECT recipient FROM inbound ORDER BY id")
    assert len(rows) == 2
    assert str(rows[1][0]).startswith("webinars+bounce-")
    assert sink.accepted == []  # nobody answers a bounce


async def test_while_the_daemon_is_down_postfix_keeps_the_mail(
    wired: tuple[Postfix, Daemon], sink: Sink
) -> None:
    server, daemon = wired
    await send(server, wish("bob@example.com"), SUBSCRIBE, "bob@example.com")  # now it is known
    await sink.wait_for(1, seconds=30)
    assert await daemon.stop() == 0
    replies = await send(server, wish("ana@example.net"), SUBSCRIBE, "ana@example.net")
    assert replies[-1].code == 250
    await server.wait_for_log("status=deferred", seconds=30)
    async with Daemon(daemon.home) as again:
        await server.control("flush")
        await sink.wait_for(2, seconds=60)
        assert await again.stop() == 0
