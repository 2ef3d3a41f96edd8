"""Lines over a stream, with a view of what has come in unread.

The sink has to know whether a client sent ahead without being allowed to, and has to forget what
was sent ahead of a TLS handshake; asyncio's own reader shows neither.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct

CHUNK_BYTES = 65536
END = b".\r\n"


class Closed(Exception):
    """The other side is gone."""


class Wire:
    """One connection, as bytes and lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._unread = bytearray()
        self.over_tls = writer.get_extra_info("ssl_object") is not None
        self._handshake_failed = False

    @property
    def has_unread(self) -> bool:
        """Whether more has come in than was asked for."""
        return bool(self._unread)

    async def line(self) -> bytes:
        """The next line without its end (CRLF, or the bare LF of a careless client)."""
        return (await self._until(b"\n")).removesuffix(b"\n").removesuffix(b"\r")

    async def content(self) -> bytes:
        """What stands between DATA and the final dot, dots unstuffed (RFC 5321, 4.5.2)."""
        stuffed = bytearray()
        while stuffed != END and not stuffed.endswith(b"\r\n" + END):
            stuffed += await self._until(END)
        return re.sub(rb"(\A|\r\n)\.", rb"\1", bytes(stuffed[: -len(END)]))

    async def peek(self) -> None:
        """Wait until something is there to be read."""
        if not self._unread:
            await self._fill()

    async def send(self, data: bytes, *, byte_by_byte: bool = False) -> None:
        """Send, and wait until the socket has taken it."""
        pieces = [data[i : i + 1] for i in range(len(data))] if byte_by_byte else [data]
        try:
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                if byte_by_byte:
                    await asyncio.sleep(0)
        except OSError as error:
            raise Closed from error

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands as the server; what was sent ahead is forgotten (RFC 3207, 6)."""
        self._unread.clear()
        try:
            await self._writer.start_tls(context)
        except (OSError, ssl.SSLError) as error:
            self._handshake_failed = True
            raise Closed from error
        self.over_tls = True

    def reset(self) -> None:
        """End the connection by RST."""
        raw: socket.socket | None = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        """End the connection in good order, as far as the other side lets us."""
        if self._handshake_failed:  # asyncio then never tells that the connection is closed
            self._writer.transport.abort()
            return
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (OSError, ssl.SSLError):
            return

    async def _until(self, end: bytes) -> bytes:
        start = 0
        while (found := self._unread.find(end, start)) < 0:
            start = max(0, len(self._unread) - len(end))
            await self._fill()
        taken = bytes(self._unread[: found + len(end)])
        del self._unread[: found + len(end)]
        return taken

    async def _fill(self) -> None:
        try:
            data = await self._reader.read(CHUNK_BYTES)
        except (OSError, ssl.SSLError) as error:
            raise Closed from error
        if not data:
            raise Closed
        self._unread += data
