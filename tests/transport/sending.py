"""What the transport's tests share: a mail, settings that lead to a sink, and short patience."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from mailer.config.model import Outbound, Security
from mailer.transport.outcome import Outcome, Outgoing
from mailer.transport.session import Patience
from mailer.transport.smtp import SmtpTransport
from tests.peers.certificate import Certificate
from tests.peers.sink import Sink

CONTENT = b"Message-ID: <1@lists.example.org>\r\nSubject: hello\r\n\r\n.dot\r\nend\r\n"
SENDER = "webinars+bounce-abc@lists.example.org"
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


@contextlib.asynccontextmanager
async def connected(outbound: Outbound, patience: Patience = BRIEF) -> AsyncIterator[SmtpTransport]:
    transport = SmtpTransport(outbound, hostname="lists.example.org", patience=patience)
    try:
        yield transport
    finally:
        await transport.close()


async def hand_over(sink: Sink, outgoing: Outgoing | None = None) -> Outcome:
    """One mail over a connection of its own."""
    async with connected(settings(sink)) as transport:
        return await transport.send(outgoing or mail())
