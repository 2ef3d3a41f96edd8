"""Invitations to registered people, and what their calendar programs answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.config.model import Inbound
from mailer.message.address import Address
from mailer.parts import Parts, open_parts
from mailer.store import registration
from mailer.store.people import Subscription
from mailer.store.programme import WebinarRecord
from mailer.store.registration import State as Choice
from scheduler.clock import VirtualClock
from tests.flow.happenings import Entry, entry
from tests.outbox_reader import mails, queued
from tests.world import (
    ANA,
    BOB,
    SERIES,
    content,
    letter,
    mail_in,
    make_config,
    revise,
    scheduled,
    send_all,
    subscribed,
)
from tests.world import NOON as NOW

MX = "mx.example.org"
PASS = f"Authentication-Results: {MX}; dmarc=pass header.from=example.net"
START = datetime(2026, 10, 20, 13, 0)  # noqa: DTZ001 - wall clock
HERE = {"registration_url": "", "join_url": "https://meet.example.org/1"}


@pytest_asyncio.fixture
async def parts(migrated_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    config = replace(make_config(migrated_url, tmp_path), inbound=Inbound(authserv_id=MX))
    async with open_parts(config, VirtualClock(NOW)) as parts:
        yield parts


def answered(
    webinar: WebinarRecord,
    partstat: str,
    *,
    sequence: int = 0,
    attendee: Address = ANA,
    proof: str = PASS,
) -> bytes:
    """A mail as a calendar program sends it, for Ana."""
    lines = [
        "BEGIN:VCALENDAR",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        f"UID:{webinar.uid}",
        f"SEQUENCE:{sequence}",
        f"ATTENDEE;PARTSTAT={partstat}:mailto:{attendee.mailbox}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    mail = letter(ANA.mailbox, SERIES.address, f"{partstat}: Webinar", "\r\n".join(lines))
    head = f"{proof}\r\n" if proof else ""
    return head.encode() + mail.replace(b"text/plain", b"text/calendar; method=REPLY")


async def choice(parts: Parts, who: Subscription, webinar: WebinarRecord) -> Choice | None:
    return await parts.store.read(lambda c: registration.of(c, who.subscriber_id, webinar.id))


@pytest.mark.parametrize(
    ("partstat", "said"),
    [
        ("ACCEPTED", Choice.REGISTERED),
        ("TENTATIVE", Choice.REGISTERED),
        ("DECLINED", Choice.DECLINED),
    ],
)
async def test_an_answer_is_noted_and_never_answered(
    parts: Parts, partstat: str, said: Choice
) -> None:
    ana, webinar = await subscribed(parts), await scheduled(parts, START, **HERE)
    outcome = await mail_in(parts, answered(webinar, partstat))
    assert (outcome.word, outcome.subscription_id) == (said, ana.id)
    assert await choice(parts, ana, webinar) is said
    assert await queued(parts) == []


@pytest.mark.parametrize(
    ("proof", "word"),
    [
        ("", "not proven"),
        (f"Authentication-Results: {MX}; dmarc=fail", "ignored: authentication"),
        ("Authentication-Results: mx.example.com; dmarc=pass", "not proven"),
    ],
)
async def test_an_answer_that_proves_nothing_changes_nothing(
    parts: Parts, proof: str, word: str
) -> None:
    ana, webinar = await subscribed(parts), await scheduled(parts, START, **HERE)
    outcome = await mail_in(parts, answered(webinar, "DECLINED", proof=proof))
    assert outcome.word == word
    assert await choice(parts, ana, webinar) is None
    assert await queued(parts) == []


async def test_nobody_answers_for_somebody_else(parts: Parts) -> None:
    ana, bob = await subscribed(parts), await subscribed(parts, BOB)
    webinar = await scheduled(parts, START, **HERE)
    outcome = await mail_in(parts, answered(webinar, "DECLINED", attendee=BOB))
    assert outcome.word == "not proven"
    assert [await choice(parts, one, webinar) for one in (ana, bob)] == [None, None]


async def test_a_stranger_is_not_subscribed_by_it(parts: Parts) -> None:
    webinar = await scheduled(parts, START, **HERE)
    assert (await mail_in(parts, answered(webinar, "ACCEPTED"))).word == "not subscribed"
    assert await queued(parts) == []


async def test_an_answer_to_an_older_version_says_nothing_of_this_one(parts: Parts) -> None:
    ana, webinar = await subscribed(parts), await scheduled(parts, START, **HERE)
    later = content(START + timedelta(days=1), **HERE)
    await parts.store.write(lambda c: revise(c, webinar, content=later, now=NOW))
    assert (await mail_in(parts, answered(webinar, "DECLINED"))).word == "outdated"
    assert (await mail_in(parts, answered(webinar, "DECLINED", sequence=1))).word == "declined"
    assert await choice(parts, ana, webinar) is Choice.DECLINED


async def test_who_registers_elsewhere_is_not_registered_here(parts: Parts) -> None:
    ana, webinar = await subscribed(parts), await scheduled(parts, START)
    outcome = await mail_in(parts, answered(webinar, "ACCEPTED"))
    assert (outcome.word, await choice(parts, ana, webinar)) == ("registration elsewhere", None)


async def entries(parts: Parts) -> list[Entry | None]:
    await send_all(parts)
    return [entry(message) for message in mails(parts.config.outbound.maildir)]


async def test_registering_brings_an_invitation_and_skipping_takes_it_back(parts: Parts) -> None:
    await subscribed(parts)
    webinar = await scheduled(parts, START, **HERE)
    for number, word in enumerate(("register 1", "skip 1", "register 1")):
        parts.clock.advance_to(NOW + timedelta(hours=number))  # type: ignore[attr-defined]
        said = letter(ANA.mailbox, SERIES.address, word, "", f"X-Number: {number}")
        unlike = said.replace(b"Date: Thu, 01 Oct 2026 12", b"Date: Thu, 01 Oct 2026 1%d" % number)
        await mail_in(parts, PASS.encode() + b"\r\n" + unlike)
    found = await entries(parts)
    assert found == [
        Entry(
            uid=webinar.uid,
            method=method,
            sequence=0,
            starts_at=webinar.starts_at,
            cancelled=method == "CANCEL",
            attendee=ANA.mailbox,
        )
        for method in ("REQUEST", "CANCEL", "REQUEST")
    ]
    stamps = [_stamp(message) for message in mails(parts.config.outbound.maildir)]
    assert stamps == sorted(set(stamps))


def _stamp(message: object) -> str:
    for part in message.walk():  # type: ignore[attr-defined]
        if part.get_content_type() == "text/calendar":
            lines = part.get_payload(decode=True).decode().splitlines()
            return next(line for line in lines if line.startswith("DTSTAMP"))
    raise AssertionError


async def test_who_had_no_place_loses_none(parts: Parts) -> None:
    await subscribed(parts)
    await scheduled(parts, START, **HERE)
    skip = PASS.encode() + b"\r\n" + letter(ANA.mailbox, SERIES.address, "skip 1")
    await mail_in(parts, skip)
    assert await entries(parts) == [None]
