"""The oracle's process as a test sees it: told what to do wrong, asked what it saw.

What it wrote down is read from its file, so the account is the same whatever became of anybody.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.faults.length import either
from tests.flow.daemon import ROOT, environment
from tests.peers.record import Delivery, read_oracle
from tests.peers.trouble import Trouble

PATIENCE_SECONDS = either(100.0, 900.0)  # for what takes a second on a quiet machine
LOOK_SECONDS = 0.02
LONGEST_ANSWER = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the oracle saw; `begun` are the recipients of all mails that began, whole or
    not; `dismissed` those of mails whose commands it did not read, having ended the connection."""

    connections: int
    most_connections: int
    open: int
    accepted: int
    resets: int
    faults: list[str]
    begun: list[str]
    dismissed: list[str]


class Witness:
    """An async context manager; inside it the oracle listens on `host` and `port`."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, **options: object) -> None:
        self.file = folder / "oracle"
        self.file.touch()
        self.port = 0
        self._options = options
        self._read_to = 0
        self._count = 0

    async def __aenter__(self) -> Self:
        options = json.dumps({"file": str(self.file), **self._options})
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.oracle", options),
            cwd=ROOT,
            env=environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_ANSWER,
        )
        self.port = (await self._answer())["port"]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def trouble(self, *troubles: Trouble) -> Told:
        """Misbehave like this from now on and no other way; without any, behave."""
        values = [
            {name: value for name in each.__slots__ if (value := getattr(each, name))}
            for each in troubles
        ]
        return await self._ask(do="trouble", troubles=values)

    async def close(self) -> Told:
        """Be away: no listener, every connection cut."""
        return await self._ask(do="close")

    async def listen(self, host: str = "") -> Told:
        """Be there again, on the same port."""
        return await self._ask(do="listen", host=host)

    async def look(self) -> Told:
        """What was seen; all that has come in by now is in it."""
        return await self._ask(do="look")

    async def _ask(self, **order: object) -> Told:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        return Told(**await self._answer())

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await self._process.stdout.readline()
        assert line, "the oracle has ended"
        found: dict[str, Any] = json.loads(line)
        return found

    # --- what it wrote down ---

    def deliveries(self) -> list[Delivery]:
        """All of them, oldest first."""
        return read_oracle(self.file)

    def count(self) -> int:
        """How many there are."""
        with self.file.open("rb") as file:
            file.seek(self._read_to)
            new = file.read()
        self._read_to += len(new)
        self._count += new.count(b"\n")
        return self._count

    async def wait_for(self, count: int) -> None:
        """Until so many mails were taken, copies counted."""
        await until(lambda: self.count() >= count, lambda: f"{self.count()} of {count} mails")


async def until(holds: Callable[[], bool], found: Callable[[], object] = lambda: "") -> None:
    """Until something holds; AssertionError, with what was found instead, if it never does."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():  # noqa: ASYNC110 - files and other processes have no events
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"this never came: {found()}") from None
