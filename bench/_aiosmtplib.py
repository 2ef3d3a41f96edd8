"""The same mail again and again with aiosmtplib over kept connections, nothing personal and no
ledger: a process of its own, so that its CPU can be told. Prints rate and CPU as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiosmtplib
import uvloop

CONNECTIONS = 10


async def main(port: int, mails: int, octets: int) -> None:
    """Send, then say how it went."""
    content = b"Subject: hello\r\n\r\n" + (b"x" * 70 + b"\r\n") * (octets // 72)
    numbers = iter(range(mails))

    async def lane() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        await client.connect()
        for _ in numbers:
            await client.sendmail("webinars@lists.example.org", "reader@example.net", content)
        await client.quit()

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - started
    print(json.dumps({"rate": mails / seconds, "cpu_us": time.process_time() / mails * 1e6}))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*(int(word) for word in sys.argv[1:4])))
