"""Runs the real planner, renderer and ledger under a virtual clock, on a copy of the data.

Every mail that the rules produce between two instants lands in a Maildir with its virtual Date. The
original database is only read. The same input gives the same output.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mailer.config.model import Database, Outbound, TransportKind
from mailer.parts import Parts, make_transport, open_parts
from mailer.store import forecast, outbox
from mailer.store.copying import copy_all
from mailer.store.engine import open_store
from mailer.store.upgrade import make_ready
from scheduler.clock import VirtualClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One simulated mail. ``file`` is its path below the Maildir."""

    at: datetime
    series: str
    kind: str
    webinar: str | None
    audience: str | None
    to: str
    subject: str
    file: str


async def simulate(
    parts: Parts,
    *,
    start: datetime,
    until: datetime,
    maildir: Path,
    progress: Callable[[datetime], None] = lambda _: None,
) -> tuple[Mail, ...]:
    """Every mail from ``start`` to ``until``, both included, in the order of going out."""
    with TemporaryDirectory(prefix="simulation-") as folder:
        database = Database(url=f"sqlite:///{folder}/copy.db")
        copy = open_store(database.url)
        try:
            await make_ready(copy, upgrade=False)
            await copy_all(parts.store, copy)
            await copy.write(forecast.set_aside)
        finally:
            await copy.dispose()
        config = replace(parts.config, database=database, outbound=_into(maildir))
        clock = VirtualClock(start)
        async with open_parts(config, clock) as simulated:
            await _run(simulated, clock, until, progress)
            return await _mails(simulated, maildir)


def _into(maildir: Path) -> Outbound:
    return Outbound(transport=TransportKind.MAILDIR, maildir=maildir, connections=1)


async def _run(
    parts: Parts, clock: VirtualClock, until: datetime, progress: Callable[[datetime], None]
) -> None:
    start = clock.now()
    await parts.planner.plan()
    await parts.store.write(lambda c: forecast.let_pass(c, before=start))
    transport = make_transport(parts.config.outbound, hostname="simulation")
    dispatch = parts.dispatch(transport, node="simulation", jitter=lambda: 0.0)
    while True:
        progress(clock.now())
        planned = await parts.planner.tick()
        await dispatch.drain()
        queued = await parts.store.read(outbox.next_due)
        coming = [instant for instant in (planned, queued) if instant is not None]
        upcoming = min((instant for instant in coming if instant > clock.now()), default=None)
        if upcoming is None or upcoming > until:
            return
        clock.advance_to(upcoming)


async def _mails(parts: Parts, maildir: Path) -> tuple[Mail, ...]:
    rows = await parts.store.read(forecast.sent)
    return tuple(
        Mail(
            at=row.at,
            series=row.series,
            kind=row.kind,
            webinar=row.webinar,
            audience=row.audience,
            to=row.to,
            subject=_subject(maildir / "new" / row.file),
            file=f"new/{row.file}",
        )
        for row in rows
    )


def _subject(path: Path) -> str:
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    return str(message["Subject"])
