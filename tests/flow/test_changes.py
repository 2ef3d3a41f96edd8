"""A scripted year: what moves, is called off and comes back, and exactly the mails that follow.

The year is a table of what happens; what goes out is held in tests/golden/changes-2026.txt, read
once by a person against DESIGN.md §7 and compared from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from mailer.message.address import Address, Purpose
from mailer.simulate import Mail, Outage, Script, Step, mails_of, run, simulate
from tests.flow.happenings import (
    Act,
    added,
    cancelled,
    chose,
    edited,
    entry,
    joined,
    left,
    moved,
    read,
    revived,
)
from tests.message.golden import assert_golden
from tests.message.lint import lint
from tests.outbox_reader import text
from tests.world import ANA, BOB, opened

CYD = Address(key="cyd@example.com", mailbox="cyd@example.com")
DEE = Address(key="dee@example.com", mailbox="dee@example.com")


def at(clock: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(clock).replace(tzinfo=UTC)


def steps(*happening: tuple[str, Act]) -> tuple[Step, ...]:
    return tuple(Step(at=at(clock), act=act) for clock, act in happening)


YEAR = Script(
    steps=(
        *steps(
            ("2026-01-05T08:00", joined(ANA)),
            ("2026-01-05T08:00", joined(BOB)),
            ("2026-01-05T08:00", joined(CYD)),
            # Moved after it was announced: everybody is told, Ana's calendar too.
            ("2026-01-05T09:00", added("moved", "2026-02-04T13:00")),
            ("2026-01-22T10:00", chose(ANA, "moved", Purpose.REGISTER)),
            ("2026-01-23T10:00", moved("moved", "2026-02-05T15:00")),
            # Moved before anybody knew: nobody is told of the change.
            ("2026-01-05T09:00", added("early", "2026-03-11T13:00")),
            ("2026-02-20T10:00", moved("early", "2026-03-12T13:00")),
            # Moved twice within the window: one update, with the last time.
            ("2026-03-01T09:00", added("twice", "2026-03-31T13:00")),
            ("2026-03-20T10:00", moved("twice", "2026-04-01T13:00")),
            ("2026-03-20T10:10", moved("twice", "2026-04-02T13:00")),
            # Moved and moved back within it: nothing.
            ("2026-04-01T09:00", added("undone", "2026-04-29T13:00")),
            ("2026-04-20T10:00", moved("undone", "2026-04-30T13:00")),
            ("2026-04-20T10:14", moved("undone", "2026-04-29T13:00")),
            # Called off at once, and back after a while: Ana's entry goes and comes.
            ("2026-05-01T09:00", added("revived", "2026-05-27T13:00")),
            ("2026-05-14T10:00", chose(ANA, "revived", Purpose.REGISTER)),
            ("2026-05-18T10:00", cancelled("revived", "The speaker is ill.")),
            ("2026-05-19T10:00", revived("revived")),
            # A spelling tells nobody; a new title does when that is asked for.
            ("2026-06-01T09:00", added("worded", "2026-06-24T13:00")),
            ("2026-06-12T10:00", edited("worded", "abstract", abstract="Better words.")),
            ("2026-06-15T10:00", edited("worded", "title", title="Reworded", notify=True)),
            # A new link concerns the registered alone; who declines is left in peace.
            ("2026-06-16T10:00", chose(BOB, "worded", Purpose.REGISTER)),
            (
                "2026-06-17T10:00",
                edited("worded", "join_url", join_url="https://meet.example.org/2"),
            ),
            ("2026-06-17T12:00", chose(CYD, "worded", Purpose.SKIP)),
            ("2026-06-18T10:00", moved("worded", "2026-06-24T16:00")),
            # While it is being announced: who had it already is told, the others get the new time.
            ("2026-08-01T09:00", added("running", "2026-09-09T13:00")),
        ),
        Step(at=at("2026-08-26T07:00"), act=moved("running", "2026-09-09T17:00"), after_mails=2),
        *steps(
            # Dee knows of it by her welcome alone, and is told when it moves.
            ("2026-09-15T09:00", added("late", "2026-10-07T13:00")),
            ("2026-09-25T10:00", joined(DEE, welcome=True)),
            ("2026-09-28T10:00", moved("late", "2026-10-08T13:00")),
            # Cyd leaves between the announcement and the move.
            ("2026-10-10T09:00", added("less", "2026-11-04T13:00")),
            ("2026-10-25T10:00", left(CYD)),
            ("2026-10-27T10:00", moved("less", "2026-11-05T13:00")),
            # Three days without service: what is too late stays unsaid, what helps is said late.
            ("2026-11-08T09:00", added("missed", "2026-11-26T13:00")),
            ("2026-11-08T09:00", added("gone", "2026-11-25T13:00")),
            ("2026-11-24T08:00", moved("missed", "2026-11-27T17:00")),
            ("2026-11-24T09:00", cancelled("gone")),
            # A cancellation that nobody had heard of when it was taken back.
            ("2026-12-01T09:00", added("calm", "2026-12-16T13:00")),
            ("2026-12-09T23:00", cancelled("calm")),
            ("2026-12-10T01:00", revived("calm")),
        ),
    ),
    outages=(
        Outage(start=at("2026-11-24T00:00"), end=at("2026-11-27T00:00")),
        Outage(start=at("2026-12-09T22:00"), end=at("2026-12-10T02:00")),
    ),
)


async def a_year(folder: Path) -> tuple[Mail, ...]:
    async with opened(f"sqlite:///{folder / 'mailer.db'}", folder) as (parts, _):
        mails = await simulate(
            parts, start=at("2026-01-01"), until=at("2026-12-31"), maildir=folder / "y", script=YEAR
        )
        return to_people(mails)


def to_people(mails: tuple[Mail, ...]) -> tuple[Mail, ...]:
    """Without the reports that organisers get of all this."""
    return tuple(mail for mail in mails if mail.kind != "report")


async def test_a_year_of_changes_gives_exactly_these_mails(tmp_path: Path) -> None:
    mails = await a_year(tmp_path)
    assert_golden("changes-2026.txt", "".join(map(line_of(tmp_path / "y"), mails)).encode())


async def test_the_year_is_the_same_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    async with opened(postgres_url, tmp_path, at=at("2026-01-01")) as (parts, clock):
        await run(parts, clock, at("2026-12-31"), YEAR)
        mails = to_people(await mails_of(parts, tmp_path / "outbox"))
    assert_golden("changes-2026.txt", "".join(map(line_of(tmp_path / "outbox"), mails)).encode())


def line_of(folder: Path) -> Callable[[Mail], str]:
    """A mail in some lines: when, what, to whom, what it says of the change and to a calendar."""

    def line(mail: Mail) -> str:
        message = read(folder / mail.file)
        found = [f"{mail.at:%Y-%m-%d %H:%M} {mail.kind} of {mail.webinar} to {mail.to}"]
        found.append(f"    {mail.subject}")
        found += [f"    {one}" for one in text(message).splitlines() if one.startswith(SAID)]
        said = entry(message)
        if said is not None:
            state = "cancelled" if said.cancelled else "on"
            found.append(
                f"    {said.method} {said.sequence}, {state}, {said.starts_at:%Y-%m-%d %H:%M} UTC"
                + (f", for {said.attendee}" if said.attendee else "")
            )
        return "\n".join(found) + "\n"

    return line


SAID = (
    "Old ",
    "New ",
    "The link",
    "The speakers",
    "The description",
    "This webinar",
    "We are sorry",
)


async def test_every_mail_of_that_year_is_sound(tmp_path: Path) -> None:
    files = [tmp_path / "y" / mail.file for mail in await a_year(tmp_path)]
    without_envelope = [file.read_bytes().split(b"\r\n", 2)[2] for file in files]
    assert [fault for content in without_envelope for fault in lint(content)] == []
