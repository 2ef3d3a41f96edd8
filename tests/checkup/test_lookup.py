"""The questions as they go to a real name server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import dns.message
import dns.rcode
import dns.rrset
import pytest
import pytest_asyncio

from mailer.checkup.lookup import Answer, DnsResolver, Status, addresses_of

RECORDS = {
    ("talks.test.", "MX"): ["10 mx.talks.test.", "20 mx2.talks.test."],
    ("null.test.", "MX"): ["0 ."],
    ("talks.test.", "TXT"): ['"v=spf1 " "-all"', '"b\\195\\188cher"'],
    ("mx.talks.test.", "A"): ["192.0.2.1"],
    ("mx.talks.test.", "AAAA"): ["2001:db8::1"],
    ("1.2.0.192.in-addr.arpa.", "PTR"): ["mx.talks.test."],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from RECORDS; `slow.` never, `broken.` with SERVFAIL."""

    def __init__(self) -> None:
        self.asked = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.asked += 1
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(), question.rdtype.name
        if name.startswith("slow."):
            return
        reply = dns.message.make_response(query)
        reply.flags |= 0x0080  # recursion available
        found = RECORDS.get((name, kind))
        if name.startswith("broken."):
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *found))
        elif not any(name == one for one, _ in RECORDS):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(), address)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[NameServer, DnsResolver]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    yield protocol, DnsResolver(seconds=0.2, servers=("127.0.0.1",), port=port)
    transport.close()


Server = tuple[NameServer, DnsResolver]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (
            "talks.test",
            "MX",
            Answer(status=Status.FOUND, values=("10 mx.talks.test", "20 mx2.talks.test")),
        ),
        ("null.test", "MX", Answer(status=Status.FOUND, values=("0 ",))),
        ("Talks.Test.", "TXT", Answer(status=Status.FOUND, values=("bücher", "v=spf1 -all"))),
        ("mx.talks.test", "AAAA", Answer(status=Status.FOUND, values=("2001:db8::1",))),
        (
            "1.2.0.192.in-addr.arpa",
            "PTR",
            Answer(status=Status.FOUND, values=("mx.talks.test",)),
        ),
        ("mx.talks.test", "TXT", Answer(status=Status.NO_DATA)),
        ("gone.test", "A", Answer(status=Status.NO_NAME)),
        ("slow.test", "A", Answer(status=Status.FAILED, cause="LifetimeTimeout")),
        ("broken.test", "A", Answer(status=Status.FAILED, cause="NoNameservers")),
        (f"{'x' * 64}.test", "A", Answer(status=Status.FAILED, cause="LabelTooLong")),
        ("a..test", "A", Answer(status=Status.FAILED, cause="EmptyLabel")),
    ],
)
async def test_every_kind_of_answer_is_a_value(
    server: Server, name: str, kind: str, expected: Answer
) -> None:
    assert await server[1].look_up(name, kind) == expected


async def test_the_same_question_is_asked_once(server: Server) -> None:
    name_server, resolver = server
    await asyncio.gather(*(resolver.look_up(one, "MX") for one in ("talks.test", "TALKS.test.")))
    assert name_server.asked == 1


async def test_both_kinds_of_addresses_are_found(server: Server) -> None:
    assert await addresses_of(server[1], "mx.talks.test") == (("192.0.2.1", "2001:db8::1"), True)
    assert await addresses_of(server[1], "slow.test") == ((), False)


async def test_a_machine_without_name_servers_gets_no_answer() -> None:
    resolver = DnsResolver(seconds=0.2, servers=("127.0.0.1",), port=1)
    answer = await resolver.look_up("talks.test", "A")
    assert answer.status is Status.FAILED
