"""Whether the service does what it is there for: asked by `/readyz`, and by `mailer check`.

Each probe is one look at the database and says what it saw. None of them changes anything.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mailer.errors import StoreUnavailable
from mailer.store import backlog, condition, setting, trouble
from mailer.store.engine import Connection, Store
from mailer.store.outbox import Priority

ANSWER_SECONDS = 3.0  # for the database
STUCK_AFTER = timedelta(minutes=5)  # an answer goes out within seconds
AHEAD = timedelta(minutes=1)
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # a clock before that was never set
_AT_ONCE = (Priority.ANSWER, Priority.PERSONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one of them found."""

    name: str
    holds: bool
    said: str


async def probe_all(store: Store, now: datetime) -> tuple[Probe, ...]:
    """Database, dispatch, clock; the database first, and alone if it does not answer."""
    if store.fault is not None:
        return (Probe(name="database", holds=False, said=store.fault),)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await store.read(lambda c: _look(c, now))
    except (TimeoutError, StoreUnavailable) as error:
        return (Probe(name="database", holds=False, said=str(error) or "no answer in time"),)
    return (Probe(name="database", holds=True, said="answers"), *found)


async def _look(connection: Connection, now: datetime) -> tuple[Probe, ...]:
    return (await dispatch(connection, now), await clock(connection, now))


async def dispatch(connection: Connection, now: datetime) -> Probe:
    """Whether what should leave at once does leave."""
    if await setting.get(connection, setting.STOPPED) is not None:
        return Probe(name="dispatch", holds=True, said="stopped by `mailer outbox stop`")
    since = await backlog.oldest_due(connection, _AT_ONCE, now=now)
    if since is None or now - since < STUCK_AFTER:
        return Probe(name="dispatch", holds=True, said="moves")
    minutes = (now - since) // timedelta(minutes=1)
    said = f"a mail that should leave at once waits for {minutes} minutes"
    troubles = await trouble.troubles(connection, now=now)
    if troubles:
        said += f"; the mail server: {troubles[0].cause}"
    return Probe(name="dispatch", holds=False, said=said)


async def clock(connection: Connection, now: datetime) -> Probe:
    """Whether the clock can be right: set at all, and not behind what is noted as done."""
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < EARLIEST:
        return Probe(name="clock", holds=False, said=f"{shown}, which was long ago")
    newest = await condition.newest_instant(connection)
    if newest is not None and newest - now > AHEAD:
        noted = f"{newest:%Y-%m-%d %H:%M:%S} UTC that is noted in the database"
        return Probe(name="clock", holds=False, said=f"{shown}, before {noted}")
    return Probe(name="clock", holds=True, said=shown)
