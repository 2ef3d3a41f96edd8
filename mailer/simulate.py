"""Runs the real planner, renderer and ledger under a virtual clock, on a copy of the data.

Every mail that the rules produce between two instants lands in a Maildir with its virtual Date. The
original database is only read. The same input gives the same output.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from mailer.config.model import Database, Outbound, TransportKind
from mailer.dispatch.loop import Dispatch
from mailer.parts import Parts, make_transport, open_parts
from mailer.store import forecast, outbox
from mailer.store.copying import copy_all
from mailer.store.engine import open_store
from mailer.store.upgrade import make_ready
from scheduler.clock import VirtualClock

Act = Callable[[Parts], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happens in the simulated time: before the mails of its instant go out, or when
    so many of them have."""

    at: datetime
    act: Act
    after_mails: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """The service does not run from one instant to another; commands still change the data."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What people and machines do meanwhile."""

    steps: tuple[Step, ...] = ()
    outages: tuple[Outage, ...] = ()

    def is_out(self, now: datetime) -> bool:
        """Whether the service does not run."""
        return any(one.start <= now < one.end for one in self.outages)

    def next_after(self, now: datetime) -> tuple[datetime, ...]:
        """When something of it happens next."""
        ends = (one.end for one in self.outages)
        return tuple(at for at in (*(one.at for one in self.steps), *ends) if at > now)


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
    script: Script | None = None,
    progress: Callable[[datetime], None] = lambda _: None,
) -> tuple[Mail, ...]:
    """Every mail from ``start`` to ``until``, both included, in the order of going out; ``script``
    is what happens to the copy meanwhile."""
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
            await run(simulated, clock, until, script or Script(), progress)
            return await mails_of(simulated, maildir)


def _into(maildir: Path) -> Outbound:
    return Outbound(transport=TransportKind.MAILDIR, maildir=maildir, connections=1)


async def run(
    parts: Parts,
    clock: VirtualClock,
    until: datetime,
    script: Script,
    progress: Callable[[datetime], None] = lambda _: None,
) -> None:
    """Let the service work on opened data until then. What fell due before counts as done."""
    start = clock.now()
    await parts.planner.plan()
    await parts.store.write(lambda c: forecast.let_pass(c, before=start))
    transport = make_transport(parts.config.outbound, hostname="simulation")
    dispatch = parts.dispatch(transport, node="simulation", jitter=lambda: 0.0)
    while True:
        now = clock.now()
        progress(now)
        coming = list(script.next_after(now))
        coming += await _instant(parts, dispatch, script, now)
        upcoming = min((instant for instant in coming if instant > now), default=None)
        if upcoming is None or upcoming > until:
            return
        clock.advance_to(upcoming)


async def _instant(
    parts: Parts, dispatch: Dispatch, script: Script, now: datetime
) -> list[datetime]:
    """Everything that happens at one instant; when more is due."""
    steps = sorted((one for one in script.steps if one.at == now), key=_after_mails)
    sent = 0
    for step in steps:
        if step.after_mails and not script.is_out(now):
            await parts.planner.tick()
            sent += await dispatch.drain(step.after_mails - sent)
        await step.act(parts)
    if script.is_out(now):
        return []
    planned = await parts.planner.tick()
    await dispatch.drain()
    looked_after = await parts.rounds.go()
    await dispatch.drain()
    queued = await parts.store.read(outbox.next_due)
    return [instant for instant in (planned, looked_after, queued) if instant is not None]


_after_mails = attrgetter("after_mails")


async def mails_of(parts: Parts, maildir: Path) -> tuple[Mail, ...]:
    """Every mail that went out into a Maildir, in that order."""
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
