"""What answers at the listeners' ports, with a daemon and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailer.checkup.listener import listeners
from mailer.config.model import Endpoint, Inbound
from tests.peers.certificate import Certificate
from tests.peers.sink import Sink, SinkOptions


def inbound(smtp: int | None = None, lmtp: int | None = None, cert: Path | None = None) -> Inbound:
    def at(port: int | None) -> Endpoint | None:
        return None if port is None else Endpoint(host="127.0.0.1", port=port)

    return Inbound(smtp=at(smtp), lmtp=at(lmtp), tls_cert_file=cert)


async def summary(settings: Inbound, *, running: bool) -> list[tuple[str, str]]:
    rows = await listeners(settings, running=running)
    return [(one.topic, str(one.verdict)) for one in rows]


@asynccontextmanager
async def saying(*lines: bytes) -> AsyncIterator[int]:
    """A server that says the next line whenever it is spoken to, the first at once."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line)
            if not await reader.readline():
                break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_listeners_of_a_running_daemon_answer_each_in_its_tongue(sink: Sink) -> None:
    async with Sink(SinkOptions(lmtp=True)) as lmtp:
        rows = await summary(inbound(sink.port, lmtp.port), running=True)
    assert rows == [("listener", "ok"), ("listener", "ok")]
    assert [line.split()[0] for _, line in sink.commands] == [b"EHLO", b"QUIT"]


async def test_a_silent_port_is_a_fault_while_a_daemon_runs(sink: Sink, free_port: int) -> None:
    rows = await summary(inbound(sink.port, free_port), running=True)
    assert rows == [("listener", "ok"), ("listener", "fault")]


async def test_no_daemon_is_a_note(free_port: int) -> None:
    assert await summary(inbound(free_port), running=False) == [("daemon", "note")]


async def test_something_else_at_the_port_is_a_fault(sink: Sink) -> None:
    rows = await summary(inbound(sink.port), running=False)
    assert rows == [("daemon", "note"), ("listener", "fault")]


async def test_a_port_that_the_system_chooses_is_left_open() -> None:
    assert await summary(inbound(0, 0), running=True) == [("listener", "note")]


@pytest.mark.parametrize(
    "lines",
    [
        (b"SSH-2.0-x\r\n",),
        (b"554 no\r\n",),
        (b"220 fine\r\n", b"502 what\r\n"),
        (b"220 fine\r\n", b""),
        (b"220-x\r\n" * 200,),
        (b"",),
        (b"220 " + b"x" * 100_000 + b"\r\n",),
    ],
)
async def test_what_does_not_speak_smtp_is_a_fault(
    lines: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.checkup.listener.SECONDS", 0.2)
    async with saying(*lines) as port:
        assert await summary(inbound(port), running=True) == [("listener", "fault")]


async def test_starttls_is_offered_where_there_is_a_certificate(
    sink: Sink, certificate: Certificate
) -> None:
    cert = certificate.cert_file
    async with Sink(SinkOptions(tls=certificate.server_context())) as offering:
        assert await summary(inbound(offering.port, cert=cert), running=True) == [
            ("listener", "ok")
        ]
    assert await summary(inbound(sink.port, cert=cert), running=True) == [("listener", "fault")]
