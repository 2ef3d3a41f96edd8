"""The same mail again and again with aiosmtplib over kept connections, nothing personal and no
ledger: a process of its own, so that its CPU can be told. Prints rate and CPU as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import aiosmtplib
import uvloop

CONNECTIONS = 10


async def main(port: int, mails: int, content: bytes) -> None:
    """Send, then say how it went."""
    numbers = iter(range(mails))

    async def lane() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        await client.connect()
        for number in numbers:
            recipient = f"reader{number}@example.net"
            await client.sendmail("webinars@lists.example.org", recipient, content)
        await client.quit()

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - started
    print(json.dumps({"rate": mails / seconds, "cpu_us": time.process_time() / mails * 1e6}))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
