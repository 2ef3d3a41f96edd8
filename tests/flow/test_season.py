"""A year of the series in seconds: exactly the mails that the rules say, at the right instants.

The expected instants are worked out here by hand from the rules in wall clock, not by the planner.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailer.files.programme import read_programme
from mailer.intake import editing
from mailer.parts import Parts
from mailer.simulate import Mail, simulate
from tests.message.lint import lint
from tests.world import ANA, BOB, SERIES, opened, subscribed

QUIET = replace(SERIES, reports=())
SAMPLES = Path(__file__).parents[2] / "mailer" / "samples"

# Wall clock in Zurich: date → hours ahead of UTC, for the two seasons.
SEASON_2022 = ["2022-03-30", "2022-04-13", "2022-04-27", "2022-05-11", "2022-06-08", "2022-06-22"]
SEASON_2022 += ["2022-09-14"]


def hours_ahead(day: str) -> int:
    """Summer time in Zurich: from the last Sunday of March to the last Sunday of October."""
    summers = [
        ("2022-03-27", "2022-10-30"),
        ("2026-03-29", "2026-10-25"),
        ("2027-03-28", "2027-11"),
    ]
    return 2 if any(start <= day < end for start, end in summers) else 1


def at(day: str, hour: int) -> datetime:
    """An instant from a wall clock in Zurich."""
    wall = datetime.fromisoformat(f"{day}T{hour:02}:00:00").replace(tzinfo=UTC)
    return wall - timedelta(hours=hours_ahead(day))


def days_before(day: str, count: int) -> str:
    return (datetime.fromisoformat(day) - timedelta(days=count)).date().isoformat()


def expected(days: list[str], people: list[str]) -> list[tuple[datetime, str, str]]:
    """14 days before at 09:00 the announcement, the day before at 13:00 the reminder."""
    found = []
    for day in days:
        for person in people:
            found.append((at(days_before(day, 14), 9), "announcement", person))
            found.append((at(days_before(day, 1), 13), "reminder", person))
    return sorted(found)


def told(mails: tuple[Mail, ...]) -> list[tuple[datetime, str, str]]:
    return sorted((mail.at, mail.kind, mail.to) for mail in mails)


async def with_sample(parts: Parts, name: str) -> list[str]:
    """The sample programme and two subscribers; the days of its webinars."""
    drafts = read_programme((SAMPLES / name).read_bytes(), name=name, series=SERIES)
    await parts.store.write(
        lambda c: editing.import_drafts(c, SERIES, drafts, now=parts.clock.now())
    )
    await subscribed(parts, ANA)
    await subscribed(parts, BOB)
    return [draft.wall_start.date().isoformat() for draft in drafts]


PEOPLE = [ANA.mailbox, BOB.mailbox]


async def test_the_season_of_2022_gives_exactly_the_mails_of_the_rules(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, QUIET) as (parts, _):
        days = await with_sample(parts, "copyright-2022.toml")
        assert days == SEASON_2022
        mails = await simulate(
            parts,
            start=datetime(2022, 1, 1, tzinfo=UTC),
            until=datetime(2022, 12, 31, tzinfo=UTC),
            maildir=tmp_path / "season",
        )
    assert told(mails) == expected(days, PEOPLE)
    files = sorted((tmp_path / "season" / "new").iterdir())
    assert [fault for file in files for fault in lint(without_envelope(file))] == []


def without_envelope(file: Path) -> bytes:
    """The mail itself: the Maildir transport writes two envelope fields before it."""
    return file.read_bytes().split(b"\r\n", 2)[2]


async def test_a_season_across_both_clock_changes_keeps_its_wall_clock(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, QUIET) as (parts, _):
        days = await with_sample(parts, "copyright-2026.toml")
        assert days[0] < "2026-10-25"
        assert days[-1] > "2027-03-28"
        mails = await simulate(
            parts,
            start=datetime(2026, 8, 1, tzinfo=UTC),
            until=datetime(2027, 6, 1, tzinfo=UTC),
            maildir=tmp_path / "season",
        )
    assert told(mails) == expected(days, PEOPLE)
    before = [mail for mail in mails if mail.kind == "reminder" and mail.at.month == 10]
    after = [mail for mail in mails if mail.kind == "reminder" and mail.at.month == 11]
    hours = [{mail.at.hour for mail in mails} for mails in (before, after)]
    assert hours == [{11}, {12}]


async def test_the_same_simulation_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, _):
        await with_sample(parts, "copyright-2022.toml")
        runs = []
        for name in ("one", "two"):
            await simulate(
                parts,
                start=datetime(2022, 3, 1, tzinfo=UTC),
                until=datetime(2022, 5, 1, tzinfo=UTC),
                maildir=tmp_path / name,
            )
            files = sorted((tmp_path / name / "new").iterdir())
            runs.append([(file.name, file.read_bytes()) for file in files])
    assert runs[0] == runs[1]
    assert len(runs[0]) == 14 + 12  # and what organisers get


async def test_simulating_changes_nothing_in_the_database(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, _):
        await with_sample(parts, "copyright-2022.toml")
        await parts.planner.plan()
        before = dump(tmp_path)
        await simulate(
            parts,
            start=datetime(2022, 3, 1, tzinfo=UTC),
            until=datetime(2022, 12, 1, tzinfo=UTC),
            maildir=tmp_path / "season",
        )
        assert dump(tmp_path) == before


def dump(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "mailer.db") as connection:
        return list(connection.iterdump())


async def test_organisers_get_their_reports_in_a_simulation_too(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as (parts, _):
        await with_sample(parts, "copyright-2022.toml")
        mails = await simulate(
            parts,
            start=at("2022-03-12", 0),
            until=at("2022-04-01", 0),
            maildir=tmp_path / "season",
        )
    reports = [(mail.at, mail.subject.partition(":")[0]) for mail in mails if mail.kind == "report"]
    assert reports == [
        (at("2022-03-14", 8), "The week in Copyright Infrastructure Webinars"),
        (at("2022-03-16", 10), "Delivered"),
        (at("2022-03-21", 8), "The week in Copyright Infrastructure Webinars"),
        (at("2022-03-28", 8), "The week in Copyright Infrastructure Webinars"),
        (at("2022-03-30", 10), "Delivered"),
    ]
