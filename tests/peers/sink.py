"""The recording sink: a mail server that takes everything, remembers it, and misbehaves on demand.

It listens on a loopback port of the system's choosing and speaks SMTP (RFC 5321) or LMTP
(RFC 2033) with the extensions it is given. It is our own, small and strict, so that what a
library gets wrong on our side cannot be hidden by the same library on this one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tests.peers.conversation import Conversation
from tests.peers.record import Outcome, Transaction, content_faults, write_oracle
from tests.peers.trouble import Drop, Phase, Trouble, Troubles
from tests.peers.wire import Closed, Wire

EXTENSIONS = frozenset({"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"})
BACKLOG = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOptions:
    """How a sink presents itself. STARTTLS is offered when there is a context, AUTH PLAIN when
    there are credentials; AUTH counts only over TLS. A limit of 0 is none."""

    extensions: frozenset[str] = EXTENSIONS
    lmtp: bool = False
    size_limit: int = 0
    recipient_limit: int = 0
    messages_per_connection: int = 0
    byte_by_byte: bool = False
    delay_seconds: float = 0.0
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    credentials: tuple[str, str] | None = None
    auth_required: bool = False
    oracle: Path | None = None
    keep_content: bool = True


class Sink:
    """An async context manager; inside it `host` and `port` accept connections."""

    host = "127.0.0.1"

    def __init__(self, options: SinkOptions | None = None) -> None:
        self.options = options or SinkOptions()
        self.port = 0
        self.transactions: list[Transaction] = []
        self.commands: list[tuple[int, bytes]] = []
        self.violations: list[str] = []
        self.connections = 0
        self.open_connections = 0
        self.most_open_connections = 0
        self.troubles = Troubles()
        self._server: asyncio.Server | None = None
        self._talking: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    @property
    def accepted(self) -> list[Transaction]:
        """The mails that were taken."""
        return [each for each in self.transactions if each.outcome is Outcome.ACCEPTED]

    def trouble(
        self,
        phase: Phase,
        *,
        reply: str | bytes | None = None,
        drop: Drop | None = None,
        delay_seconds: float = 0.0,
        byte_by_byte: bool = False,
        matching: str = "",
        nth: int | None = None,
        times: int | None = None,
    ) -> None:
        """Misbehave from now on; see Trouble for what each argument means."""
        self.troubles.add(
            Trouble(
                phase=phase,
                reply=reply,
                drop=drop,
                delay_seconds=delay_seconds,
                byte_by_byte=byte_by_byte,
                matching=matching,
                nth=nth,
                times=times,
            )
        )

    def forget(self) -> None:
        """Drop what was recorded and every trouble; connections stay as they are."""
        self.transactions.clear()
        self.commands.clear()
        self.violations.clear()
        self.troubles.clear()

    async def wait_for(self, accepted: int, *, seconds: float = 10.0) -> list[Transaction]:
        """The mails taken, once there are at least so many; TimeoutError if they do not come."""
        await self.wait_until(lambda: len(self.accepted) >= accepted, seconds=seconds)
        return self.accepted

    async def wait_until(self, holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
        """Return once something holds; it is asked again whenever something has happened."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(holds)

    async def record(self, transaction: Transaction) -> None:
        """Called by a conversation at the end of each mail, before its reply is sent."""
        if self.options.oracle:
            write_oracle(self.options.oracle, transaction)
        self.violations += content_faults(transaction)
        kept = transaction if self.options.keep_content else replace(transaction, content=b"")
        self.transactions.append(kept)
        await self.tell()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after `stop` again on the same port."""
        options = self.options
        self._server = await asyncio.start_server(
            self._serve,
            self.host,
            self.port,
            backlog=BACKLOG,
            ssl=options.tls if options.implicit_tls else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and every connection; what was recorded stays."""
        if self._server is None:
            return
        self._server.close()
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talking.add(task)
        self.connections += 1
        self.open_connections += 1
        self.most_open_connections = max(self.most_open_connections, self.open_connections)
        wire = Wire(reader, writer)
        try:
            await Conversation(self, wire, number=self.connections).run()
        except (Closed, asyncio.CancelledError):
            pass  # the client is gone, or the sink is being stopped
        finally:
            self._talking.discard(task)
            self.open_connections -= 1
            await wire.close()
            await self.tell()

    async def tell(self) -> None:
        """Something has happened: whoever waits may look."""
        async with self._changed:
            self._changed.notify_all()
