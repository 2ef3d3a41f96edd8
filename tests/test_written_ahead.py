"""What organisers wrote, as the outlook, one person's dossier and a simulation see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from mailer.dossier import dossier
from mailer.files.announcement_md import Manuscript
from mailer.intake import announcing
from mailer.intake.halting import Act, halting
from mailer.outlook import outlook
from mailer.parts import Parts
from mailer.simulate import simulate
from scheduler.model import Audience
from tests.test_outlook import IN_TEN_DAYS
from tests.world import ANA, BOB, NOON, SERIES, opened, scheduled, subscribed

DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, _):
        await subscribed(parts)
        await subscribed(parts, BOB)
        yield parts


async def write(parts: Parts, subject: str, *, approved: bool = True, **more: object) -> int:
    text = Manuscript(subject=subject, body="Dear all", at=NOON + DAY, **more)  # type: ignore[arg-type]

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        return await announcing.queue(context, text, writer="", approved=approved)

    return int((await parts.store.write(unit)).item.id)


async def test_it_is_foreseen_until_it_is_paused(parts: Parts) -> None:
    await write(parts, "News")
    await write(parts, "Waits", approved=False)
    found = await outlook(parts, start=None, until=None)
    assert [(one.at, one.kind, one.recipients, one.void_if) for one in found] == [
        (
            NOON + DAY,
            "message",
            2,
            "an organiser cancels it, or the webinar that it is about changes",
        ),
        (NOON + DAY, "message", 2, "nobody approves it"),
    ]
    await halting(parts.store, 1, Act.PAUSE, who="ada@example.org", now=NOON)
    await halting(parts.store, 2, Act.CANCEL, who="ada@example.org", now=NOON)
    assert await outlook(parts, start=None, until=None) == ()


async def test_a_notice_that_is_held_back_is_not_foreseen(parts: Parts) -> None:
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.plan()
    before = await outlook(parts, start=None, until=None)
    await halting(parts.store, 2, Act.CANCEL, who="ada@example.org", now=NOON)
    after = await outlook(parts, start=None, until=None)
    assert len(after) == len(before) - 1
    found = await dossier(parts, ANA)
    assert "an organiser paused or cancelled it" in [one.why for one in found.not_next]


async def test_who_gets_it_next_learns_it(parts: Parts) -> None:
    await scheduled(parts, IN_TEN_DAYS)
    await write(parts, "News")
    await write(parts, "Few", webinar="capasso", audience=Audience.REGISTERED)
    found = await dossier(parts, ANA)
    coming = [(one.at, one.kind, one.webinar) for one in found.next]
    assert (NOON + DAY, "message", None) in coming
    assert (NOON + DAY, "message", "capasso") not in coming


async def test_a_simulation_sends_what_is_planned_and_not_what_waits(
    parts: Parts, tmp_path: Path
) -> None:
    await write(parts, "News")
    await write(parts, "Waits", approved=False)
    mails = await simulate(parts, start=NOON, until=NOON + 2 * DAY, maildir=tmp_path / "simulated")
    assert [(one.at, one.kind, one.subject, one.to) for one in mails if one.kind != "report"] == [
        (NOON + DAY, "message", "News", ANA.mailbox),
        (NOON + DAY, "message", "News", BOB.mailbox),
    ]
