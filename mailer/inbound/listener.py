"""Opens the SMTP and LMTP listeners and closes them again."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from mailer.config.model import Endpoint, Inbound
from mailer.inbound.handler import Handler
from mailer.inbound.protocol import LmtpProtocol, SmtpProtocol
from mailer.intake.delivery import Intake
from scheduler.clock import Clock

BACKLOG = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A listener and where it really is; port 0 has become a number."""

    name: str
    host: str
    port: int
    server: asyncio.Server


@contextlib.asynccontextmanager
async def listen(
    settings: Inbound, intake: Intake, clock: Clock, *, hostname: str
) -> AsyncIterator[tuple[Listening, ...]]:
    """Accept mail on every configured endpoint while the block runs."""
    tls = _tls(settings.tls_cert_file, settings.tls_key_file)
    async with contextlib.AsyncExitStack() as stack:
        opened = []
        for name, endpoint in (("smtp", settings.smtp), ("lmtp", settings.lmtp)):
            if endpoint is not None:
                server = await _open(name, endpoint, settings, intake, clock, hostname, tls)
                stack.push_async_callback(_close, server)
                host, port = server.sockets[0].getsockname()[:2]
                opened.append(Listening(name=name, host=host, port=port, server=server))
        yield tuple(opened)


async def _open(
    name: str,
    endpoint: Endpoint,
    settings: Inbound,
    intake: Intake,
    clock: Clock,
    hostname: str,
    tls: ssl.SSLContext | None,
) -> asyncio.Server:
    protocol = LmtpProtocol if name == "lmtp" else SmtpProtocol
    handler = Handler(intake, clock, source=name, hostname=hostname)
    return await asyncio.get_running_loop().create_server(
        lambda: protocol(
            handler, hostname=hostname, size_limit=settings.max_message_bytes, tls=tls
        ),
        endpoint.host,
        endpoint.port,
        backlog=BACKLOG,
    )


async def _close(server: asyncio.Server) -> None:
    """Accept nothing more; a session under way that got its 354 ends by the peer's retry."""
    server.close()


def _tls(cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext | None:
    if cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert_file, key_file)
    return context
