"""Opens the SMTP and LMTP listeners and closes them again."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mailer.config.model import Inbound
from mailer.inbound.doorman import CONNECTIONS, Doorman
from mailer.inbound.handler import Handler
from mailer.inbound.lmtp import LmtpProtocol
from mailer.inbound.protocol import SmtpProtocol
from mailer.inbound.room import Room
from mailer.intake.delivery import Intake
from mailer.sockets import Binding, bound
from scheduler.clock import Clock

BACKLOG = 512
RESERVED_FILES = 48  # for the database, connections to the mail server, the log
_FEWEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A listener and where it really is; port 0 has become a number. One server for each address
    that its name stands for."""

    name: str
    host: str
    port: int
    servers: tuple[asyncio.Server, ...]

    @property
    def accepts(self) -> bool:
        """Whether it lets clients in."""
        return all(one.is_serving() for one in self.servers)


@contextlib.asynccontextmanager
async def listen(
    settings: Inbound,
    intake: Intake,
    clock: Clock,
    *,
    hostname: str,
    connections: int = CONNECTIONS,
    binding: Binding = bound,
) -> AsyncIterator[tuple[Listening, ...]]:
    """Accept mail on every configured endpoint while the block runs, from at most so many clients
    at once on each. At its end clients are sent away; mails being stored are finished first."""
    loop = asyncio.get_running_loop()
    tls = _tls(settings.tls_cert_file, settings.tls_key_file)
    room = Room(intake.disk_folder, loop.time, largest_octets=settings.max_message_bytes)
    affordable = _affordable(sum(one is not None for one in (settings.smtp, settings.lmtp)))
    async with contextlib.AsyncExitStack() as stack:
        opened = []
        for name, endpoint in (("smtp", settings.smtp), ("lmtp", settings.lmtp)):
            if endpoint is None:
                continue
            doorman = Doorman(loop.time, limit=min(connections, affordable))
            new_session = partial(
                LmtpProtocol if name == "lmtp" else SmtpProtocol,
                Handler(intake, clock, room, source=name, hostname=hostname),
                doorman,
                room,
                hostname=hostname,
                size_limit=settings.max_message_bytes,
                tls=tls,
            )
            stack.push_async_callback(doorman.close)
            servers = []
            for one in binding(name, endpoint):
                servers.append(await loop.create_server(new_session, sock=one, backlog=BACKLOG))
                stack.callback(servers[-1].close)
            host, port = servers[0].sockets[0].getsockname()[:2]
            opened.append(Listening(name=name, host=host, port=port, servers=tuple(servers)))
        yield tuple(opened)


def _affordable(listeners: int) -> int:
    """How many clients of one listener there are files for, so that neither the database nor the
    way out ever lacks one (F34)."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST, (files - RESERVED_FILES) // max(listeners, 1))


def _tls(cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext | None:
    if cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert_file, key_file)
    return context
