"""A real Postfix between two of our own peers, in both directions."""

from __future__ import annotations

from collections.abc import Callable

from tests.peers.client import Client
from tests.peers.postfix import Postfix, Route
from tests.peers.sink import Sink, SinkOptions
from tests.peers.trouble import Phase

MAIL = (
    b"From: ann@example.org\r\n"
    b"To: webinars@lists.example.org\r\n"
    b"Subject: hello\r\n"
    b"Date: Wed, 14 Jan 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"\r\n"
    b"hello\r\n"
)


async def test_mail_for_a_list_domain_goes_on_by_lmtp(
    postfix: Callable[[Route], Postfix], free_port: int
) -> None:
    async with Sink(SinkOptions(lmtp=True)) as behind:
        way = f"lmtp:inet:127.0.0.1:{behind.port}"
        route = Route(port=free_port, transports={"lists.example.org": way})
        async with postfix(route) as server:
            async with Client(server.host, server.port) as client:
                await client.greet()
                await client.mail("ann@example.org", ["webinars@lists.example.org"], MAIL)
            (mail,) = await behind.wait_for(1)
    assert mail.mail_from == "ann@example.org"
    assert mail.addresses == ("webinars@lists.example.org",)
    assert mail.content.endswith(MAIL)


async def test_other_mail_is_relayed_to_the_smarthost(
    postfix: Callable[[Route], Postfix], free_port: int, sink: Sink
) -> None:
    async with postfix(Route(port=free_port, relay_port=sink.port)) as server:
        async with Client(server.host, server.port) as client:
            await client.greet()
            await client.mail("webinars@lists.example.org", ["ann@example.org"], MAIL)
        (mail,) = await sink.wait_for(1)
        assert "status=sent" in await server.wait_for_log("to=<ann@example.org>")
    assert mail.addresses == ("ann@example.org",)
    assert mail.content.endswith(MAIL)
    assert sink.violations == []


async def test_a_recipient_refused_behind_comes_back_as_a_report(
    postfix: Callable[[Route], Postfix], free_port: int, sink: Sink
) -> None:
    sink.trouble(Phase.RCPT, reply="550 5.1.1 no such mailbox", matching="gone@")
    async with Sink(SinkOptions(lmtp=True)) as behind:
        way = f"lmtp:inet:127.0.0.1:{behind.port}"
        route = Route(port=free_port, transports={"lists.example.org": way}, relay_port=sink.port)
        async with postfix(route) as server:
            async with Client(server.host, server.port) as client:
                await client.greet()
                await client.mail("webinars+b@lists.example.org", ["gone@example.org"], MAIL)
            (report,) = await behind.wait_for(1)
    assert report.mail_from == ""
    assert report.addresses == ("webinars+b@lists.example.org",)
    assert b"Status: 5.1.1" in report.content
