"""Mails with distinct senders over SMTP, from so many sessions at once: a process of its own.

MAIL, RCPT and DATA of a mail leave in one write where the server offers PIPELINING, as a mail
server's client does; a session keeps its connection, or with --anew makes one for each mail. Says
on one line of JSON what came of it. Measures nothing but the wire: from the first connection to the
last reply.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

MAIL = """\
From: Person {number} <{sender}>
To: {to}
Subject: subscribe
Message-ID: <{number}.{run}@example.net>
Date: Thu, 01 Oct 2026 12:00:00 +0200
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: 8bit
Content-Language: en
User-Agent: A mail program

Good morning,

please put me on the list.

Kind regards
Person {number}
"""


@dataclass(kw_only=True)
class Load:
    """What is to be sent, and what came of it so far."""

    host: str
    port: int
    to: str
    run: str
    numbers: Iterator[int]
    anew: bool
    replies: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    ended_at: float = 0.0

    def envelope(self, number: int) -> tuple[str, bytes]:
        """A sender and the content of their mail."""
        sender = f"p{number}.{self.run}@example.net"
        text = MAIL.format(number=number, sender=sender, to=self.to, run=self.run)
        return sender, text.replace("\n", "\r\n").encode() + b".\r\n"


class Session(asyncio.Protocol):
    """One connection; `ended` is set when it has nothing more to do or was closed."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._awaited: list[str] = ["greeting"]
        self._pending: list[bytes] = []  # commands for a server without PIPELINING
        self._pipelining = False
        self._content = b""
        self._dotted_at = 0.0
        self._refused = ""
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\r\n")
        for line in lines:
            if line[4:] == b"PIPELINING":
                self._pipelining = True
            if line[3:4] != b"-" and self._awaited:
                self._replied(self._awaited.pop(0), line.decode())

    def _replied(self, awaited: str, reply: str) -> None:
        match awaited:
            case "greeting":
                self._say(["EHLO load.example.org"], ["ehlo"])
            case "ehlo":
                self._next()
            case "data" if reply.startswith("354") and not self._refused:
                self._dotted_at = time.perf_counter()
                self._say([], ["dot"], self._content)
            case "dot":
                self._load.waits.append(time.perf_counter() - self._dotted_at)
                self._done(reply)
            case "data":
                self._done(self._refused or reply)
            case "quit":
                self._transport.close()
            case _:
                self._refused = self._refused or ("" if reply.startswith("250") else reply)
                if self._pending:
                    self._transport.write(self._pending.pop(0))

    def _done(self, reply: str) -> None:
        self._load.replies[reply[:9]] += 1
        self._load.ended_at = time.perf_counter()
        if self._load.anew:
            self._quit()
        else:
            self._next()

    def _next(self) -> None:
        number = next(self._load.numbers, None)
        if number is None:
            self._quit()
            return
        self._refused = ""
        sender, self._content = self._load.envelope(number)
        commands = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{self._load.to}>", "DATA"]
        self._say(commands, ["mail", "rcpt", "data"])

    def _quit(self) -> None:
        self._say(["QUIT"], ["quit"])

    def _say(self, commands: list[str], awaited: list[str], content: bytes = b"") -> None:
        self._awaited += awaited
        wire = [f"{command}\r\n".encode() for command in commands]
        if self._pipelining or len(wire) < 2:
            self._transport.write(b"".join(wire) + content)
        else:
            self._pending = wire[1:]
            self._transport.write(wire[0])


async def _talk(load: Load, mails: int) -> None:
    """One session's share: connections one after the other, until nothing is left."""
    loop = asyncio.get_running_loop()
    while sum(load.replies.values()) < mails:
        try:
            _, session = await loop.create_connection(lambda: Session(load), load.host, load.port)
        except OSError:
            load.replies["no connection"] += 1
            return
        await session.ended
        if not load.anew:
            return


async def run(load: Load, *, mails: int, sessions: int) -> dict[str, object]:
    """Send them all; accepted, replies, seconds, and how long the end of data was waited for."""
    started = time.perf_counter()
    await asyncio.gather(*(_talk(load, mails) for _ in range(sessions)))
    waits = sorted(load.waits) or [0.0]
    return {
        "accepted": sum(n for reply, n in load.replies.items() if reply.startswith("250")),
        "seconds": load.ended_at - started,
        "replies": dict(load.replies),
        "wait_median": waits[len(waits) // 2],
        "wait_p99": waits[int(len(waits) * 0.99)],
    }


def main() -> None:
    """Read the arguments, send, say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--run", default="0", help="keeps the mails of two runs apart")
    parser.add_argument("--anew", action="store_true", help="a connection for each mail")
    options = parser.parse_args()
    load = Load(
        host=options.host,
        port=options.port,
        to=options.to,
        run=options.run,
        numbers=iter(range(options.mails)),
        anew=options.anew,
    )
    work = run(load, mails=options.mails, sessions=options.sessions)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        print(json.dumps(runner.run(work)))


def _loop_factory():  # type: ignore[no-untyped-def]
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
