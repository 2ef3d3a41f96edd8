"""Uvicorn inside our own event loop: listens, serves, and ends when the block does.

Signals are the daemon's, so uvicorn gets none; its access log is off, for a path can hold a token
(`guard` tells what was served). At the end it waits for answers that are on their way.

Who connects and says nothing, or never comes to an end, is not waited for: places are counted, and
otherwise a few hundred such would keep everybody out.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from mailer.config.model import Endpoint
from mailer.sockets import Binding, bound

BACKLOG = 512
CONNECTIONS = 500  # at once; more are told to come back
KEEP_ALIVE_SECONDS = 15
HEAD_SECONDS = 15.0  # for a request line with its header fields
FINISH_SECONDS = 5
_HEAD_BYTES = 16_384  # of a request line with its header fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where the pages are; port 0 has become a number."""

    name: str
    host: str
    port: int


@contextlib.asynccontextmanager
async def serve(
    app: ASGIApp,
    endpoint: Endpoint,
    *,
    name: str,
    binding: Binding = bound,
    head_seconds: float = HEAD_SECONDS,
) -> AsyncIterator[Serving]:
    """Answer requests while the block runs; OSError if nobody can listen there."""
    listeners = list(binding(name, endpoint))
    server = _Server(
        uvicorn.Config(
            app,
            http=_timely(head_seconds),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=FINISH_SECONDS,
            h11_max_incomplete_event_size=_HEAD_BYTES,
        )
    )
    task = asyncio.create_task(server.serve(sockets=listeners), name="web")
    try:
        await _first(task, server.accepts)
        host, port = listeners[0].getsockname()[:2]
        yield Serving(name=name, host=host, port=port)
    finally:
        server.should_exit = True
        await task
        for listener in listeners:
            listener.close()


def _timely(seconds: float) -> type[H11Protocol]:
    """The protocol of a connection that ends if for so long nothing is answered on it and what
    comes in makes no request. Between two requests uvicorn's keep-alive counts."""

    class Timely(H11Protocol):
        late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.late = self.loop.call_later(seconds, self.end)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.answers():
                self.in_time()
            elif self.late is None and not self.transport.is_closing():
                self.late = self.loop.call_later(seconds, self.end)

        def connection_lost(self, exc: Exception | None) -> None:
            self.in_time()
            super().connection_lost(exc)

        def answers(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def in_time(self) -> None:
            if self.late is not None:
                self.late.cancel()
                self.late = None

        def end(self) -> None:
            self.late = None
            if not self.answers():
                self.transport.close()

    return Timely


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepts = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them to the daemon."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it, and tell when it is done."""
        await super().startup(sockets)
        self.accepts.set()


async def _first(task: asyncio.Task[None], event: asyncio.Event) -> None:
    """Wait for the event, or raise what the task died of."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        waiting.cancel()
