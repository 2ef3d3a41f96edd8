"""What a connection may do without a request: little, and not for long."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mailer.web.server import serve
from tests.web.place import ANYWHERE

SECONDS = 10.0  # until such a test fails; less than uvicorn waits by itself
HEAD = b"GET / HTTP/1.1\r\nHost: webinars.example.org\r\n"


async def _answer(request: Request) -> PlainTextResponse:
    await asyncio.sleep(0.03)  # longer than the head may take
    return PlainTextResponse("ok")


PAGES = Starlette(routes=[Route("/", _answer, methods=["GET"])])


@pytest.mark.parametrize(
    ("answered", "sent"),
    [
        (b"", b""),
        (b"", b"GET / HT"),
        (b"", HEAD),
        (HEAD + b"\r\n", HEAD),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n", b"nobody reads it"),
    ],
    ids=["nothing", "part of a line", "part of a head", "after an answer", "body without reader"],
)
async def test_who_does_not_come_to_an_end_is_not_waited_for(answered: bytes, sent: bytes) -> None:
    async with serve(PAGES, ANYWHERE, name="web", head_seconds=0.01) as serving:
        reader, writer = await asyncio.open_connection(serving.host, serving.port)
        async with asyncio.timeout(SECONDS):
            if answered:
                writer.write(answered)
                await reader.readuntil(b"\r\n\r\n")
            writer.write(sent)
            await reader.read()  # to the end: the server has closed it
        writer.close()


async def test_an_answer_may_take_longer_than_its_request() -> None:
    async with serve(PAGES, ANYWHERE, name="web", head_seconds=0.01) as serving:
        reader, writer = await asyncio.open_connection(serving.host, serving.port)
        for number in range(2):
            writer.write(HEAD + b"\r\n")
            async with asyncio.timeout(SECONDS):
                assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 "), number
        writer.close()
