"""`mailer explain`: what it says of a person, for people and for programs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.dossier import dossier, why_not
from mailer.message.address import Address
from mailer.store import people
from mailer.store.people import State, Subscription
from scheduler.model import Audience, Due, Kind
from tests.world import (
    ANA,
    NOON,
    letter,
    mail_in,
    make_sqlite,
    opened,
    scheduled,
    send_all,
    subscribed,
)

CONFIG = """
[outbound]
transport = "maildir"
[series.copyright]
title = "Talks"
address = "webinars@lists.example.org"
timezone = "Europe/Zurich"
"""
Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def live(tmp_path: Path, *, at: datetime) -> None:
    """Ana subscribes by mail and confirms; one webinar is on, ten days later."""

    async def story() -> None:
        async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, at=at) as (parts, _):
            wall = at.replace(tzinfo=None, hour=13, minute=0, second=0, microsecond=0)
            await scheduled(parts, wall + timedelta(days=10))
            await mail_in(parts, letter(ANA.mailbox, "webinars@lists.example.org", "subscribe"))
            await send_all(parts)
            (file,) = (parts.config.outbound.maildir / "new").iterdir()
            reply_to = next(
                line.removeprefix("Reply-To: ")
                for line in file.read_text("utf-8").splitlines()
                if line.startswith("Reply-To: ")
            )
            await mail_in(parts, letter(ANA.mailbox, reply_to, "Re: x"), reply_to)
            await send_all(parts)

    asyncio.run(story())


def test_of_a_stranger_nothing_is_known(mailer: Mailer) -> None:
    told = mailer("explain", "ana@example.net")
    assert (told.stdout, told.stderr) == ("Nothing is known about ana@example.net.\n", "")
    found = json.loads(mailer("explain", "ana@example.net", "--json").stdout)
    assert (found.pop("address"), found.pop("name")) == ("ana@example.net", "")
    assert not any(found.values())
    assert {"subscriptions", "registrations", "mails", "next"} < set(found)


def test_of_a_forgotten_person_only_that_they_are(mailer: Mailer) -> None:
    mailer("subscriber", "add", "ana@example.net")
    mailer("subscriber", "forget", "ana@example.net")
    told = mailer("explain", "ana@example.net").stdout
    assert told.startswith("Nothing is known about ana@example.net, kept out from everything since")
    assert told.endswith("because they asked to be forgotten.\n")
    (suppression,) = json.loads(mailer("explain", "ana@example.net", "--json").stdout)[
        "suppressions"
    ]
    assert suppression["reason"] == "forgotten"


def test_what_is_no_address_is_a_usage_error(mailer: Mailer) -> None:
    mailer("explain", "ana", code=2)


def test_the_whole_story_of_a_subscriber(mailer: Mailer, tmp_path: Path) -> None:
    live(tmp_path, at=datetime.now(UTC) - timedelta(minutes=5))
    found = json.loads(mailer("explain", "ana@example.net", "--json").stdout)
    assert list(found) == [
        "address",
        "name",
        "subscriptions",
        "registrations",
        "mails",
        "told",
        "next",
        "not_next",
        "suppressions",
        "received",
        "bounces",
    ]
    (subscription,) = found["subscriptions"]
    assert (subscription["series"], subscription["state"]) == ("copyright", "active")
    assert [one["act"] for one in subscription["consents"]] == ["asked", "confirmed"]
    assert [(one["kind"], one["state"]) for one in found["mails"]] == [
        ("confirmation", "sent"),
        ("welcome", "sent"),
    ]
    sent = {
        line.removeprefix("Message-ID: ").strip()
        for file in (tmp_path / "outbox" / "new").iterdir()
        for line in file.read_text("utf-8").splitlines()
        if line.startswith("Message-ID: ")
    }
    assert {one["message_id"] for one in found["mails"]} == sent
    assert [(one["kind"], one["webinar"]) for one in found["next"]] == [
        ("announcement", "capasso"),
        ("reminder", "capasso"),
    ]
    assert [(one["kind"], one["why"]) for one in found["not_next"]] == [
        ("reminder", "it is for registered people")
    ]
    assert [(one["command"], one["outcome"]) for one in found["received"]] == [
        ("Confirm", "confirmed"),
        ("Subscribe", "asked to confirm"),
    ]


def test_it_is_told_in_plain_sentences(mailer: Mailer, tmp_path: Path) -> None:
    live(tmp_path, at=datetime.now(UTC) - timedelta(minutes=5))
    told = mailer("explain", "ana@example.net").stdout
    for sentence in (
        "copyright: subscribed since ",
        "confirmation was taken by the mail server",
        "What comes next, as things stand:",
        "reminder of capasso: it is for registered people",
        "Confirm, confirmed",
    ):
        assert sentence in told


def test_a_late_subscriber_learns_what_they_missed(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, clock):
            await scheduled(parts, NOON.replace(tzinfo=None) + timedelta(days=7))
            await subscribed(parts, Address(key="bob@example.com", mailbox="bob@example.com"))
            await parts.planner.tick()
            clock.advance_to(NOON + timedelta(hours=1))
            await subscribed(parts)
            found = await dossier(parts, ANA)
            assert [(one.kind, one.why) for one in found.not_next] == [
                ("announcement", "they subscribed after it had been let go"),
                ("reminder", "it is for registered people"),
            ]
            assert [one.kind for one in found.next] == ["reminder"]
            bob = await dossier(parts, Address(key="bob@example.com", mailbox=""))
            assert [(one.kind, one.state) for one in bob.mails] == [("announcement", "queued")]
            assert [(one.at, one.kind, one.webinar) for one in bob.next] == [
                (NOON + timedelta(hours=1), "announcement", "capasso"),
                (NOON + timedelta(days=6, hours=-2), "reminder", "capasso"),
            ]

    asyncio.run(story())


def test_who_was_paused_when_a_mail_went_out_learns_why_it_did_not_come(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, clock):
            ana = await subscribed(parts)
            until = NOON + timedelta(hours=2)
            await parts.store.write(lambda c: people.pause(c, ana.id, until=until))
            await scheduled(parts, NOON.replace(tzinfo=None) + timedelta(days=7))
            await parts.planner.tick()
            clock.advance_to(NOON + timedelta(hours=3))
            found = await dossier(parts, ANA)
            assert [(one.kind, one.at, one.why) for one in found.not_next][:1] == [
                (
                    "announcement",
                    NOON,
                    "when it went out they were paused, or not in its audience",
                )
            ]
            assert [one.kind for one in found.next] == ["reminder"]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("audience", "choice", "since", "paused", "expected"),
    [
        (Audience.SUBSCRIBED, None, 0, None, None),
        (Audience.SUBSCRIBED, "registered", 0, None, None),
        (Audience.SUBSCRIBED, "declined", 0, None, "they said they do not come"),
        (Audience.REGISTERED, None, 0, None, "it is for registered people"),
        (Audience.REGISTERED, "registered", 0, None, None),
        (Audience.REGISTERED, "declined", 0, None, "it is for registered people"),
        (Audience.UNREGISTERED, None, 0, None, None),
        (Audience.UNREGISTERED, "declined", 0, None, "they said they do not come"),
        (
            Audience.UNREGISTERED,
            "registered",
            0,
            None,
            "it is for people who are not registered",
        ),
        (Audience.SUBSCRIBED, None, 1, None, None),
        (Audience.SUBSCRIBED, None, 2, None, "they subscribed after it had been let go"),
        (Audience.SUBSCRIBED, None, 0, 1, None),
        (Audience.SUBSCRIBED, None, 0, 2, "they paused until 2026-10-01 14:00 UTC"),
    ],
)
def test_why_somebody_does_not_get_a_mailing(
    audience: Audience, choice: str | None, since: int, paused: int | None, expected: str | None
) -> None:
    """Times are hours after noon; the mailing is let go at one."""
    released = NOON + timedelta(hours=1)
    due = Due(
        webinar_id=1,
        notice_id="n",
        kind=Kind.REMINDER,
        audience=audience,
        sequence=0,
        due_at=released,
        released_at=released,
        expires_at=released + timedelta(hours=1),
    )
    reader = Subscription(
        id=1,
        subscriber_id=1,
        series_id="copyright",
        address=ANA,
        name="",
        language=None,
        timezone=None,
        state=State.ACTIVE,
        generation=1,
        since=NOON + timedelta(hours=since),
        requested_at=NOON,
        confirmation_queued_at=None,
        ended_at=None,
        paused_until=None if paused is None else NOON + timedelta(hours=paused),
    )
    assert why_not(due, reader, choice, at=released) == expected


def test_a_queued_mail_of_no_webinar_comes_next_too(mailer: Mailer) -> None:
    mailer("subscriber", "add", "ana@example.net")
    found = json.loads(mailer("explain", "ana@example.net", "--json").stdout)
    assert [(one["kind"], one["webinar"]) for one in found["next"]] == [("confirmation", None)]
    told = mailer("explain", "ana@example.net").stdout
    assert re.search(r"^What comes next, as things stand:\n  .{16} UTC  confirmation$", told, re.M)
