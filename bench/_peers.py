"""Peers to measure against: Postfix's own source and sink of mails, and a real Postfix."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

SESSIONS = 20


def find(name: str) -> str:
    """Where a program of Postfix's is; SystemExit if it is not here."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is not here: it comes with Debian's package postfix")
    return found


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[int]:
    """smtp-sink on a port: takes everything and keeps nothing."""
    port = free_port()
    user = ["-u", "postfix"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        *(find("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"),
        cwd="/tmp" if Path("/tmp").is_dir() else None,
    )
    try:
        await _until_open(port)
        yield port
    finally:
        process.kill()
        await process.wait()


async def source(port: int, *, mails: int, octets: int) -> float:
    """Mails a second of smtp-source with re-used sessions: as many octets again and again."""
    return await _source(port, mails, "-l", str(octets))


async def source_like(port: int, *, mails: int, mail: Path) -> float:
    """The same with a real mail, whose header costs the server something, to a recipient of its
    own each time, for which Postfix has to ask itself where it goes."""
    plain = mail.with_suffix(".lines")  # smtp-source ends the lines itself
    plain.write_bytes(mail.read_bytes().replace(b"\r\n", b"\n"))
    return await _source(port, mails, "-F", str(plain), "-N")


async def _source(port: int, mails: int, *more: str) -> float:
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        find("smtp-source"),
        *("-s", str(SESSIONS), "-d", "-m", str(mails), *more),
        *("-f", "webinars@lists.example.org", "-t", "reader@example.net"),
        f"127.0.0.1:{port}",
    )
    if await process.wait() != 0:
        raise SystemExit("smtp-source failed")
    return mails / (time.perf_counter() - started)


async def aiosmtplib(port: int, *, mails: int, mail: Path) -> tuple[float, float]:
    """Mails a second of aiosmtplib over kept connections, and its microseconds of CPU a mail."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("_aiosmtplib.py"))),
        *(str(port), str(mails), str(mail)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    told = json.loads(out)
    return told["rate"], told["cpu_us"]


async def _until_open(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.05)
