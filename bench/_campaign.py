"""A campaign to measure: a home with many readers, one announcement of a webinar, a daemon.

The readers and the announcement's rows go straight into the database file; everything from then on
is `mailer serve` as it is installed: claim, fill, sign, send, settle, with SQLite in WAL and
synchronous=FULL.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mailer.message.mark import Personal  # noqa: E402 - needs the path above
from mailer.message.skeleton import Skeleton  # noqa: E402
from tests.flow.daemon import Daemon, Home  # noqa: E402

PROGRAMME = """\
[[webinar]]
id = "iscc"
title = "The International Standard Content Code (ISCC)"
starts = {starts}
duration = "1h"
registration_url = "https://register.example.org/iscc"
abstract = '''{abstract}'''
speakers = [
  { name = "Ana Example", affiliation = "Example Foundation", url = "https://example.org/ana" },
  { name = "Bo Sample", affiliation = "Sample Institute", url = "https://example.org/bo" },
]
"""
SENTENCE = "An identifier that anybody can compute from the content itself, whatever its kind. "
CONNECTIONS = 22  # 20 of them for bulk
VALUES = dict.fromkeys(Personal, "abcdefghijklmnopqrstuvwxyz") | {
    Personal.ADDRESS: "reader@example.net",
    Personal.DATE: "Wed, 11 Nov 2026 08:00:00 +0000",
    Personal.ANSWERED: "<question@example.net>",
}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One campaign, sent: mails a second from the first claim to the last outcome, microseconds of
    CPU of the daemon for a mail, and its peak memory in MiB since it was started."""

    rate: float
    cpu_us: float
    peak_mib: float


def mail_of(home: Home) -> Path:
    """A file with a mail of the announcement as a reader gets it, for peers to send."""
    ((content,),) = home.rows("SELECT content FROM skeleton LIMIT 1")
    mail = home.folder / "mail.eml"
    mail.write_bytes(Skeleton.from_json(str(content)).fill(VALUES))
    return mail


async def prepare(folder: Path, *, readers: int, sink_port: int, more: str = "") -> Home:
    """A home whose announcement is expanded for all of its readers, and which sends nothing yet."""
    home = Home(folder, sink_port, more=more)
    config = (folder / "config.toml").read_text("utf-8")
    wider = config.replace("connections = 6", f"connections = {CONNECTIONS}")
    (folder / "config.toml").write_text(wider, encoding="utf-8")
    await command(home, "db", "upgrade")
    _put_readers(home, readers)
    starts = time.strftime("%Y-%m-%dT13:00:00", time.gmtime(time.time() + 10 * 86_400))
    programme = PROGRAMME.replace("{starts}", starts).replace("{abstract}", SENTENCE * 2)
    (folder / "programme.toml").write_text(programme, encoding="utf-8")
    await command(home, "webinar", "import", "programme.toml")
    await command(home, "outbox", "stop")
    async with Daemon(home) as daemon:
        await _until(home, "SELECT count(*) FROM outbox WHERE state = 'queued'", readers)
        await daemon.stop()
    return home


async def send(home: Home, readers: int, *, warm: bool = True) -> Run:
    """Send the whole announcement once, from a ledger in which nothing of it was sent."""
    rewind(home)
    async with Daemon(home) as daemon:
        await asyncio.sleep(0.5 if warm else 0)
        before = cpu_seconds(daemon.process.pid)
        await command(home, "outbox", "go")
        await _until(home, "SELECT count(*) FROM outbox WHERE state = 'sent'", readers)
        cpu = cpu_seconds(daemon.process.pid) - before
        peak = peak_mib(daemon.process.pid)
        await command(home, "outbox", "stop")
        await daemon.stop()
    ((first, last),) = home.rows("SELECT min(leased_at), max(settled_at) FROM outbox")
    seconds = (int(str(last)) - int(str(first))) / 1000
    return Run(rate=readers / seconds, cpu_us=cpu / readers * 1e6, peak_mib=peak)


def clear(home: Home) -> None:
    """Remove the home."""
    shutil.rmtree(home.folder, ignore_errors=True)


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used so far, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    """The most memory that a process has held."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _put_readers(home: Home, readers: int) -> None:
    now = int(time.time() * 1000) - 86_400_000
    connection = sqlite3.connect(home.folder / "mailer.db")
    with connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.executemany(
            "INSERT INTO subscriber (address_key, mailbox, created_at, updated_at)"
            " VALUES (?, ?, ?, ?)",
            (
                (f"reader{n}@example.net", f"reader{n}@example.net", now, now)
                for n in range(readers)
            ),
        )
        connection.execute(
            "INSERT INTO subscription (subscriber_id, series_id, state, generation, since,"
            " requested_at) SELECT id, 'copyright', 'active', 1, ?, ? FROM subscriber",
            (now, now),
        )
    connection.close()


def rewind(home: Home) -> None:
    """As if nothing of the announcement had been sent."""
    change(
        home,
        "UPDATE outbox SET state = 'queued', attempts = 0, doubts = 0, lease_owner = NULL,"
        " leased_at = NULL, settled_at = NULL, reply = '', reply_code = NULL, reason = ''"
        " WHERE state <> 'queued'",
    )


def change(home: Home, statement: str) -> None:
    """Change the database directly."""
    connection = sqlite3.connect(home.folder / "mailer.db", timeout=30)
    with connection:
        connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def command(home: Home, *words: str) -> None:
    """Run `mailer WORDS`; SystemExit if it fails."""
    code, _, said = await home.command(*words)
    if code != 0:
        raise SystemExit(f"mailer {' '.join(words)} ended with {code}: {said}")


async def _until(home: Home, count: str, wanted: int) -> None:
    """Wait until a count is reached; asked rarely, for whoever counts takes a processor away."""
    async with asyncio.timeout(60 + wanted / 200):
        while home.rows(count) != [(wanted,)]:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.5)
