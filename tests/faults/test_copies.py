"""The database as a power cut would leave it (F36): whole, with all that was promised in it.

A stand-in: the daemon is stopped where it is and its files are copied, so that nothing is in them
but what had been written; then the log is cut at any octet, as if the last of it had never been.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.account import Keep, count
from tests.faults.house import UNRECORDED, House, furnish, people
from tests.faults.length import either
from tests.faults.witness import Witness, until
from tests.flow.daemon import Daemon, wish
from tests.peers.record import Delivery
from tests.peers.trouble import Phase, Trouble

Crowd = Callable[[int], Path]
SLOWLY = Trouble(phase=Phase.DOT, delay_seconds=either(0.01, 0.05))
LOG_HEADER, FRAME_HEADER, BACKFILL_ATTEMPTED = 32, 24, 128  # octets, of WAL and WAL index
RULES = {  # each with how often it is broken
    "a mail on its way is somebody's, and no other": """\
        SELECT count(*) FROM outbox WHERE (state = 'sending') != (lease_owner IS NOT NULL)""",
    "an announcement counts the mails that it has": """\
        SELECT count(*) FROM announcement AS a
        WHERE total != (SELECT count(*) FROM outbox WHERE announcement_id = a.id)""",
    "a mail that came in has had its effect": """\
        SELECT count(*) FROM inbound WHERE subscription_id IS NULL""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The files, and what the world knew when they were copied."""

    folder: Path
    promised: frozenset[str]  # authors of mails that were taken with 250
    delivered: frozenset[str]

    @property
    def log(self) -> Path:
        """What is not in the database file yet."""
        return self.folder / "mailer.db-wal"

    def needed(self) -> int:
        """How much of the log has to be there: what a checkpoint began to move into the database
        was made durable before (https://sqlite.org/walformat.html)."""
        page = int.from_bytes(self.log.read_bytes()[8:12], "big")
        index = (self.folder / "mailer.db-shm").read_bytes()
        frames = int.from_bytes(index[BACKFILL_ATTEMPTED : BACKFILL_ATTEMPTED + 4], sys.byteorder)
        return LOG_HEADER + frames * (FRAME_HEADER + page)

    def check(self) -> None:
        """Sound, all that was promised, and no state that never was."""
        with contextlib.closing(sqlite3.connect(self.folder / "mailer.db")) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchall()
            assert found == [("ok",)]
            for rule, statement in RULES.items():
                assert connection.execute(statement).fetchall() == [(0,)], rule
            sent = connection.execute("SELECT recipient FROM outbox WHERE state = 'sent'")
            assert {name for (name,) in sent} <= self.delivered
            authors = connection.execute("SELECT author_key FROM inbound")
            assert self.promised <= {name for (name,) in authors}


@dataclass(slots=True)
class Writers:
    """People who write to the daemon all the time."""

    daemon: Daemon
    promised: list[str]

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """They do so inside the block."""
        task = asyncio.create_task(self._write())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, TimeoutError):
                await task

    async def _write(self) -> None:
        for number in itertools.count():
            author = f"w{number}@example.net"
            reply = await self.daemon.deliver(wish(author), sender=author)
            assert reply.startswith("250"), reply
            self.promised.append(author)


async def test_a_power_cut_leaves_what_was_promised(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    copies, cuts, number = either((3, 3, 600), (30, 5, 6000))
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(SLOWLY)
        async with Daemon(house) as daemon:
            writers = Writers(daemon, [])
            async with writers.writing():
                for place in range(copies):
                    aim = random.randint(1, number // (copies + 1)) + witness.count()
                    await until(lambda aim=aim: witness.count() >= min(aim, number))  # type: ignore[misc]
                    copy = copied(house, witness, writers, tmp_path / f"copy-{place}")
                    last = place == copies - 1
                    daemon.process.send_signal(signal.SIGKILL if last else signal.SIGCONT)
                    for cut in range(cuts):
                        shorter = shortened(copy, tmp_path / f"copy-{place}-{cut}")
                        shorter.check()
                        shutil.rmtree(shorter.folder)
                    if not last:
                        (copy.folder / "mailer.db-shm").unlink()
                        copy.check()
            await daemon.process.wait()
        await witness.trouble()
        (tmp_path / "mailer.db-shm").unlink()
        for name in ("mailer.db", "mailer.db-wal"):
            shutil.copy(copy.folder / name, tmp_path)
        async with Daemon(house) as daemon:
            reminders = "SELECT DISTINCT state FROM outbox WHERE kind = 'reminder'"
            await until(lambda: house.rows(reminders) == [("sent",)], house.states)
            assert await daemon.stop() == 0
        deliveries = reminders_of(witness)
        keep(
            count(
                "F36",
                f"{copies} power cuts, {copies * cuts} with less of the log",
                owed=people(number),
                deliveries=deliveries,
                bound=UNRECORDED,
            )
        )


def copied(house: House, witness: Witness, writers: Writers, folder: Path) -> Copy:
    """Stop the daemon where it is, and copy its files."""
    writers.daemon.process.send_signal(signal.SIGSTOP)
    promised = frozenset(writers.promised)
    folder.mkdir()
    for name in ("mailer.db", "mailer.db-wal", "mailer.db-shm"):
        shutil.copy(house.folder / name, folder / name)
    delivered = frozenset(one.recipient for one in witness.deliveries())
    return Copy(folder=folder, promised=promised, delivered=delivered)


def shortened(copy: Copy, folder: Path) -> Copy:
    """The same without the end of its log. What was in there may be gone, but nothing else."""
    shutil.copytree(copy.folder, folder)
    made = Copy(folder=folder, promised=frozenset(), delivered=copy.delivered)
    (folder / "mailer.db-shm").unlink()  # it was in memory
    size = copy.log.stat().st_size
    with made.log.open("r+b") as log:
        log.truncate(random.randint(min(copy.needed(), size), size))
    return made


def reminders_of(witness: Witness) -> list[Delivery]:
    return [one for one in witness.deliveries() if one.message_id.startswith("<reminder.")]
