"""Makes system calls of a running process fail, or kill it, by strace's fault injection."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

from tests.peers import registry

ATTACHED_SECONDS = 20.0


@contextlib.asynccontextmanager
async def injected(
    process: asyncio.subprocess.Process, calls: str, fault: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """While the block runs, ``calls`` of the process meet a ``fault`` in strace's notation, as
    ``error=EIO`` or ``signal=KILL:when=3``; its tracer, which ends when the process does."""
    program = registry.require("strace")
    tracer = await asyncio.create_subprocess_exec(
        *(program, "-f", "-p", str(process.pid), "-o", "/dev/null"),
        *("-e", f"trace={calls}", "-e", f"inject={calls}:{fault}"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await _attached(tracer)
        yield tracer
    finally:
        if tracer.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                tracer.send_signal(signal.SIGINT)  # lets the process go on as it was
            await tracer.communicate()


async def _attached(tracer: asyncio.subprocess.Process) -> None:
    assert tracer.stderr is not None
    async with asyncio.timeout(ATTACHED_SECONDS):
        said = await tracer.stderr.readline()
        while b"attached" not in said:
            if not said or b"ptrace" in said:
                registry.missing("strace", said.decode("utf-8", "replace").strip())
            said = await tracer.stderr.readline()
