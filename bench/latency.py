"""How long a newcomer waits for the confirmation mail: idle, and while a large mailing goes out.

    python bench/latency.py [--readers N] [--newcomers N]

Somebody's subscribe mail goes in over SMTP on a connection of its own; the time runs from its
connection to the arrival of the confirmation at the sink. First with nothing else to do, then while
an announcement to all readers is being sent to the same sink.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import uvloop
from _campaign import change, clear, command, prepare
from _sink import Sink

from tests.flow.daemon import Daemon, wish

LIMITS = """\
[limits]
answers_per_domain_per_hour = 0
answers_per_hour = 0
"""
EVERY_SECONDS = 0.05
DAY = 86_400_000


async def main(readers: int, newcomers: int) -> None:
    """Measure both."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    sink = Sink()
    await sink.start()
    home = await prepare(folder, readers=readers, sink_port=sink.port, more=LIMITS)
    change(home, f"UPDATE outbox SET not_before = not_before + {DAY}")
    await command(home, "outbox", "go")
    async with Daemon(home) as daemon:
        await _waits(daemon, sink, 20, "warm")
        idle = await _waits(daemon, sink, newcomers, "idle")
        change(home, f"UPDATE outbox SET not_before = not_before - {DAY} WHERE priority = 5")
        before = sink.count
        while sink.count < before + 100:  # noqa: ASYNC110 - the sink has no event for it
            await asyncio.sleep(0.01)
        busy = await _waits(daemon, sink, newcomers, "busy")
        went = sink.count - before
        still = readers - went > 0
        await daemon.stop()
    clear(home)
    print(f"{readers} readers, {newcomers} newcomers each way; seconds to the confirmation")
    for name, waits in (("idle", idle), ("busy", busy)):
        middle, late = _at(waits, 0.5), _at(waits, 0.99)
        print(f"{name}  median {middle:.4f}  p99 {late:.4f}  max {max(waits):.4f}")
    print(f"p99 busy / idle {_at(busy, 0.99) / _at(idle, 0.99):.2f}")
    print(f"{went} mails of the announcement had gone out by then" + ("" if still else ": all"))


def _at(waits: list[float], share: float) -> float:
    return statistics.quantiles(waits, n=100, method="inclusive")[round(share * 100) - 1]


async def _waits(daemon: Daemon, sink: Sink, count: int, name: str) -> list[float]:
    waits = []
    for number in range(count):
        address = f"newcomer{number}.{name}@example.net"
        started = time.perf_counter()
        reply = await daemon.deliver(wish(address), sender=address)
        if not reply.startswith("250"):
            raise SystemExit(f"not taken: {reply}")
        waits.append(await sink.watched[address.encode()] - started)
        await asyncio.sleep(EVERY_SECONDS)
    return waits


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--newcomers", type=int, default=100)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(given.readers, given.newcomers))
