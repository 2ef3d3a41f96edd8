"""What is changed while mails leave (F28, F29, F30, F32): it holds from then on, for everybody."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path

from tests.faults.account import Count, Keep, count
from tests.faults.house import ZONE, House, furnish, people
from tests.faults.length import either
from tests.faults.witness import Witness, until
from tests.flow.daemon import Daemon
from tests.peers.trouble import Phase, Trouble
from tests.world import letter

Crowd = Callable[[int], Path]
SEEN_WITHIN_SECONDS = 1.0  # a change by another process
SLOWLY = Trouble(phase=Phase.DOT, delay_seconds=0.15)
SOMEWHAT = Trouble(phase=Phase.DOT, delay_seconds=0.05)  # so fast that some mails are in stock
PLANNED_ANEW = "SELECT state FROM announcement WHERE sequence = 1 AND notice_id = 'reminder-1'"
LEASED = "SELECT recipient FROM outbox WHERE state = 'sending' ORDER BY id"


async def test_who_leaves_by_mail_gets_nothing_that_had_not_begun(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    """They leave when their mail is leased and waits for a connection. They ask for no farewell:
    the oracle knows mails by their recipients, and would take it for the mail in question."""
    number, leaving = either((600, 8), (3000, 100))
    left: list[str] = []
    may: set[str] = set()  # had begun, and so may arrive
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(SOMEWHAT)
        async with Daemon(house) as daemon:
            while len(left) < leaving:
                await until(lambda: witness.count() >= min(number // 2, 20 + 30 * len(left)))
                await witness.trouble(Trouble(phase=Phase.DOT, delay_seconds=0.5))
                for person in (await leased(house, witness))[-3:]:
                    await leave(daemon, house, person)
                    left.append(person)
                    may |= {person} & await begun(witness)
                await witness.trouble(SOMEWHAT)
            await witness.trouble()
            await settled(house)
            assert await daemon.stop() == 0
        keep(left_out("by mail", witness, number, left, may))


async def test_a_mail_that_was_not_tried_is_not_begun_again_for_who_has_left(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    """Its commands wait behind another mail when its reader leaves; then the server says 421."""
    number, leaving = either((300, 8), (3000, 100))
    left: set[str] = set()
    late: set[str] = set()  # left after the 421: they may have begun again by then
    async with Witness(tmp_path, messages_per_connection=1) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(Trouble(phase=Phase.DOT, delay_seconds=0.5))
        async with Daemon(house) as daemon:
            while len(left - late) < leaving:
                told = await witness.look()
                taken = {one.recipient for one in witness.deliveries()}
                waiting = set(told.begun) - set(told.dismissed) - taken - left
                for person in sorted(waiting)[:1]:
                    await leave(daemon, house, person)
                    left.add(person)
                    late |= {person} & set((await witness.look()).dismissed)
            await witness.trouble()
            await settled(house)
            assert await daemon.stop() == 0
        dismissed = left & set((await witness.look()).dismissed) - late
        what = f"by mail, {len(dismissed)} before 421"
        keep(left_out(what, witness, number, left, left - dismissed))


async def test_who_is_removed_by_a_command_gets_nothing_a_second_later(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    """Their mail is leased when the command begins, and no connection is free before it ends."""
    number, rounds = either((600, 1), (3000, 8))
    left: list[str] = []
    may: set[str] = set()
    loop = asyncio.get_running_loop()
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(SOMEWHAT)
        started = loop.time()
        async with Daemon(house) as daemon:
            command_seconds = loop.time() - started  # or nearly
            for place in range(rounds):
                await until(lambda place=place: witness.count() >= 30 + place * number // 20)  # type: ignore[misc]
                while not (leaving := (await leased(house, witness))[-2:]):
                    assert witness.count() < number
                held = SEEN_WITHIN_SECONDS + 2 * command_seconds
                await witness.trouble(Trouble(phase=Phase.DOT, delay_seconds=held))
                await asyncio.gather(*(house.done("subscriber", "remove", one) for one in leaving))
                may |= set(leaving) & await begun(witness, within=SEEN_WITHIN_SECONDS)
                left += leaving
                await witness.trouble(SOMEWHAT)
            await witness.trouble()
            await settled(house)
            assert await daemon.stop() == 0
        keep(left_out("by a command", witness, number, left, may))


async def leave(daemon: Daemon, house: House, person: str) -> None:
    """Unsubscribe by mail, by the way that has no answer."""
    way_out = house.way_out(person)
    reply = await daemon.deliver(letter(person, way_out, ""), way_out, sender=person)
    assert reply.startswith("250")


async def begun(witness: Witness, *, within: float = 0.0) -> set[str]:
    """Whose mails have begun, until so many seconds from now."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        names = set((await witness.look()).begun)
        if loop.time() >= end:
            return names


async def leased(house: House, witness: Witness) -> list[str]:
    """Who is next: their mails are claimed and have not begun."""
    claimed = [str(name) for (name,) in house.rows(LEASED)]
    gone = await begun(witness)
    return [name for name in claimed if name not in gone]


async def settled(house: House) -> None:
    """Until nothing waits any more."""
    waiting = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"
    await until(lambda: house.rows(waiting) == [(0,)], house.states)


def left_out(
    what: str, witness: Witness, number: int, left: Collection[str], may: set[str]
) -> Count:
    """The account: a mail to somebody who had left counts as a double."""
    got = [one.recipient for one in witness.deliveries()]
    assert len(got) == len(set(got))
    return Count(
        row="F29",
        what=f"{len(left)} left {what}, {len(may)} mails had begun",
        owed=number - len(left),
        lost=len(set(people(number)) - set(left) - set(got)),
        doubled=len((set(got) & set(left)) - may),
        bound=0,
    )


async def test_a_webinar_that_moves_while_it_is_told(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    """Everybody is reminded once: of the old time if their mail had begun, else of the new one."""
    number = either(300, 3000)
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(SLOWLY)
        async with Daemon(house) as daemon:
            await until(lambda: witness.count() >= number // 6)
            later = datetime.now(ZONE) + timedelta(hours=22)
            await house.done("webinar", "move", "tomorrow", f"{later:%Y-%m-%dT%H:%M:%S}")
            had_begun = await begun(witness, within=SEEN_WITHIN_SECONDS)
            await witness.trouble()
            await until(lambda: house.rows(PLANNED_ANEW) == [("done",)])
            await settled(house)
            assert await daemon.stop() == 0
        old, new = (of_sequence(house, witness, sequence) for sequence in (0, 1))
        got = [*old, *new]
        assert number // 6 <= len(old) < number
        what = f"moved when {len(old)} had the old time"
        wrong = len(set(old) - had_begun)  # began when everybody could know better
        keep(
            Count(
                row="F28",
                what=what,
                owed=number,
                lost=len(set(people(number)) - set(got)),
                doubled=len(got) - len(set(got)) + wrong,
                bound=0,
            )
        )


def of_sequence(house: House, witness: Witness, sequence: int) -> list[str]:
    """Who was reminded of the facts as they were after so many changes of the webinar."""
    rows = house.rows(
        "SELECT message_id FROM outbox JOIN announcement ON announcement.id = announcement_id"
        f" WHERE sequence = {sequence} AND outbox.kind = 'reminder'"
    )
    known = {str(name) for (name,) in rows}
    return [
        one.recipient
        for one in witness.deliveries()
        if one.message_id.strip("<").partition("@")[0] in known
    ]


async def test_stopped_and_let_go_again_and_again(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    times, number = either((2, 600), (50, 12_000))
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(SOMEWHAT)
        async with Daemon(house) as daemon:
            for _ in range(times):
                aim = witness.count() + random.randint(0, 2 * number // (times + 3))
                await until(lambda aim=aim: witness.count() >= min(aim, number))  # type: ignore[misc]
                await house.done("outbox", "stop")
                had_begun = await begun(witness, within=SEEN_WITHIN_SECONDS)
                assert await begun(witness, within=0.2) == had_begun
                await house.done("outbox", "go")
            await witness.trouble()
            await house.until_states(sent=number)
            assert await daemon.stop() == 0
        what = f"{times} times stop and go"
        keep(count("F30", what, owed=people(number), deliveries=witness.deliveries()))


# Number 1 is the first webinar that there is; the sample that templates are tried on has another.
POISON = "{{ 1 // (webinar.number - 1) }}"
TABLES = """\
[templates]
folder = "texts"
"""


async def test_a_poisoned_template_stops_its_announcement_before_any_of_it_is_sent(
    tmp_path: Path, keep: Keep
) -> None:
    """It is read by one language only, so that half of the people could have had their mail."""
    number = 40
    async with Witness(tmp_path) as witness:
        house = House(tmp_path, witness.port, more=TABLES)
        text = tmp_path / "texts" / "mail" / "reminder" / "body.fr.txt"
        text.parent.mkdir(parents=True)
        text.write_text(POISON, encoding="utf-8")
        lines = [
            f"{name},{'fr' if place % 2 else 'en'}" for place, name in enumerate(people(number))
        ]
        table = "\n".join(["address,language", *lines, ""])
        (tmp_path / "people.csv").write_text(table, encoding="utf-8")
        await house.done("subscriber", "import", "people.csv", "--confirmed", "--consent", "asked")
        await house.webinar("tomorrow", timedelta(hours=20))
        failed = "SELECT count(*) FROM announcement WHERE state = 'failed'"
        async with Daemon(house) as daemon:
            await until(lambda: house.rows(failed) == [(1,)])
            assert await daemon.stop() == 0
        assert (witness.count(), house.states()) == (0, {})
        text.write_text("{{ webinar.title }}", encoding="utf-8")
        async with Daemon(house) as daemon:
            await house.done("outbox", "retry")
            await house.until_states(sent=number)
            assert await daemon.stop() == 0
        what = "a template with a fault"
        keep(count("F32", what, owed=people(number), deliveries=witness.deliveries()))


async def test_bad_data_of_one_person_is_their_own_matter(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    number = 120
    bad = {
        "p7@example.org": "no address",
        "p8@example.org": "x@y>\r\nRCPT TO:<z@example.org",
        "p9@example.org": "δοκιμή@example.org",  # needs SMTPUTF8
    }
    async with Witness(tmp_path, extensions=["PIPELINING", "8BITMIME"]) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        for name, nonsense in bad.items():
            house.change("UPDATE subscriber SET mailbox = ? WHERE mailbox = ?", nonsense, name)
        async with Daemon(house) as daemon:
            await house.until_states(sent=number - len(bad), failed=len(bad))
            assert await daemon.stop() == 0
        reasons = house.rows("SELECT count(*) FROM outbox WHERE state = 'failed' AND reason != ''")
        assert reasons == [(len(bad),)]
        owed = set(people(number)) - bad.keys()
        keep(count("F32", "bad data of three people", owed=owed, deliveries=witness.deliveries()))
