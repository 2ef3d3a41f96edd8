"""A raw SMTP or LMTP client: sends exactly the bytes it is told to and reads replies.

It knows nothing of what a server should say; it is for tests that have to break the rules.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply: its code, and the text of each of its lines."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code} " + " / ".join(self.lines)


class Client:
    """An async context manager around one connection. Every wait has a limit."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = port
        self.seconds = 10.0
        self._tls = tls

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(self.seconds):
            self._reader, self._writer = await asyncio.open_connection(
                self.host,
                self.port,
                ssl=self._tls,
                server_hostname="localhost" if self._tls else None,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (OSError, ssl.SSLError):
            return

    async def send(self, data: bytes) -> None:
        """Send these bytes, whatever they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self) -> Reply:
        """The next reply; ConnectionError if the server is gone instead."""
        lines: list[str] = []
        async with asyncio.timeout(self.seconds):
            while True:
                line = await self._reader.readline()
                if not line.endswith(b"\n"):
                    raise ConnectionError("the server closed the connection")
                text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
                lines.append(text[4:])
                if text[3:4] != "-":
                    return Reply(code=int(text[:3]), lines=tuple(lines))

    async def say(self, line: str) -> Reply:
        """Send one command and read its reply."""
        await self.send(f"{line}\r\n".encode())
        return await self.reply()

    async def pipeline(self, lines: Sequence[str]) -> list[Reply]:
        """Send all commands at once, then read as many replies."""
        await self.send("".join(f"{line}\r\n" for line in lines).encode())
        return [await self.reply() for _ in lines]

    async def content(self, data: bytes) -> Reply:
        """Send content with CRLF line ends, dots stuffed, and the end of data; the first reply."""
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
        end = b".\r\n" if not stuffed or stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        await self.send(stuffed + end)
        return await self.reply()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands, after the server agreed to."""
        async with asyncio.timeout(self.seconds):
            await self._writer.start_tls(context, server_hostname="localhost")

    async def is_closed(self) -> bool:
        """Wait for the server to close; false if it sent something instead."""
        async with asyncio.timeout(self.seconds):
            try:
                return await self._reader.read(1) == b""
            except ConnectionError:
                return True

    async def greet(self, *, lmtp: bool = False) -> Reply:
        """Read the greeting and say who we are; the reply to that."""
        await self.reply()
        return await self.say("LHLO client.example.org" if lmtp else "EHLO client.example.org")

    async def mail(self, sender: str, recipients: Sequence[str], data: bytes) -> list[Reply]:
        """One whole mail after `greet`, stopped at the first refusal; all replies."""
        replies = [await self.say(f"MAIL FROM:<{sender}>")]
        for recipient in recipients:
            if replies[-1].code < 300:
                replies.append(await self.say(f"RCPT TO:<{recipient}>"))
        if replies[-1].code < 300:
            replies.append(await self.say("DATA"))
        if replies[-1].code == 354:
            replies.append(await self.content(data))
        return replies
