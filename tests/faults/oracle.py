"""The oracle: a recording mail server in a process of its own, fast, and faulty when told to be.

It writes down who got which mail (`tests.peers.record`), on disk before the reply leaves, and so
outlives whatever it is asked about afterwards. One fsync covers all mails that came in one go. Run
as `python -m tests.faults.oracle OPTIONS` with a JSON object; it prints its port, then obeys one
line of JSON after the other (`ORDERS`) with one line each, and ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.talk import Talk
from tests.peers.trouble import Drop, Phase, Trouble, Troubles

EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "SMTPUTF8")
BACKLOG = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How it presents itself. `messages_per_connection` 0 is no limit: else 421 follows."""

    file: str
    host: str = "127.0.0.1"
    port: int = 0
    extensions: tuple[str, ...] = EXTENSIONS
    messages_per_connection: int = 0


@dataclass(slots=True)
class Seen:
    """What happened so far. `begun` are recipients whose RCPT came in, read or not; `dismissed`
    those whose RCPT was not read because the connection was ended."""

    connections: int = 0
    most_connections: int = 0
    accepted: int = 0
    resets: int = 0
    faults: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    dismissed: list[str] = field(default_factory=list)


class Oracle:
    """The listener, the troubles, the file."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.port = options.port
        self.host = options.host
        self.troubles = Troubles()
        self.seen = Seen()
        self.talks: set[Talk] = set()
        self._file = os.open(options.file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._lines: list[str] = []
        self._dirty: list[Talk] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; again on the same port after `close`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Talk(self), self.host, self.port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, and break every connection off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for talk in list(self.talks):
            talk.reset()

    def write(self, talk: Talk, line: str | None) -> None:
        """Something to send, and perhaps to write down before."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self.flush)
        self._dirty.append(talk)
        if line is not None:
            self._lines.append(line)

    def flush(self) -> None:
        """What was decided goes to disk, and then out."""
        if self._lines:
            os.write(self._file, "".join(self._lines).encode())
            os.fsync(self._file)
            self._lines.clear()
        dirty, self._dirty = self._dirty, []
        for talk in dirty:
            talk.send()


# --- orders ---


async def trouble(oracle: Oracle, troubles: list[dict[str, Any]]) -> None:
    """Misbehave like this from now on, in place of what was ordered before."""
    oracle.troubles.clear()
    for each in troubles:
        drop = each.pop("drop", None)
        phase = Phase(each.pop("phase"))
        oracle.troubles.add(Trouble(phase=phase, drop=Drop(drop) if drop else None, **each))


async def close(oracle: Oracle) -> None:
    """Be away."""
    await oracle.close()


async def listen(oracle: Oracle, host: str = "") -> None:
    """Be there again, perhaps at another address."""
    oracle.host = host or oracle.host
    await oracle.open()


async def look(oracle: Oracle) -> None:
    """Nothing but an answer, after whatever had come in by now was read."""
    for _ in range(3):
        await asyncio.sleep(0.005)


ORDERS = {order.__name__: order for order in (trouble, close, listen, look)}


async def serve(options: Options) -> None:
    """Listen, obey, and end with the input."""
    oracle = Oracle(options)
    await oracle.open()
    print(json.dumps({"port": oracle.port}), flush=True)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        order = json.loads(line)
        await ORDERS[order.pop("do")](oracle, **order)
        told = {name: getattr(oracle.seen, name) for name in Seen.__slots__}
        told["open"] = len(oracle.talks)
        print(json.dumps(told), flush=True)


def main() -> None:
    asked = json.loads(sys.argv[1])
    options = Options(**{**asked, "extensions": tuple(asked.get("extensions", EXTENSIONS))})
    Path(options.file).parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
