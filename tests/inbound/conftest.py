"""An intake at a virtual instant behind real listeners, and what it wrote down."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
import pytest_asyncio
from sqlalchemy import select

from mailer.config.model import Endpoint, Inbound
from mailer.inbound.listener import listen
from mailer.intake.delivery import Intake
from mailer.parts import Parts
from mailer.store.schema import blob, inbound
from tests.peers.certificate import Certificate
from tests.peers.client import Client
from tests.world import opened

LIMIT = 20_000
ANYWHERE = Endpoint(host="127.0.0.1", port=0)
SETTINGS = Inbound(smtp=ANYWHERE, lmtp=ANYWHERE, max_message_bytes=LIMIT)


class Doors:
    """Both listeners of an intake."""

    def __init__(self, smtp: int, lmtp: int) -> None:
        self.ports = {"smtp": smtp, "lmtp": lmtp}

    @contextlib.asynccontextmanager
    async def client(self, source: str = "smtp", *, greeted: bool = True) -> AsyncIterator[Client]:
        async with Client("127.0.0.1", self.ports[source]) as client:
            if greeted:
                await client.greet(lmtp=source == "lmtp")
            yield client


Opening: TypeAlias = Callable[..., AbstractAsyncContextManager[Doors]]


@pytest_asyncio.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, _):
        yield parts


@pytest.fixture
def opening(parts: Parts, certificate: Certificate) -> Opening:
    """Opens the doors of an intake: `async with opening(intake=…, connections=…) as doors`."""

    @contextlib.asynccontextmanager
    async def opened_doors(
        intake: Intake | None = None, *, tls: bool = False, connections: int = 100
    ) -> AsyncIterator[Doors]:
        files = (certificate.cert_file, certificate.key_file) if tls else (None, None)
        settings = replace(SETTINGS, tls_cert_file=files[0], tls_key_file=files[1])
        async with listen(
            settings,
            intake or parts.intake,
            parts.clock,
            hostname="lists.example.org",
            connections=connections,
        ) as listening:
            ports = {one.name: one.port for one in listening}
            yield Doors(ports["smtp"], ports["lmtp"])

    return opened_doors


@pytest_asyncio.fixture
async def doors(opening: Opening) -> AsyncIterator[Doors]:
    async with opening() as doors:
        yield doors


async def journal(parts: Parts) -> list[tuple[str, str, str]]:
    """Source, recipient and outcome of each mail that was taken, oldest first."""
    columns = (inbound.c.source, inbound.c.recipient, inbound.c.outcome)
    rows = await parts.store.read(lambda c: c.execute(select(*columns).order_by(inbound.c.id)))
    return [(row.source, row.recipient, row.outcome) for row in rows]


async def kept(parts: Parts) -> list[bytes]:
    """The mails whose bytes were kept."""
    rows = await parts.store.read(lambda c: c.execute(select(blob.c.content).order_by(blob.c.id)))
    return [row.content for row in rows]
