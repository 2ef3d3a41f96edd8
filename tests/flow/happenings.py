"""What can happen in a simulated year, as acts of a script; and what a mail says of a webinar."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import icalendar

from mailer.files.draft import WebinarDraft
from mailer.files.people_csv import PersonRow
from mailer.intake import editing
from mailer.message.address import Address, Purpose
from mailer.parts import Parts
from mailer.store import people, programme
from mailer.store.engine import Connection
from mailer.store.staging import Terms
from tests.world import SERIES, letter, mail_in

Act = Callable[[Parts], Awaitable[None]]


def wall(text: str) -> datetime:
    """A wall clock such as 2026-11-25T13:00."""
    return datetime.fromisoformat(text)


def drafted(slug: str, given: Iterable[str], fields: Mapping[str, object]) -> WebinarDraft:
    """A webinar as an organiser writes it."""
    return WebinarDraft(
        **{  # type: ignore[arg-type]
            "id": slug,
            "title": slug.capitalize(),
            "wall_start": wall("2026-01-01T13:00"),
            "duration": timedelta(hours=1),
            "language": "en",
            "join_url": f"https://meet.example.org/{slug}",
            "given": frozenset(given),
            **fields,
        }
    )


def added(slug: str, start: str) -> Act:
    """A webinar comes into the programme."""

    async def act(parts: Parts) -> None:
        draft = drafted(slug, ("id", "duration", "join_url"), {"wall_start": wall(start)})
        now = parts.clock.now()
        await parts.store.write(lambda c: editing.add(c, SERIES, draft, now=now))

    return act


def edited(slug: str, *given: str, notify: bool = False, **fields: object) -> Act:
    """The given fields of a webinar are edited."""

    async def act(parts: Parts) -> None:
        draft, now = drafted(slug, given, fields), parts.clock.now()
        await parts.store.write(
            lambda c: editing.edit(c, SERIES, slug, draft, given, notify=notify, now=now)
        )

    return act


def moved(slug: str, start: str) -> Act:
    """A webinar gets another time."""
    return edited(slug, "starts", wall_start=wall(start))


def cancelled(slug: str, reason: str = "") -> Act:
    """A webinar is called off."""

    async def act(parts: Parts) -> None:
        now = parts.clock.now()
        await parts.store.write(
            lambda c: editing.cancel(c, SERIES, slug, reason=reason or None, now=now)
        )

    return act


def revived(slug: str) -> Act:
    """It takes place after all."""

    async def act(parts: Parts) -> None:
        now = parts.clock.now()
        await parts.store.write(lambda c: editing.publish(c, SERIES, slug, now=now))

    return act


def joined(address: Address, *, welcome: bool = False) -> Act:
    """Somebody is subscribed from now on, greeted or not."""

    async def act(parts: Parts) -> None:
        terms = Terms(confirmed=True, evidence="on paper", welcome=welcome)
        await parts.enrolling.add(SERIES, PersonRow(address=address), terms)

    return act


def left(address: Address) -> Act:
    """Somebody unsubscribes by mail."""

    async def act(parts: Parts) -> None:
        to = "webinars+unsubscribe@lists.example.org"
        await mail_in(parts, letter(address.mailbox, to, str(parts.clock.now())), to)

    return act


def chose(address: Address, slug: str, purpose: Purpose) -> Act:
    """Somebody registers (or skips), by the address in their mail."""

    async def act(parts: Parts) -> None:
        async def unit(connection: Connection) -> tuple[int, int]:
            found = await people.find(connection, SERIES.id, address.key)
            record = await programme.find(connection, SERIES.id, slug)
            assert found is not None
            assert record is not None
            return found.id, record.id

        subject, context = await parts.store.read(unit)
        day = parts.clock.now().date()
        token = parts.secrets.mint.mint(purpose, subject=subject, context=context, day=day)
        to = f"webinars+{purpose.value}-{token}@lists.example.org"
        await mail_in(parts, letter(address.mailbox, to, str(parts.clock.now())), to)

    return act


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a mail's calendar file says of its webinar."""

    uid: str
    method: str
    sequence: int
    starts_at: datetime
    cancelled: bool
    attendee: str


def read(file: Path) -> EmailMessage:
    """A mail of a Maildir."""
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def entry(message: EmailMessage) -> Entry | None:
    """The calendar file of a mail, None without one."""
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            top = icalendar.Calendar.from_ical(content)
            [event] = top.walk("VEVENT")
            assert top["METHOD"] == part.get_param("method")
            return Entry(
                uid=str(event["UID"]),
                method=str(top["METHOD"]),
                sequence=int(str(event["SEQUENCE"])),
                starts_at=event.decoded("DTSTART").astimezone(UTC),
                cancelled=str(event["STATUS"]) == "CANCELLED",
                attendee=str(event.get("ATTENDEE", "")).removeprefix("mailto:"),
            )
    return None
