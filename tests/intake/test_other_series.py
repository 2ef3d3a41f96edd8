"""A token by mail acts at its own series' address and at no other (S12).

Each of our tokens is mailed to the address of a second series, with its purpose and everything else
right. Nothing changes there nor here; at the address it is for it acts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from mailer.files.announcement_md import of_fields
from mailer.intake import announcing, previewing
from mailer.intake.speaking import NOBODY
from mailer.message.address import Purpose
from mailer.message.facts import Speaker
from mailer.parts import Parts
from mailer.store import people
from mailer.store.schema import approval, outbox
from scheduler.clock import VirtualClock
from tests.dump import dump
from tests.world import (
    BOB,
    NOON,
    SERIES,
    letter,
    mail_in,
    opened,
    scheduled,
    subscribed,
)

THEIRS = replace(SERIES, id="patents", title="Patent Webinars", address="patents@lists.example.org")
WALL = datetime(2026, 11, 25, 13)  # noqa: DTZ001 - by the clock on the wall
EVE = Speaker(name="Eve", address="eve@example.com")
# What comes in is noted, and may be answered, whatever it does.
NOTED = frozenset({"inbound", "outbox", "answer_count"})
TRIES = {  # the word of an address, and what stands in the subject
    "unsubscribe": (Purpose.UNSUBSCRIBE, ""),
    "confirm": (Purpose.CONFIRM, ""),
    "register": (Purpose.REGISTER, ""),
    "skip": (Purpose.SKIP, ""),
    "preferences": (Purpose.PREFERENCES, "language fr"),
    "approve": (Purpose.APPROVE, ""),
    "drop": (Purpose.APPROVE, "drop"),
    "edit": (Purpose.APPROVE, "edit"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    """Two series, and in the first of them something for each token to act on."""

    parts: Parts
    clock: VirtualClock
    tokens: dict[str, str]

    async def mail(self, attempt: str, local: str) -> None:
        """One token to a series' address."""
        purpose, subject = TRIES[attempt]
        to = f"{local}+{purpose}-{self.tokens[attempt]}@lists.example.org"
        body = "Dear all, next week there is news." if attempt == "edit" else ""
        await mail_in(self.parts, letter("eve@example.net", to, subject, body), to)

    async def kept(self) -> object:
        return await dump(self.parts, but=NOTED)


@pytest_asyncio.fixture
async def furnished(tmp_path: Path) -> AsyncIterator[Furnished]:
    url = f"sqlite:///{tmp_path / 'mailer.db'}"
    async with opened(url, tmp_path, SERIES, THEIRS) as (parts, clock):
        yield Furnished(parts=parts, clock=clock, tokens=await made(parts))


async def made(parts: Parts) -> dict[str, str]:
    """A right token of the first series for each try."""
    webinar = await scheduled(parts, WALL, registration_url="")
    ana = await subscribed(parts)
    bob = await parts.store.write(
        lambda c: people.ask(c, series_id=SERIES.id, address=BOB, language=None, now=NOON)
    )
    about = {
        "unsubscribe": (ana.id, 0),
        "confirm": (bob.id, bob.generation),
        "register": (ana.id, webinar.id),
        "skip": (ana.id, webinar.id),
        "preferences": (ana.id, 0),
        **dict.fromkeys(("approve", "drop", "edit"), (await asked(parts), 0)),
    }
    return {
        name: parts.secrets.mint.mint(
            TRIES[name][0], subject=subject, context=context, day=NOON.date()
        )
        for name, (subject, context) in about.items()
    }


async def asked(parts: Parts) -> int:
    """What an organiser of both was asked about a text for the first."""
    text = of_fields({"subject": "News"}, "x", SERIES, now=NOON)

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        writer = SERIES.organisers[0]
        queued = await announcing.queue(context, text, writer=writer, approved=False)
        await previewing.preview(context, previewing.NOBODY, queued)
        return await connection.scalar(select(approval.c.id))

    return int(await parts.store.write(unit))


@pytest.mark.parametrize("attempt", TRIES)
async def test_a_token_acts_at_the_address_of_its_own_series_alone(
    furnished: Furnished, attempt: str
) -> None:
    before = await furnished.kept()
    await furnished.mail(attempt, "patents")
    assert await furnished.kept() == before
    await furnished.mail(attempt, "webinars")
    assert await furnished.kept() != before


async def test_a_speakers_token_is_for_one_series(furnished: Furnished) -> None:
    """It names a mail of theirs, and no subscription."""
    parts = furnished.parts
    webinar = await scheduled(parts, WALL, "eve", speakers=(EVE,))
    furnished.clock.advance_to(webinar.starts_at - timedelta(days=1))
    await parts.planner.tick()
    row = await parts.store.read(
        lambda c: c.scalar(select(outbox.c.id).where(outbox.c.recipient_key == EVE.address))
    )
    token = parts.secrets.mint.mint(
        Purpose.UNSUBSCRIBE, subject=NOBODY, context=row, day=furnished.clock.now().date()
    )
    said = []
    for local in ("patents", "webinars"):
        to = f"{local}+unsubscribe-{token}@lists.example.org"
        said.append((await mail_in(parts, letter("anybody@example.net", to), to)).word)
    assert said == ["unknown token", "speaker left"]
