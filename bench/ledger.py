"""The ledger: what a row costs to queue, claim and settle, in a small ledger and in a large one.

    python bench/ledger.py [--quick] [--json]

For each size a process of its own takes a whole announcement through a new SQLite file (WAL,
synchronous=FULL): the planner expands it in its slices, then every row is claimed in batches of 250
and settled in batches of 64, each batch a transaction and a value. "all" is the mean over
everything, with the looking for groups before an expansion and the checkpoints, which most batches
do not meet; "longest" is the transaction that others may have had to wait for. Ratios are to the
smallest size. The last line is the same work by bare sqlite3: one thread, no objects.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import uvloop
from _report import Result, result, to_json, to_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mailer.parts import open_parts  # noqa: E402 - needs the path above
from mailer.store import lease  # noqa: E402
from mailer.store.engine import Store  # noqa: E402
from mailer.store.outbox import Priority, State  # noqa: E402
from mailer.store.settlement import Settlement, settle  # noqa: E402
from scheduler.clock import VirtualClock  # noqa: E402
from tests.world import NOON, SERIES, make_config, opened, scheduled  # noqa: E402

SIZES = (10_000, 100_000, 1_000_000)
EXPAND, CLAIM, SETTLE = 500, 250, 64
BULK = (Priority.BULK, Priority.INVITATION)
IN_TEN_DAYS = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock
NOW = int(NOON.timestamp() * 1000)
DAY = 86_400_000
REPLY = "250 2.0.0 Ok: queued as 4cGx2Y1dZ9z5vZ7"
Batch = tuple[float, int]  # seconds, rows


def main(sizes: tuple[int, ...], *, as_json: bool) -> None:
    """Measure every size and bare sqlite3, and tell."""
    smallest: dict[str, float] = {}
    results: list[Result] = []
    for size in sizes:
        for name, values in measured("--rows", size).items():
            one = result("ledger", name, f"{size:,} rows", _unit_of(name), values)
            first = smallest.setdefault(name, one.median)
            results.append(replace(one, ratio=one.median / first))
    for name, values in measured("--bare", sizes[0]).items():
        results.append(result("ledger", name, "bare sqlite3", _unit_of(name), values))
    if as_json:
        sys.stdout.write("".join(f"{to_json(one)}\n" for one in results))
        return
    for suffix in ("", " all", " longest"):
        names = {f"{what}{suffix}" for what in ("expand", "claim", "settle")}
        sys.stdout.write(to_table([one for one in results if one.name in names]) + "\n\n")
    sys.stdout.write(to_table([one for one in results if one.name == "peak"]) + "\n")


def measured(what: str, size: int) -> dict[str, list[float]]:
    """What a process of its own measured, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for step in ("--prepare", what):
            done = subprocess.run(
                [sys.executable, __file__, step, str(size), "--folder", folder],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def _unit_of(name: str) -> str:
    return {"longest": "ms", "peak": "MiB"}.get(name.rpartition(" ")[2], "µs a row")


def _values(name: str, batches: list[Batch]) -> dict[str, list[float]]:
    """Microseconds a row of each batch and of all, and the longest batch in milliseconds."""
    whole, rows = (sum(part) for part in zip(*batches, strict=True))
    return {
        name: [seconds / count * 1e6 for seconds, count in batches],
        f"{name} all": [whole / rows * 1e6],
        f"{name} longest": [max(seconds for seconds, _ in batches) * 1e3],
    }


# --- one announcement ---


async def prepare(folder: Path, size: int) -> None:
    """A database with a webinar that is due to be announced to so many readers."""
    path = folder / "mailer.db"
    async with opened(f"sqlite:///{path}", folder) as (parts, _):
        await scheduled(parts, IN_TEN_DAYS)
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(
            "INSERT INTO subscriber (address_key, mailbox, created_at, updated_at)"
            " VALUES (?, ?, 0, 0)",
            ((address, address) for address in _addresses(size)),
        )
        connection.execute(
            "INSERT INTO subscription (subscriber_id, series_id, state, generation, since,"
            " requested_at) SELECT id, ?, 'active', 1, ?, 0 FROM subscriber ORDER BY id",
            (SERIES.id, NOW - DAY),
        )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _addresses(size: int) -> Iterator[str]:
    """In no order, as people come."""
    draw = random.Random(size)
    return (f"{draw.getrandbits(40):010x}.{number}@example.net" for number in range(size))


async def take_through(folder: Path, size: int) -> dict[str, list[float]]:
    """Expand, claim and settle the announcement."""
    stamps: list[float] = []  # the planner nudges after every slice
    config = make_config(f"sqlite:///{folder / 'mailer.db'}", folder)
    clock = VirtualClock(NOON)
    nudge = lambda: stamps.append(time.perf_counter())  # noqa: E731
    async with open_parts(config, clock, nudge=nudge) as parts:
        started = time.perf_counter()
        await parts.planner.tick()
        sending = Sending(parts.store)
        await sending.run()
    spans = [later - before for before, later in pairwise(stamps)]
    slices = [(span, EXPAND) for span in spans[: size // EXPAND - 1]]  # the full ones
    return {
        **_values("expand", slices),
        "expand all": [(stamps[-1] - started) / size * 1e6],
        **_values("claim", sending.claims),
        **_values("settle", sending.settles),
        "peak": [_peak_mib()],
    }


class Sending:
    """Claims everything that is due and settles it as sent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.claims: list[Batch] = []
        self.settles: list[Batch] = []

    async def run(self) -> None:
        """Until nothing is left."""
        claim = partial(lease.claim, node="bench", now=NOON, limit=CLAIM, priorities=BULK)
        while True:
            started = time.perf_counter()
            rows = await self._store.write(claim)
            if not rows:
                return
            self.claims.append((time.perf_counter() - started, len(rows)))
            await self._settle([_sent(row.id) for row in rows])

    async def _settle(self, outcomes: list[Settlement]) -> None:
        for start in range(0, len(outcomes), SETTLE):
            batch = outcomes[start : start + SETTLE]
            started = time.perf_counter()
            await self._store.write(partial(settle, settlements=batch, node="bench", now=NOON))
            self.settles.append((time.perf_counter() - started, len(batch)))


def _sent(row_id: int) -> Settlement:
    return Settlement(id=row_id, state=State.SENT, attempts=1, reply_code=250, reply=REPLY)


def _peak_mib() -> float:
    """The most memory that this process has held."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


# --- bare sqlite3 ---

INSERT = """INSERT INTO outbox (series_id, announcement_id, webinar_id, kind, template, priority,
 state, queued_at, not_before, expires_at, subscription_id, recipient, recipient_key, language,
 zone, registered, message_id)
 VALUES ('copyright', NULL, 1, 'announcement', 'announcement', 5, 'queued', ?, ?, ?, ?, ?, ?,
 'en', 'Europe/Zurich', 0, ?)"""
LEASE = """UPDATE outbox SET state = 'sending', lease_owner = 'bench', leased_at = ?,
 attempts = attempts + 1 WHERE id IN (SELECT id FROM outbox WHERE state = 'queued'
 AND priority IN (5, 7) AND not_before <= ? ORDER BY priority, not_before, id LIMIT ?)
 RETURNING *"""
WRITE = """UPDATE outbox SET state = 'sent', reason = '', attempts = 1, reply_code = 250,
 reply = ?, lease_owner = NULL, settled_at = ? WHERE id = ? AND lease_owner = 'bench'"""


def bare(folder: Path, size: int) -> dict[str, list[float]]:
    """The same rows in the same batches, without what a claim checks."""
    connection = sqlite3.connect(folder / "mailer.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    spans: dict[str, list[Batch]] = {"expand": [], "claim": [], "settle": []}
    addresses = list(_addresses(size))
    for start in range(0, size, EXPAND):
        rows = [
            (NOW, NOW, NOW + DAY, start + at, one, one, f"announcement.{one}")
            for at, one in enumerate(addresses[start : start + EXPAND])
        ]
        insert = partial(connection.executemany, INSERT, rows)
        spans["expand"].append((_transaction(connection, insert), len(rows)))
    for _ in range(0, size, CLAIM):
        found: list[tuple[int, ...]] = []
        lease_rows = partial(connection.execute, LEASE, (NOW, NOW, CLAIM))
        seconds = _transaction(connection, lambda: found.extend(lease_rows()))  # noqa: B023
        spans["claim"].append((seconds, len(found)))
        for start in range(0, len(found), SETTLE):
            batch = [(REPLY, NOW, row[0]) for row in found[start : start + SETTLE]]
            write = partial(connection.executemany, WRITE, batch)
            spans["settle"].append((_transaction(connection, write), len(batch)))
    connection.close()
    return {
        name: [seconds / count * 1e6 for seconds, count in batches]
        for name, batches in spans.items()
    }


def _transaction(connection: sqlite3.Connection, step: Callable[[], object]) -> float:
    started = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    step()
    connection.execute("COMMIT")
    return time.perf_counter() - started


def run() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="without the largest size")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each result")
    for name in ("--prepare", "--rows", "--bare"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if given.prepare:
            runner.run(prepare(given.folder, given.prepare))
        elif given.rows:
            print(json.dumps(runner.run(take_through(given.folder, given.rows))))
        elif given.bare:
            print(json.dumps(bare(given.folder, given.bare)))
        else:
            main(SIZES[:-1] if given.quick else SIZES, as_json=given.json)


if __name__ == "__main__":
    run()
