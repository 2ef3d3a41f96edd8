"""Size: the same announcement to ten thousand readers and to a million, from plan to last outcome.

    python bench/size.py [--readers SMALL LARGE]

Expanded and sent into smtp-sink by `mailer serve`, each size in a file of its own; the small size
three times, before and after. What is compared: microseconds for a reader while sending, and the
most memory that the daemon ever held.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path

from _campaign import Run, clear, prepare, send
from _peers import sink


async def main(small: int, large: int) -> None:
    """Measure both sizes, and print them with their ratios."""
    few = [await _sent(small) for _ in range(2)]
    many = await _sent(large)
    few.append(await _sent(small))
    base = statistics.median(1e6 / run.rate for run in few)
    held = statistics.median(run.peak_mib for run in few)
    _tell(small, base, held, 1.0, 1.0)
    _tell(large, 1e6 / many.rate, many.peak_mib, 1e6 / many.rate / base, many.peak_mib / held)


async def _sent(readers: int) -> Run:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    async with sink() as port:
        home = await prepare(folder, readers=readers, sink_port=port)
        run = await send(home, readers)
    clear(home)
    return run


def _tell(readers: int, each_us: float, peak_mib: float, time: float, memory: float) -> None:
    print(
        f"{readers:>9} readers  {each_us:6.1f} us a reader (x {time:.2f})"
        f"  peak {peak_mib:6.1f} MiB (x {memory:.2f})",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--readers", type=int, nargs=2, default=[10_000, 1_000_000])
    given = parser.parse_args()
    asyncio.run(main(*given.readers))
