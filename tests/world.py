"""A small world for tests: a series, a virtual clock, an opened database, mails to send in.

Real parts throughout; only the clock is ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailer.config.model import Config, Database, Outbound, Series, TransportKind
from mailer.config.notices import DEFAULT_NOTICES
from mailer.intake.context import Outcome
from mailer.message.address import Address
from mailer.message.facts import Link
from mailer.parts import Parts, make_transport, open_parts
from mailer.store import people, programme
from mailer.store.engine import Connection, open_store
from mailer.store.people import Subscription
from mailer.store.programme import WebinarContent, WebinarRecord
from mailer.store.upgrade import make_ready
from scheduler.clock import VirtualClock
from scheduler.model import Status
from scheduler.recurrence import to_utc

NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
SERIES = Series(
    id="copyright",
    title="Copyright Infrastructure Webinars",
    address="webinars@lists.example.org",
    organisers=("organiser@example.org",),
    timezone="Europe/Zurich",
    notices=DEFAULT_NOTICES,
)
ANA = Address(key="ana@example.net", mailbox="ana@example.net")
BOB = Address(key="bob@example.com", mailbox="Bob@example.com")


def make_config(url: str, folder: Path, *series: Series) -> Config:
    """A configuration that writes its mails into ``folder/outbox``."""
    return Config(
        source=folder / "config.toml",
        series=series or (SERIES,),
        database=Database(url=url),
        outbound=Outbound(transport=TransportKind.MAILDIR, maildir=folder / "outbox"),
    )


_migrated: list[bytes] = []


async def make_sqlite(path: Path) -> None:
    """A SQLite file with today's schema: migrated once in a process, copied from then on."""
    if not _migrated:
        store = open_store(f"sqlite:///{path}")
        await make_ready(store, upgrade=True)
        await store.dispose()
        _migrated.append(path.read_bytes())
    path.write_bytes(_migrated[0])


@contextlib.asynccontextmanager
async def opened(
    url: str, folder: Path, *series: Series, at: datetime = NOON
) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    """An open database at a virtual instant."""
    clock = VirtualClock(at)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        await make_sqlite(Path(url.removeprefix("sqlite:///")))
    async with open_parts(make_config(url, folder, *series), clock, upgrade=True) as parts:
        yield parts, clock


def letter(
    author: str,
    to: str,
    subject: str = "",
    body: str = "",
    *fields: str,
    message_id: str | None = None,
) -> bytes:
    """A mail as a person's program writes it."""
    number = abs(hash((author, to, subject, body, fields)))
    lines = [
        f"From: {author}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Message-ID: {message_id or f'<{number}@example.net>'}",
        "Date: Thu, 01 Oct 2026 12:00:00 +0000",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        *fields,
        "",
        body,
        "",
    ]
    return "\r\n".join(lines).encode()


async def mail_in(
    parts: Parts, content: bytes, to: str = SERIES.address, *, sender: str | None = None
) -> Outcome:
    """Give one mail to the intake, as a listener does."""
    sender = "ana@example.net" if sender is None else sender
    mail = parts.intake.read(content, sender=sender)
    recipient = parts.intake.route(to)
    assert recipient is not None, f"{to} is refused at RCPT"
    return await parts.intake.take(mail, recipient, address=to, source="test")


async def send_all(parts: Parts) -> int:
    """Send everything that is due at this moment into the Maildir."""
    transport = make_transport(parts.config.outbound, hostname="test")
    dispatch = parts.dispatch(transport, node="test", jitter=lambda: 0.0)
    return await dispatch.drain()


async def subscribed(
    parts: Parts, address: Address = ANA, *, since: datetime | None = None
) -> Subscription:
    """Somebody who is subscribed already."""
    now = since or parts.clock.now()

    async def unit(connection):  # type: ignore[no-untyped-def]
        asked = await people.ask(
            connection, series_id=SERIES.id, address=address, language=None, now=now
        )
        await people.activate(connection, asked.id, now=now)
        return await people.by_id(connection, asked.id)

    found = await parts.store.write(unit)
    assert found is not None
    return found


def content(wall: datetime, title: str = "CAPASSO", **more: object) -> WebinarContent:
    """A webinar of one hour at a wall-clock time in Zurich."""
    starts = to_utc(wall, SERIES.timezone)
    made = WebinarContent(
        title=title,
        abstract="What it is about.",
        language="en",
        wall_start=wall,
        zone=SERIES.timezone,
        starts_at=starts,
        ends_at=starts + timedelta(hours=1),
        registration_url="https://webinars.example.org/register",
    )
    return replace(made, **more)  # type: ignore[arg-type]


async def scheduled(
    parts: Parts, wall: datetime, slug: str = "capasso", **more: object
) -> WebinarRecord:
    """A webinar that is in the programme from this moment on."""
    return await parts.store.write(
        lambda c: programme.add(
            c,
            series_id=SERIES.id,
            slug=slug,
            content=content(wall, **more),
            draft=False,
            now=parts.clock.now(),
        )
    )


async def revise(
    connection: Connection,
    record: WebinarRecord,
    *,
    now: datetime,
    content: WebinarContent | None = None,
    status: Status | None = None,
    materials: tuple[Link, ...] | None = None,
    reason: str | None = None,
) -> WebinarRecord:
    """Store a change of one webinar."""
    change = programme.Revision(
        record=record, content=content, status=status, materials=materials, reason=reason
    )
    (changed,) = await programme.revise_all(connection, (change,), now=now)
    return changed
