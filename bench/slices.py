"""Slices: how long the ledger is held for each step of an announcement and of what corrects it.

    python bench/slices.py [--readers N]

A new SQLite file (WAL, synchronous=FULL) with a million readers of six languages in twenty zones.
The webinar is announced, moved (an update to everybody who was told), cancelled (another one), and
revived while all cancellations still wait. Each transaction that writes is timed; the longest is
what incoming mail may have had to wait for, "processor" is the most that any of them needed of it:
the rest is the disk and other programs. Mails count as sent between the steps.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mailer.files.draft import WebinarDraft  # noqa: E402 - needs the path above
from mailer.intake import editing  # noqa: E402
from mailer.parts import Parts, open_parts  # noqa: E402
from mailer.store.engine import Connection  # noqa: E402
from scheduler.clock import VirtualClock  # noqa: E402
from tests.world import NOON, SERIES, make_config, opened, scheduled  # noqa: E402

READERS = 1_000_000
LANGUAGES = ("en", "fr", "es", "ru", "ar", "zh")
ZONES = (
    *("Europe/Zurich", "Europe/London", "Europe/Athens", "Europe/Moscow", "Africa/Nairobi"),
    *("Africa/Lagos", "Africa/Cairo", "Asia/Kolkata", "Asia/Tokyo", "Asia/Shanghai"),
    *("Asia/Riyadh", "Asia/Kathmandu", "Australia/Sydney", "Pacific/Auckland", "America/Lima"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Bogota", "America/Caracas"),
)
START = datetime(2026, 10, 14, 13, 0)  # noqa: DTZ001 - wall clock
LATER = START + timedelta(days=1)
NOW = int(NOON.timestamp() * 1000)
DAY = 86_400_000
Unit = Callable[[Connection], Awaitable[object]]


async def prepare(folder: Path, readers: int) -> None:
    """A webinar that is due to be announced to so many."""
    path = folder / "mailer.db"
    async with opened(f"sqlite:///{path}", folder) as (parts, _):
        await scheduled(parts, START)
    people = (
        (f"{number * 7919 % readers:07}@example.net", LANGUAGES[number % 6], ZONES[number % 20])
        for number in range(readers)
    )
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(
            "INSERT INTO subscriber (address_key, mailbox, language, timezone, created_at,"
            " updated_at) VALUES (?1, ?1, ?2, ?3, 0, 0)",
            people,
        )
        connection.execute(
            "INSERT INTO subscription (subscriber_id, series_id, state, generation, since,"
            " requested_at) SELECT id, ?, 'active', 1, ?, 0 FROM subscriber ORDER BY id",
            (SERIES.id, NOW - DAY),
        )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


class Held:
    """How long each transaction that writes takes, and how much of the processor; stands around the
    store's ``write``."""

    def __init__(self, parts: Parts) -> None:
        self.spans: list[float] = []
        self.worked: list[float] = []
        self._write = parts.store.write
        parts.store.write = self  # type: ignore[method-assign, assignment]

    async def __call__(self, unit: Unit, **how: object) -> object:
        started, worked = time.perf_counter(), time.process_time()
        try:
            return await self._write(unit, **how)  # type: ignore[arg-type]
        finally:
            self.spans.append(time.perf_counter() - started)
            self.worked.append(time.process_time() - worked)


async def measure(folder: Path, readers: int) -> None:
    """Go through all of it, and print a line for each step."""
    clock = VirtualClock(NOON)
    config = make_config(f"sqlite:///{folder / 'mailer.db'}", folder)
    async with open_parts(config, clock) as parts:
        held = Held(parts)

        async def step(name: str, act: Callable[[], Awaitable[object]]) -> None:
            held.spans.clear()
            held.worked.clear()
            started = time.perf_counter()
            await act()
            _tell(name, held, time.perf_counter() - started)

        await step("announcement", parts.planner.tick)
        await asyncio.to_thread(_all_sent, folder)
        await step("the move", lambda: _changed(parts, "move"))
        await parts.planner.plan()
        clock.advance_to(NOON + timedelta(minutes=15))
        await step("update", parts.planner.tick)
        await asyncio.to_thread(_all_sent, folder)
        clock.advance_to(NOON + timedelta(hours=1))
        await step("the cancellation itself", lambda: _changed(parts, "cancel"))
        await step("cancellation", parts.planner.tick)
        clock.advance_to(NOON + timedelta(hours=2))
        await step("the revival", lambda: _changed(parts, "publish"))
        await step("what waited is withdrawn", parts.planner.tick)
    _check(folder, readers)


async def _changed(parts: Parts, how: str) -> None:
    now = parts.clock.now()

    async def unit(connection: Connection) -> object:
        match how:
            case "move":
                draft = WebinarDraft(
                    id="capasso",
                    title="CAPASSO",
                    wall_start=LATER,
                    duration=timedelta(hours=1),
                    language="en",
                )
                return await editing.edit(
                    connection, SERIES, "capasso", draft, ("starts",), now=now
                )
            case "cancel":
                return await editing.cancel(connection, SERIES, "capasso", reason=None, now=now)
            case _:
                return await editing.publish(connection, SERIES, "capasso", now=now)

    await parts.store.write(unit)


def _all_sent(folder: Path) -> None:
    with sqlite3.connect(folder / "mailer.db") as connection:
        connection.execute(
            "UPDATE outbox SET state = 'sent', attempts = 1, settled_at = ? WHERE state = 'queued'",
            (NOW,),
        )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _tell(name: str, held: Held, whole: float) -> None:
    spans = [span * 1e3 for span in held.spans]
    print(
        f"{name:<24} {whole:6.1f} s  {len(spans):5} transactions"
        f"  median {statistics.median(spans):5.1f} ms  longest {max(spans):6.1f} ms"
        f"  processor {max(held.worked) * 1e3:6.1f} ms",
        flush=True,
    )


def _check(folder: Path, readers: int) -> None:
    """Everybody got each of them once."""
    connection = sqlite3.connect(folder / "mailer.db")
    found = dict(connection.execute("SELECT kind || ' ' || state, count(*) FROM outbox GROUP BY 1"))
    connection.close()
    wanted = {"announcement sent": readers, "update sent": readers}
    assert found == wanted | {"cancellation cancelled": readers}, found


def run() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--readers", type=int, default=READERS)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(prepare(Path(name), given.readers))
        runner.run(measure(Path(name), given.readers))


if __name__ == "__main__":
    run()
