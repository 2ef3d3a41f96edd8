"""Whatever happens to webinars and people: nobody is left with outdated facts, nobody is told what
they were not owed, nothing goes out too late, and every calendar ends in the state of its webinar.

Judged by the mails alone and by what was true when, which is noted whenever something happens.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.errors import ChangeRefused
from mailer.message.address import Address, Purpose
from mailer.parts import Parts
from mailer.simulate import Outage, Script, Step, run
from mailer.store import forecast, programme
from scheduler.model import Status
from tests.examples import examples
from tests.flow.happenings import (
    Act,
    Entry,
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
from tests.world import ANA, BOB, SERIES, opened

CYD = Address(key="cyd@example.com", mailbox="cyd@example.com")
PEOPLE = (ANA, BOB, CYD)
FIRST_DAY = datetime(2026, 10, 1, 6, tzinfo=UTC)
LAST_DAY = datetime(2026, 12, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLANNED = {"one": "2026-10-21T13:00", "two": "2026-11-04T13:00"}
MANNERS = ("moved", "cancelled", "revived", "linked", "reworded", "spelled")

Fact = tuple[datetime, bool]  # when it begins, whether it is called off


@dataclass
class Chronicle:
    """What was true of each webinar from when on, and when people came, chose and went."""

    facts: dict[str, list[tuple[datetime, Fact]]] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    gone: dict[str, datetime] = field(default_factory=dict)
    choices: dict[tuple[str, str], Purpose] = field(default_factory=dict)

    def noted(self, act: Act, person: str = "", chosen: tuple[str, Purpose] | None = None) -> Act:
        """The act, and a look at the programme after it."""

        async def both(parts: Parts) -> None:
            now = parts.clock.now()
            if chosen and person not in self.gone and await self.is_on(parts, chosen[0]):
                await act(parts)
                self.choices[person, chosen[0]] = chosen[1]
            elif not chosen and (not person or person not in self.gone):
                await act(parts)
                if person:
                    self.gone[person] = now
            for record in await parts.store.read(programme.listing):
                self.uids[record.uid] = record.slug
                fact = (record.starts_at, record.status is Status.CANCELLED)
                known = self.facts.setdefault(record.slug, [])
                if not known or known[-1][1] != fact:
                    known.append((now, fact))

        return both

    async def is_on(self, parts: Parts, slug: str) -> bool:
        """Whether one can register at all."""
        found = await parts.store.read(lambda c: programme.find(c, SERIES.id, slug))
        assert found is not None
        return found.status_at(parts.clock.now()) is Status.SCHEDULED

    def true_at(self, slug: str, instant: datetime) -> set[Fact]:
        """What was true at some moment of that instant."""
        known = self.facts[slug]
        before = [fact for at, fact in known if at < instant][-1:]
        return {*before, *(fact for at, fact in known if at == instant)}


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Rather close to each other, so that windows overlap; and when notices are due."""
    day = draw(st.integers(5, 36))
    return FIRST_DAY + timedelta(
        days=day, minutes=draw(st.sampled_from([60, 65, 72, 74, 75, 90, 360, 361, 420, 600]))
    )


@st.composite
def scripts(draw: st.DrawFn) -> tuple[Script, Chronicle]:
    chronicle = Chronicle()
    steps = [
        Step(at=FIRST_DAY, act=chronicle.noted(added(slug, start)))
        for slug, start in PLANNED.items()
    ]
    steps += [Step(at=FIRST_DAY, act=joined(one)) for one in PEOPLE[:2]]
    steps.append(Step(at=draw(instants()), act=joined(CYD)))
    for _ in range(draw(st.integers(1, 7))):
        slug, at = draw(st.sampled_from(sorted(PLANNED))), draw(instants())
        after_mails = draw(st.sampled_from([0, 0, 1]))
        act = chronicle.noted(draw(changes(slug)))
        steps.append(Step(at=at, act=act, after_mails=after_mails))
    for _ in range(draw(st.integers(0, 3))):
        slug, who = draw(st.sampled_from(sorted(PLANNED))), draw(st.sampled_from(PEOPLE[:2]))
        purpose = draw(st.sampled_from([Purpose.REGISTER, Purpose.SKIP]))
        act = chronicle.noted(chose(who, slug, purpose), who.mailbox, (slug, purpose))
        steps.append(Step(at=draw(instants()), act=act))
    if draw(st.booleans()):
        steps.append(Step(at=draw(instants()), act=chronicle.noted(left(BOB), BOB.mailbox)))
    outages: tuple[Outage, ...] = ()
    if draw(st.booleans()):
        start = draw(instants()) - HOUR
        outages = (Outage(start=start, end=start + timedelta(hours=draw(st.integers(1, 72)))),)
    steps.sort(key=lambda one: one.at)
    return Script(steps=tuple(steps), outages=outages), chronicle


@st.composite
def changes(draw: st.DrawFn, slug: str) -> Act:
    match draw(st.sampled_from(MANNERS)):
        case "moved":
            day = draw(st.integers(18, 42))
            hour = draw(st.sampled_from([13, 15]))
            start = datetime(2026, 10, 1, hour) + timedelta(days=day)  # noqa: DTZ001 - wall clock
            return willing(moved(slug, start.isoformat()))
        case "cancelled":
            return willing(cancelled(slug, "Ill."))
        case "revived":
            return willing(revived(slug))
        case "linked":
            where = draw(st.sampled_from(["a", "b"]))
            return edited(slug, "join_url", join_url=f"https://meet.example.org/{where}")
        case "reworded":
            title = draw(st.sampled_from(["This", "That"]))
            return edited(slug, "title", title=title, notify=True)
        case _:
            return edited(slug, "abstract", abstract=draw(st.sampled_from(["", "Words."])))


def willing(act: Act) -> Act:
    """The act if it makes sense then; else nothing happens."""

    async def tried(parts: Parts) -> None:
        try:
            await act(parts)
        except ChangeRefused:
            return

    return tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """A mail about a webinar, as somebody got it."""

    at: datetime
    kind: str
    webinar: str
    entry: Entry

    @property
    def fact(self) -> Fact:
        return (self.entry.starts_at, self.entry.cancelled)


async def played(script: Script) -> dict[str, list[Got]]:
    """What everybody got, in order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'mailer.db'}"
        async with opened(url, folder, at=FIRST_DAY) as (parts, clock):
            await run(parts, clock, LAST_DAY, script)
            sent = await parts.store.read(forecast.sent)
        got: dict[str, list[Got]] = {one.mailbox: [] for one in PEOPLE}
        for mail in sent:
            told = entry(read(folder / "outbox" / "new" / mail.file))
            if told is not None and mail.webinar is not None:
                got[mail.to].append(
                    Got(at=mail.at, kind=mail.kind, webinar=mail.webinar, entry=told)
                )
        return got


@given(scripts())
@settings(
    deadline=None,
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_script_of_changes_keeps_every_promise(case: tuple[Script, Chronicle]) -> None:
    script, chronicle = case
    got = asyncio.run(played(script))
    for person, mails in got.items():
        for slug in PLANNED:
            about = [one for one in mails if one.webinar == slug]
            nothing_false(about, chronicle, slug)
            nothing_needless(about)
            nothing_late(about)
            if person not in chronicle.gone:
                nothing_left_unsaid(about, script, chronicle, person, slug)
            else:
                assert all(one.at <= chronicle.gone[person] for one in about)


def nothing_false(about: list[Got], chronicle: Chronicle, slug: str) -> None:
    """Each mail says what is true when it goes out, under the number that this has."""
    for one in about:
        if one.kind in ("reply", "cancellation"):  # may withdraw an entry; tells the time they know
            continue
        assert one.fact in chronicle.true_at(slug, one.at)
    numbers = [one.entry.sequence for one in about]
    assert numbers == sorted(numbers)
    assert {chronicle.uids[one.entry.uid] for one in about} <= {slug}


def nothing_needless(about: list[Got]) -> None:
    """A correction corrects something: they were told before, and under another number."""
    for place, one in enumerate(about):
        if one.kind in ("update", "cancellation"):
            before = about[:place]
            assert before
            assert before[-1].entry.sequence < one.entry.sequence
            if one.kind == "cancellation":
                assert not before[-1].entry.cancelled


def nothing_late(about: list[Got]) -> None:
    """Reminders before the start; corrections as long as anybody may wait for the webinar."""
    for place, one in enumerate(about):
        starts = [one.entry.starts_at]
        if one.kind in ("update", "cancellation"):
            starts += [other.entry.starts_at + HOUR for other in about[:place]]
            starts[0] += HOUR
        assert one.at < max(starts)


def nothing_left_unsaid(
    about: list[Got], script: Script, chronicle: Chronicle, person: str, slug: str
) -> None:
    """What somebody was told last is what is true in the end, on paper and in their calendar."""
    choice = chronicle.choices.get((person, slug))
    changed_at, fact = chronicle.facts[slug][-1]
    waits_until = max([fact[0], *(one.entry.starts_at for one in about)]) + HOUR
    reachable = changed_at + HOUR < waits_until and not any(
        outage.start <= changed_at + HOUR and waits_until <= outage.end for outage in script.outages
    )
    if not about or not reachable or choice is Purpose.SKIP:
        return
    said = about[-1].fact
    assert said[1] == fact[1]
    if not fact[1]:
        assert said == fact
    if choice is Purpose.REGISTER:
        assert about[-1].entry.method == ("CANCEL" if fact[1] else "REQUEST")
        assert about[-1].entry.attendee == person
