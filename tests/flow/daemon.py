"""`mailer serve` as a process of its own, with a SQLite file, and what can be asked of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.peers.client import Client
from tests.world import letter

ROOT = Path(__file__).parents[2]
SERIES = "webinars@lists.example.org"
SUBSCRIBE = "webinars+subscribe@lists.example.org"
CONFIG = """\
[database]
url = "sqlite:///mailer.db"
[inbound]
smtp = "127.0.0.1:{smtp}"
lmtp = "127.0.0.1:{lmtp}"
max_message_bytes = 200000
[outbound]
host = "127.0.0.1"
port = {port}
security = "none"
connections = 6
[series.copyright]
title = "Copyright Infrastructure Webinars"
address = "webinars@lists.example.org"
organisers = ["organiser@example.org"]
timezone = "Europe/Zurich"
{more}
"""


def wish(author: str, number: int = 0) -> bytes:
    """A mail that asks to subscribe."""
    return letter(author, SUBSCRIBE, "hello", "", message_id=f"<{number}.{author}>")


@dataclass
class Home:
    """A folder with a configuration; daemons and commands run in it one after the other."""

    folder: Path
    sink_port: int
    smtp: int = 0
    lmtp: int = 0
    more: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text = CONFIG.format(smtp=self.smtp, lmtp=self.lmtp, port=self.sink_port, more=self.more)
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    async def command(self, *words: str, given: bytes | None = b"") -> tuple[int, bytes, str]:
        """Run `mailer WORDS`; exit code, standard output, standard error."""
        process = await asyncio.create_subprocess_exec(
            *arguments(*words),
            cwd=self.folder,
            env=environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate(given)
        return process.returncode or 0, out, err.decode()

    async def receive(self, mail: bytes, *to: str, sender: str = "ana@example.net") -> int:
        """Pipe one mail in; the exit code."""
        recipients = [word for address in to for word in ("--to", address)]
        code, _, _ = await self.command("receive", f"--from={sender}", *recipients, given=mail)
        return code

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """What the database says."""
        connection = sqlite3.connect(self.folder / "mailer.db")
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()


class Daemon:
    """An async context manager; inside it the daemon accepts mail. ``run_by`` is a program, with
    its arguments, that becomes the daemon."""

    def __init__(self, home: Home, *, run_by: tuple[str, ...] = ()) -> None:
        self.home = home
        self.run_by = run_by
        self.ready = ""
        self.ports: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        async with asyncio.timeout(30):
            assert self.process.stdout is not None
            self.ready = (await self.process.stdout.readline()).decode().strip()
        assert self.ready.startswith("ready "), await self.complaint()
        places = dict(word.split("=") for word in self.ready.split()[1:])
        self.ports = {name: int(place.rpartition(":")[2]) for name, place in places.items()}
        return self

    async def start(self) -> None:
        """Begin, without waiting for anything."""
        with (self.home.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*self.run_by, *arguments("serve")),
                cwd=self.home.folder,
                env=environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def complaint(self) -> str:
        """What it logged."""
        return (self.home.folder / "log").read_text("utf-8", "replace")

    async def stop(self, *, seconds: float = 30.0) -> int:
        """SIGTERM; the exit code, within so many seconds."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        await self.process.wait()

    async def deliver(
        self, mail: bytes, to: str = SUBSCRIBE, *, by: str = "smtp", sender: str = "ana@example.net"
    ) -> str:
        """Hand in one mail; the last reply."""
        async with Client("127.0.0.1", self.ports[by]) as client:
            await client.greet(lmtp=by == "lmtp")
            return str((await client.mail(sender, [to], mail))[-1])


def arguments(*words: str) -> list[str]:
    return [sys.executable, "-m", "mailer", "--config", "config.toml", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
