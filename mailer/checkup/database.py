"""The database: opens, has this schema, is whole, can be written, has room, and agrees on the time.

The one thing it writes is the time of this examination, under a name of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from mailer.checkup.finding import Finding, fault, note, ok
from mailer.config.model import Config, TransportKind
from mailer.errors import MailerError, StoreUnavailable
from mailer.store import condition, journal, setting
from mailer.store.engine import Store, open_store
from mailer.store.upgrade import HEAD, make_ready
from mailer.web import probes
from scheduler.clock import Clock

EXAMINED = "check.at"
DRIFT = timedelta(seconds=5)
_MIB = 1_048_576


async def database(config: Config, clock: Clock) -> AsyncIterator[Finding]:
    """Everything about the configured database, as it is found."""
    try:
        store = open_store(config.database.url, password=config.database.password)
    except (MailerError, OSError) as error:
        yield _closed(config, error)
        return
    try:
        await make_ready(store, upgrade=False)
        yield ok("database", _place(store), f"opens, schema {HEAD}")
        yield await integrity(store)
        yield await writable(store, clock)
        yield await time_of_day(store, clock)
        yield await moving(store, clock)
        for finding in await kept_aside(store):
            yield finding
    except (MailerError, OSError) as error:
        yield _closed(config, error)
    finally:
        await store.dispose()


def _closed(config: Config, error: Exception) -> Finding:
    return fault(
        "database",
        config.database.url,
        str(error).splitlines()[0],
        expected=f"a database of schema {HEAD} that this user may write",
        advice="mend what is named here, or put a backup in place with `mailer db restore FILE`",
    )


def _place(store: Store) -> str:
    return str(store.sqlite_path or store.url.render_as_string(hide_password=True))


async def integrity(store: Store) -> Finding:
    """Whether SQLite's file is whole."""
    broken = await store.read(condition.damage)
    if broken is None:
        return ok("integrity", _place(store), "whole")
    return fault(
        "integrity",
        _place(store),
        broken,
        expected="ok from PRAGMA quick_check",
        advice="stop the daemon, keep a copy of the file, and `mailer db restore` the last backup",
    )


async def writable(store: Store, clock: Clock) -> Finding:
    """Whether a transaction is committed."""
    try:
        await store.write(lambda c: setting.put(c, EXAMINED, clock.now().isoformat()))
    except StoreUnavailable as error:
        return fault(
            "writing",
            _place(store),
            str(error),
            expected="a commit",
            advice="see who holds the lock, whether the disk is full or mounted read-only",
        )
    return ok("writing", _place(store), "commits")


async def kept_aside(store: Store) -> tuple[Finding, ...]:
    """Whether mails came in that could not be processed; no finding if there are none."""
    found = await store.read(journal.kept_aside)
    if not found:
        return ()
    entries = ", ".join(f"{one.entry_id} of {one.received_at:%Y-%m-%d %H:%M}" for one in found[:5])
    return (
        fault(
            "incoming",
            _place(store),
            f"{len(found)} mails could not be processed and are kept aside: {entries}",
            expected="every mail processed",
            advice="tell us what the log says under mail.failed; `mailer quarantine` shows and "
            f"retries them, the first of these until {found[0].until:%Y-%m-%d}",
        ),
    )


async def time_of_day(store: Store, clock: Clock) -> Finding:
    """Whether the clock can be right: set at all, not behind what is noted, as the server's."""
    now = clock.now()
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    advice = "set the clock, and keep it by NTP"
    can_be = await store.read(lambda c: probes.clock(c, now))
    asked = clock.now()
    server = await store.read(condition.server_time)
    if not can_be.holds:
        return fault(
            "clock",
            "this machine",
            can_be.said,
            expected="the present, never behind what is noted",
            advice=advice,
        )
    if server is not None and not asked - DRIFT <= server <= clock.now() + DRIFT:
        return note(
            "clock",
            "this machine",
            f"{shown}, while the database server has {server:%H:%M:%S}",
            expected=f"the same to {DRIFT.total_seconds():.0f} s",
            advice=advice,
        )
    return ok("clock", "this machine", shown)


async def moving(store: Store, clock: Clock) -> Finding:
    """Whether what should leave at once does leave."""
    found = await store.read(lambda c: probes.dispatch(c, clock.now()))
    if found.holds:
        return ok("dispatch", "outbox", found.said)
    return fault(
        "dispatch",
        "outbox",
        found.said,
        expected="a few seconds at most",
        advice="start `mailer serve`, or look at its log; `mailer outbox` says what waits",
    )


def room(config: Config) -> tuple[Finding, ...]:
    """Whether the disks that are written to have room for two mails of the largest size (F5)."""
    scheme, _, path = config.database.url.partition(":///")
    places = {Path(path).parent} if scheme == "sqlite" else set()
    if config.outbound.transport is TransportKind.MAILDIR:
        places.add(config.outbound.maildir)
    least = 2 * config.inbound.max_message_bytes
    return tuple(_room(place, least) for place in sorted(places))


def _room(place: Path, least: int) -> Finding:
    there = next(one for one in (place, *place.parents) if one.exists())
    free = shutil.disk_usage(there).free
    found = f"{free // _MIB} MiB free"
    if free >= least:
        return ok("disk", str(place), found)
    return fault(
        "disk",
        str(place),
        found,
        expected=f"at least {least // _MIB} MiB, twice inbound.max_message_bytes",
        advice="make room; until then senders are told to try again later",
    )
