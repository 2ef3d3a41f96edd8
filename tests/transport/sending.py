"""What the transport's tests share: a mail, settings that lead to a sink, and short patience."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

from mailer.config.model import Outbound, Security
from mailer.transport.outcome import Outcome, Outgoing
from mailer.transport.patience import Patience
from mailer.transport.smtp import SmtpTransport
from mailer.transport.source import Transport
from tests.peers.certificate import Certificate
from tests.peers.sink import Sink

CONTENT = b"Message-ID: <1@lists.example.org>\r\nSubject: hello\r\n\r\n.dot\r\nend\r\n"
SENDER = "webinars+bounce-abc@lists.example.org"
PATIENT = Patience(greeting=30, command=30, data=30, piece=30, final_dot=30, idle=0.2, goodbye=0.5)
BRIEF = Patience(
    greeting=0.2, command=0.2, data=0.2, piece=0.2, final_dot=0.2, idle=0.2, goodbye=0.1
)
CREDENTIALS = ("mailer", "secret")


def mail(
    recipient: str = "ann@example.org", *, sender: str = SENDER, content: bytes = CONTENT
) -> Outgoing:
    return Outgoing(id=7, sender=sender, recipient=recipient, content=content)


def settings(
    sink: Sink,
    security: Security = Security.NONE,
    *,
    certificate: Certificate | None = None,
    credentials: tuple[str, str] = ("", ""),
) -> Outbound:
    ca_file: Path | None = certificate.cert_file if certificate else None
    return Outbound(
        host=sink.host,
        port=sink.port,
        security=security,
        ca_file=ca_file,
        username=credentials[0],
        password=credentials[1],
    )


class Sender:
    """A source that anybody may put a mail into and wait for what became of it."""

    def __init__(self, transport: Transport, *, connections: int = 5) -> None:
        self._waiting: deque[Outgoing] = deque()
        self._futures: dict[int, asyncio.Future[Outcome]] = {}
        self._carrier = transport.carrier(self, connections=connections)

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hand over one mail."""
        key = len(self._futures)
        future = self._futures[key] = asyncio.get_running_loop().create_future()
        self._waiting.append(outgoing._replace(id=key))
        self._carrier.wake(len(self._waiting))
        return await future

    async def end(self) -> None:
        await self._carrier.end()

    def cut(self) -> None:
        self._carrier.cut()

    def take(self) -> Outgoing | None:
        return self._waiting.popleft() if self._waiting else None

    def may_hand_over(self) -> bool:
        return True

    def may_still(self, outgoing: Outgoing) -> bool:
        return True

    def untake(self, outgoing: Outgoing) -> None:
        self._waiting.appendleft(outgoing)
        asyncio.get_running_loop().call_soon(self._carrier.wake, len(self._waiting))

    def done(self, outgoing: Outgoing, outcome: Outcome) -> None:
        future = self._futures[outgoing.id]
        if not future.cancelled():
            future.set_result(outcome)

    def unreachable(self, outcome: Outcome) -> None:
        while self._waiting:
            self.done(self._waiting.popleft(), outcome)


@contextlib.asynccontextmanager
async def connected(outbound: Outbound, patience: Patience = PATIENT) -> AsyncIterator[Sender]:
    sender = Sender(SmtpTransport(outbound, hostname="lists.example.org", patience=patience))
    try:
        yield sender
    finally:
        await sender.end()


async def hand_over(
    sink: Sink, outgoing: Outgoing | None = None, patience: Patience = PATIENT
) -> Outcome:
    """One mail over a connection of its own."""
    async with connected(settings(sink), patience) as sender:
        return await sender.send(outgoing or mail())
