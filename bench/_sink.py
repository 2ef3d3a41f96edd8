"""A sink in the measuring process: takes every mail, and notes when one for a person came in."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

_END = b"\r\n.\r\n"


class Sink:
    """`arrivals` has the instants (perf_counter) at which mails for an address were complete."""

    def __init__(self) -> None:
        self.port = 0
        self.count = 0
        self.watched: defaultdict[bytes, asyncio.Future[float]] = defaultdict(
            asyncio.get_running_loop().create_future
        )

    async def start(self) -> None:
        """Listen on a port of the system's choosing."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Talk(self), "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]

    def took(self, recipient: bytes) -> None:
        """One mail is here."""
        self.count += 1
        if recipient.startswith(b"newcomer"):
            arrival = self.watched[recipient]
            if not arrival.done():
                arrival.set_result(time.perf_counter())


class _Talk(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._in_content = False
        self._recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport
        transport.write(b"220 sink\r\n")  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies: list[bytes] = []
        start = 0
        while True:
            mark = _END if self._in_content else b"\r\n"
            end = self._buffer.find(mark, start)
            if end < 0:
                break
            replies.append(self._reply(bytes(self._buffer[start : start + 400])))
            start = end + len(mark)
        del self._buffer[:start]
        if replies:
            self._transport.write(b"".join(replies))  # type: ignore[attr-defined]

    def _reply(self, line: bytes) -> bytes:
        if self._in_content:
            self._in_content = False
            self._sink.took(self._recipient)
            return b"250 2.0.0 taken\r\n"
        match line[:4].upper():
            case b"EHLO":
                return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
            case b"RCPT":
                self._recipient = line.partition(b"<")[2].partition(b">")[0]
            case b"DATA":
                self._in_content = True
                return b"354 go\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
        return b"250 ok\r\n"
