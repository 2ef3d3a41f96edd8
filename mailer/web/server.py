"""Uvicorn inside our own event loop: listens, serves, and ends when the block does.

Signals are the daemon's, so uvicorn gets none; its access log is off, for a path can hold a token
(`guard` tells what was served). At the end it waits for answers that are on their way.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from mailer.config.model import Endpoint
from mailer.sockets import Binding, bound

BACKLOG = 512
CONNECTIONS = 500  # at once; more are told to come back
KEEP_ALIVE_SECONDS = 15
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
    app: ASGIApp, endpoint: Endpoint, *, name: str, binding: Binding = bound
) -> AsyncIterator[Serving]:
    """Answer requests while the block runs; OSError if nobody can listen there."""
    listeners = list(binding(name, endpoint))
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
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
