"""A ledger with rows to send, and a dispatch over it; only the clock is ours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import select, update

from mailer.config.model import Outbound, Security, TransportKind
from mailer.dispatch import lane, loop
from mailer.dispatch.loop import Dispatch
from mailer.message.facts import Facts
from mailer.message.letter import Letter, to_json
from mailer.parts import Parts, open_parts
from mailer.store import lease, outbox, programme
from mailer.store.lease import Claimed
from mailer.store.outbox import Envelope, Priority
from mailer.store.schema import outbox as rows
from mailer.transport.smtp import SmtpTransport
from mailer.transport.source import Transport
from scheduler.clock import VirtualClock
from tests.peers.sink import Sink
from tests.world import NOON, SERIES, make_config, make_sqlite

NODE = "test"


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """An open database at a virtual instant, with rows put in by hand."""

    parts: Parts
    clock: VirtualClock

    async def queue(
        self,
        count: int,
        *,
        priority: Priority = Priority.BULK,
        name: str = "p",
        domain: str = "example.net",
        data: str | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        """Rows whose mails are plain answers, to name0@example.net and so on."""
        facts = programme.series_facts(SERIES, base_url="")
        letter = Letter(
            template="reply-help",
            facts=Facts(series=facts, language="en", zone=SERIES.timezone),
            unsubscribe=False,
        )
        envelopes = [
            Envelope(
                series_id=SERIES.id,
                kind="reply",
                template="reply-help",
                priority=priority,
                recipient=f"{name}{number}@{domain}",
                recipient_key=f"{name}{number}@{domain}",
                language="en",
                zone=SERIES.timezone,
                message_id=f"{name}{number}",
                data=to_json(letter) if data is None else data,
                expires_at=expires_at,
            )
            for number in range(count)
        ]
        now = self.clock.now()
        await self.parts.store.write(lambda c: outbox.queue(c, envelopes, now=now))

    async def states(self) -> dict[str, int]:
        """How many rows are in each state."""
        found = await self.parts.store.read(lambda c: c.execute(select(rows.c.state)))
        counted: dict[str, int] = {}
        for row in found:
            counted[row.state] = counted.get(row.state, 0) + 1
        return counted

    async def until(self, wanted: dict[str, int]) -> None:
        """Wait until the rows are in these states."""
        async with asyncio.timeout(10):
            while await self.states() != wanted:  # noqa: ASYNC110 - the ledger has no event
                await asyncio.sleep(0.01)

    async def row(self, recipient: str = "p0@example.net") -> dict[str, object]:
        """One row."""
        statement = select(rows).where(rows.c.recipient == recipient)
        found = await self.parts.store.read(lambda c: c.execute(statement))
        return dict(found.one()._mapping)

    async def change(self, **values: object) -> None:
        """Change every row."""
        await self.parts.store.write(lambda c: c.execute(update(rows).values(**values)))

    async def claim(self, limit: int = 100) -> tuple[Claimed, ...]:
        """Lease rows as a lane does."""
        now = self.clock.now()
        return await self.parts.store.write(
            lambda c: lease.claim(
                c,
                node=NODE,
                now=now,
                limit=limit,
                priorities=(Priority.ANSWER, Priority.INVITATION),
            )
        )

    def later(self, **span: float) -> None:
        """Move the clock on."""
        self.clock.advance_to(self.clock.now() + timedelta(**span))

    def dispatch(self, transport: Transport) -> Dispatch:
        return self.parts.dispatch(transport, node=NODE, jitter=lambda: 0.0)

    def transport(self, sink: Sink) -> SmtpTransport:
        settings = replace(
            self.parts.config.outbound, host=sink.host, port=sink.port, security=Security.NONE
        )
        return SmtpTransport(settings, hostname="lists.example.org")

    @contextlib.asynccontextmanager
    async def sending(self, sink: Sink) -> AsyncIterator[Dispatch]:
        """A dispatch that runs inside the block, over SMTP to a sink; stopped at its end."""
        transport = self.transport(sink)
        dispatch = self.dispatch(transport)
        running = asyncio.create_task(dispatch.run())
        try:
            yield dispatch
        finally:
            dispatch.stop()
            async with asyncio.timeout(20):
                await running


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes look again after 20 ms instead of half a second."""
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.02)
    monkeypatch.setattr(loop, "IDLE_SECONDS", 0.02)


class Opening(Protocol):
    def __call__(self, **outbound: object) -> AbstractAsyncContextManager[Ledger]: ...


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    """Opens a ledger: `async with opening(connections=3) as ledger`."""

    @contextlib.asynccontextmanager
    async def opened(**outbound: object) -> AsyncIterator[Ledger]:
        await make_sqlite(tmp_path / "mailer.db")
        settings = Outbound(transport=TransportKind.MAILDIR, maildir=tmp_path / "outbox")
        config = replace(
            make_config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path),
            outbound=replace(settings, **outbound),  # type: ignore[arg-type]
        )
        clock = VirtualClock(NOON)
        async with open_parts(config, clock) as parts:
            yield Ledger(parts=parts, clock=clock)

    return opened
