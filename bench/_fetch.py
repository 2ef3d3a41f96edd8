"""Fetches pages again and again over 16 kept connections: a process of its own.

Takes a list of aims as JSON, does one after the other, and says on one line of JSON what came of
each: answers, their waits, the instants between which they were counted, and the CPU that the
server's process used meanwhile. Asks again only when the answer is complete. SystemExit if an
answer has another status than the aim says.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass

import uvloop
from _campaign import cpu_seconds

CONNECTIONS = 16
WARM_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What to fetch from whom, which status it has, and for how long to ask; ``held`` is the ETag
    that the asker has, empty if none."""

    port: int
    pid: int
    path: str
    held: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of an aim; instants since the epoch, waits in seconds."""

    answers: int
    began: float
    ended: float
    cpu: float
    p50: float
    p99: float


async def fetch(aim: Aim) -> Fetched:
    """Ask on all connections until the time is over."""
    waits: list[float] = []
    start = time.perf_counter() + WARM_SECONDS
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_connection(aim, waits, start, start + aim.seconds))
        await asyncio.sleep(WARM_SECONDS)
        began, cpu = time.time(), cpu_seconds(aim.pid)
        await asyncio.sleep(aim.seconds)
        ended, cpu = time.time(), cpu_seconds(aim.pid) - cpu
    waits.sort()
    return Fetched(
        answers=len(waits),
        began=began,
        ended=ended,
        cpu=cpu,
        p50=waits[len(waits) // 2],
        p99=waits[int(len(waits) * 0.99)],
    )


async def _connection(aim: Aim, waits: list[float], start: float, end: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", aim.port)
    condition = f"If-None-Match: {aim.held}\r\n" if aim.held else ""
    request = f"GET {aim.path} HTTP/1.1\r\nHost: bench.example.org\r\n{condition}\r\n".encode()
    asked = time.perf_counter()
    while asked < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if int(head[9:12]) != aim.status:
            raise SystemExit(f"{aim.path}: {head.decode()}")
        if length := _length(head):
            await reader.readexactly(length)
        answered = time.perf_counter()
        if start <= asked and answered <= end:
            waits.append(answered - asked)
        asked = answered
    writer.close()
    await writer.wait_closed()


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def _all(aims: list[Aim]) -> list[Fetched]:
    return [await fetch(aim) for aim in aims]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_all([Aim(**one) for one in json.loads(sys.argv[1])]))
    print(json.dumps([asdict(one) for one in found]))
