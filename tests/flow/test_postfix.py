"""Behind a real Postfix, wired as our own wiring says: in by LMTP, out through it as smarthost.

What is signed here is verified by OpenDKIM, which Postfix asks, both RSA and Ed25519 (Debian's
OpenDKIM 2.11 knows it), and by dkimpy after Postfix has passed it on.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from mailer.config.reading import read_config
from mailer.config.wiring import postfix_main_cf, postfix_transport_map
from tests.flow.daemon import SERIES, SUBSCRIBE, Daemon, Home, wish
from tests.message.verifier import SELECTORS, key_of, pem, record, record_name, verifies
from tests.peers.client import Client, Reply
from tests.peers.opendkim import OpenDkim
from tests.peers.postfix import Postfix, Route
from tests.peers.postgres import free_port
from tests.peers.sink import Sink
from tests.peers.trouble import Phase
from tests.world import letter

MADE_BY_ROUTE = ("relay_domains", "transport_maps")


DKIM = """\
[dkim]
domain = "lists.example.org"
selector = "s1"
key_file = "rsa.pem"
second_selector = "s2"
second_key_file = "ed25519.pem"
"""


def route(home: Home, sink: Sink, port: int, **more: str) -> Route:
    """What `mailer init` writes for Postfix, as our own instance takes it; ``more`` are settings
    of main.cf that it has besides."""
    config = read_config(home.folder / "config.toml", {})
    lines = [line for line in postfix_main_cf(config).splitlines() if not line.startswith("#")]
    settings = dict(line.split(" = ", 1) for line in lines)
    ways = dict(line.split("\t") for line in postfix_transport_map(config).splitlines())
    return Route(
        port=port,
        transports=ways,
        relay_port=sink.port,
        settings={n: v for n, v in settings.items() if n not in MADE_BY_ROUTE} | more,
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


async def test_an_announcement_is_signed_twice_and_holds_for_who_verifies(
    postfix: Callable[[Route], Postfix], tmp_path: Path, sink: Sink
) -> None:
    for algorithm in SELECTORS:
        (tmp_path / f"{algorithm}.pem").write_bytes(pem(key_of(algorithm)))
    port = free_port()
    home = Home(tmp_path, port, smtp=free_port(), lmtp=free_port(), more=DKIM)
    records = {record_name(algorithm): record(algorithm) for algorithm in SELECTORS}
    async with (
        OpenDkim(free_port(), records) as verifier,
        postfix(route(home, sink, port, smtpd_milters=verifier.milter)),
        Daemon(home) as daemon,
    ):
        await announce(home, "Über Register: der ISCC, ausführlich erklärt")
        (told,) = await sink.wait_for(1, seconds=30)
        assert await daemon.stop() == 0
    assert told.addresses == ("ana@example.net",)
    message = email.message_from_bytes(told.content, policy=email.policy.default)
    found = re.findall(r"dkim=(\w+).*?header\.a=(\S+)", str(message["Authentication-Results"]))
    assert found == [("pass", "rsa-sha256"), ("pass", "ed25519-sha256")]
    assert [verifies(told.content, one, at) for at, one in enumerate(SELECTORS)] == [True, True]


async def announce(home: Home, title: str) -> None:
    """One subscriber, and a webinar so near that its announcement leaves at once."""
    starts = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT12:00")
    for words in (
        ("subscriber", "add", "ana@example.net", "--confirmed", "--consent", "by hand"),
        ("webinar", "add", "--title", title, "--starts", starts, "--duration", "1h"),
    ):
        code, _, said = await home.command(*words)
        assert code == 0, said
