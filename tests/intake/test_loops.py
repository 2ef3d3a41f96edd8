"""Machines that answer each other: our mails come back, a bot answers whatever we send (S4)."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage

from mailer.parts import Parts
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, templates
from tests.world import SERIES, letter, mail_in, scheduled, send_all, subscribed

TO = SERIES.address
SOON = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock


async def test_every_mail_of_ours_is_a_machines_mail_when_it_comes_back(parts: Parts) -> None:
    await mail_in(parts, letter("eve@example.com", TO, "subscribe"))
    await subscribed(parts)
    await scheduled(parts, SOON)
    await parts.planner.tick()
    await send_all(parts)
    for subject in ("help", "status", "programme", "language fr", "register 1", "unsubscribe"):
        await mail_in(parts, letter("ana@example.net", TO, subject))
    await send_all(parts)
    sent = mails(parts.config.outbound.maildir)
    assert len(sent) == 8
    outcomes = [await bounced_back(parts, mail) for mail in sent]
    assert [word for word in outcomes if not word.startswith("ignored: ")] == []
    assert len(await templates(parts)) == 8


async def bounced_back(parts: Parts, mail: EmailMessage) -> str:
    """Deliver a mail of ours to our own address, as a forwarding loop would."""
    sender = str(mail["X-Envelope-From"]).strip("<>")
    del mail["X-Envelope-From"], mail["X-Envelope-To"]
    return (await mail_in(parts, mail.as_bytes(), sender=sender)).word


async def test_a_bot_that_hides_what_it_is_gets_ten_answers_a_day_and_then_silence(
    parts: Parts, clock: VirtualClock
) -> None:
    await mail_in(parts, letter("bot@example.net", TO, "help"))
    answered = 0
    while True:
        await send_all(parts)
        sent = mails(parts.config.outbound.maildir)
        if len(sent) == answered:
            break
        answered = len(sent)
        await mail_in(parts, letter("bot@example.net", TO, "help", f"You wrote {answered} times."))
    assert answered == parts.config.limits.answers_per_address_per_day
