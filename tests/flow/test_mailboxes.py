"""The whole way with nothing but a mailbox: a subscriber's from the first mail to the last, an
organiser's from a text to the report on it. Each answers the mails they get, as programs do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from itertools import count
from pathlib import Path

import pytest_asyncio

from mailer.parts import Parts
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, text
from tests.world import ANA, BOB, SERIES, letter, mail_in, opened, scheduled, send_all, subscribed

WALL = datetime(2026, 10, 20, 13, 0)  # noqa: DTZ001 - wall clock, 11:00 UTC
ROOM = "https://meet.example.org/capasso"
ADA = SERIES.organisers[0]
ANNOUNCE = "webinars+announce@lists.example.org"
_numbers = count(1)


@pytest_asyncio.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    series = replace(SERIES, imprint="The organisers, Geneva")
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, series) as (parts, _):
        yield parts


def flat(mail: EmailMessage) -> str:
    """Its text with every line joined."""
    return " ".join(text(mail).split())


@dataclass
class Person:
    """Somebody with a mail program. ``inbox`` is what they have, oldest first."""

    parts: Parts
    address: str
    inbox: list[EmailMessage] = field(default_factory=list)

    async def write(self, to: str, subject: str = "", body: str = "", *fields: str) -> str:
        """Send a mail and get what comes of it; the subject of the last mail in the inbox then."""
        content = letter(
            self.address,
            to,
            subject,
            body.replace("\n", "\r\n"),
            *fields,
            message_id=f"<{next(_numbers)}@example.net>",
        )
        await mail_in(self.parts, content, to, sender=self.address)
        return await self.wait()

    async def answer(self, body: str = "") -> str:
        """Reply to the last mail: to whom it says, with its text below."""
        last = self.inbox[-1]
        quoted = "\n".join(f"> {line}" for line in text(last).splitlines())
        return await self.write(
            parseaddr(str(last["Reply-To"] or last["From"]))[1],
            f"Re: {last['Subject']}",
            f"{body}\n\nOn Thu, 1 Oct 2026, {last['From']} wrote:\n{quoted}",
            f"In-Reply-To: {last['Message-ID']}",
        )

    async def wait(self, hours: float = 0) -> str:
        """Let time pass and everything go out; the subject of the last mail in the inbox."""
        clock = self.parts.clock
        assert isinstance(clock, VirtualClock)
        clock.advance_to(clock.now() + timedelta(hours=hours))
        await self.parts.planner.tick()
        await self.parts.rounds.go()
        await send_all(self.parts)
        all_mails = mails(self.parts.config.outbound.maildir)
        self.inbox = [mail for mail in all_mails if mail["To"] == self.address]
        return str(self.inbox[-1]["Subject"]) if self.inbox else ""


async def test_a_subscriber_needs_nothing_but_a_mailbox(parts: Parts) -> None:
    await scheduled(parts, WALL, registration_url="", join_url=ROOM)
    ana = Person(parts, ANA.mailbox)
    assert await ana.write(SERIES.address) == f"Please confirm: {SERIES.title}"
    assert await ana.answer() == f"Welcome to {SERIES.title}"
    assert "“register 1”" in flat(ana.inbox[-1])

    assert await ana.answer("register 1") == "register 1"  # are you sure?
    assert await ana.answer() == "You are registered: CAPASSO"
    assert ROOM in text(ana.inbox[-1])
    assert await ana.write(SERIES.address, "skip 1") == "skip 1"
    assert await ana.answer() == "You are not coming: CAPASSO"
    assert await ana.write(SERIES.address, "language fr") == "language fr"
    assert await ana.answer() == "Votre langue est réglée"
    assert await ana.write(SERIES.address, "", "pause 2026-10-12") == "pause 2026-10-12"
    assert await ana.answer() == "Une pause jusqu’au 12 octobre 2026"
    assert await ana.write(SERIES.address, "reprendre") == "resume"
    assert await ana.answer() == "Votre pause est terminée"

    assert await ana.write(SERIES.address, "leave") == f"You have left {SERIES.title}"
    (again,) = [line for line in text(ana.inbox[-1]).splitlines() if "+confirm-" in line]
    assert await ana.write(again.strip()) == f"Bienvenue à {SERIES.title}"


async def test_a_question_reaches_the_organisers_and_their_reply_the_author(parts: Parts) -> None:
    await subscribed(parts)
    ana, ada = Person(parts, ANA.mailbox), Person(parts, ADA)
    await ana.write(SERIES.address, "The slides", "Hello,\n\nwhere are the slides?\n\n-- \nAna")
    assert await ada.wait() == "Message: The slides"
    passed_on = ada.inbox[-1]
    assert "\n> Hello,\n>\n> where are the slides?\n\n" in text(passed_on).replace("\r\n", "\n")
    assert passed_on["Reply-To"] == ANA.mailbox
    (attached,) = passed_on.iter_attachments()
    assert attached.get_filename() == "message.eml"


async def test_an_organiser_needs_nothing_but_a_mailbox(parts: Parts) -> None:
    await subscribed(parts)
    await subscribed(parts, BOB)
    ada, ana = Person(parts, ADA), Person(parts, ANA.mailbox)
    assert await ada.write(ANNOUNCE) == "Your announcement could not be taken"
    assert "text: found nothing, expected what the announcement says" in flat(ada.inbox[-1])

    body = "Dear all,\n\nthe slides are **online**.\n\n-- \nAda"
    assert await ada.write(ANNOUNCE, "The slides", body) == "Please approve: The slides"
    assert "Recipients: 2 now" in flat(ada.inbox[-1])
    assert await ana.wait() == ""
    assert await ada.answer("ok") == "Approved: The slides"
    assert "Goes out: now" in flat(ada.inbox[-1])
    assert await ana.wait() == "The slides"
    assert (
        text(ana.inbox[-1])
        .replace("\r\n", "\n")
        .startswith("Dear all,\n\nthe slides are online.\n\n-- \n")
    )
    assert await ada.answer("drop") == "Not changed: The slides"

    assert await ada.wait(hours=2) == "Delivered: The slides"
    assert "Message: The slides" in flat(ada.inbox[-1])
    assert "- Recipients: 2 - Sent: 2 - Came back: 0 - Not accepted: 0" in flat(ada.inbox[-1])
    unsubscribe = {mail["Subject"]: mail["List-Unsubscribe"] for mail in ada.inbox}
    assert set(unsubscribe.values()) == {None}
