"""Bare Starlette routes to compare pages with: `/N` is a fixed HTML answer of N bytes, `/0` a 304.

A process of its own, which listens and serves as `mailer serve` does (same loop, uvicorn with the
same settings), with nothing around the routes. Says its port on one line.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parents[1]))

from mailer.config.model import Endpoint
from mailer.web.server import serve


async def main(sizes: list[int]) -> None:
    """Serve answers of these sizes until stopped."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)  # as the daemon has it
    app = Starlette(routes=[Route(f"/{size}", _fixed(size)) for size in sizes])
    async with serve(app, Endpoint(host="127.0.0.1", port=0), name="bare") as serving:
        print(serving.port, flush=True)
        await asyncio.Event().wait()


def _fixed(size: int) -> Callable[[Request], Awaitable[Response]]:
    content = b"x" * size

    async def answer(request: Request) -> Response:
        return HTMLResponse(content) if content else Response(status_code=304)

    return answer


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main([int(word) for word in sys.argv[1:]]))
