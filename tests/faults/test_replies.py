"""What mail servers say (F12, F13, F16, F17, F19): each reply costs what it should and no more.

The whole table of replies is tried on the transport (tests/transport/test_outcome.py, which reads
docs/delivery.md); here the daemon lives with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.account import Keep, count
from tests.faults.house import CONNECTIONS, OF_ALL, House, furnish, people
from tests.faults.length import either
from tests.faults.witness import Witness
from tests.flow.daemon import Daemon
from tests.peers.trouble import Drop, Phase, Trouble

Crowd = Callable[[int], Path]
PEOPLE = 120
CODES = (421, 450, 451, 452, 550, 552, 554)
OF_ONE_MAIL = (Phase.RCPT, Phase.DATA, Phase.DOT)
OF_THE_SERVER = (Phase.CONNECT, Phase.EHLO, Phase.MAIL, Phase.QUIT)
CELLS = [(code, phase) for phase in OF_ONE_MAIL for code in CODES]


def for_good(code: int, phase: Phase) -> bool:
    """Whether a reply ends a mail; 552 at RCPT is the old word for too many recipients."""
    return code >= 500 and (code, phase) != (552, Phase.RCPT)


def nobody_suffers(house: House) -> bool:
    """Nobody's subscription has changed."""
    return house.rows("SELECT DISTINCT state FROM subscription") == [("active",)]


async def test_a_reply_to_one_mail_concerns_that_mail(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    troubles = [
        Trouble(phase=phase, reply=f"{code} said by the test", matching=f"^p{place}@", times=1)
        for place, (code, phase) in enumerate(CELLS)
    ]
    refused = {f"p{place}@example.org" for place, cell in enumerate(CELLS) if for_good(*cell)}
    owed = set(people(PEOPLE)) - refused
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(PEOPLE))
        await witness.trouble(*troubles)
        async with Daemon(house) as daemon:
            await house.until_tried(PEOPLE)
            later = {f"p{place}@example.org" for place in range(len(CELLS))} - refused
            waiting = house.rows(
                f"SELECT recipient FROM outbox WHERE state = 'queued' AND {OF_ALL}"
            )
            assert {name for (name,) in waiting} == later
            await house.done("outbox", "retry")
            await house.until_states(sent=len(owed), failed=len(refused))
            assert await daemon.stop() == 0
        failed = house.rows(f"SELECT recipient FROM outbox WHERE state = 'failed' AND {OF_ALL}")
        assert {name for (name,) in failed} == refused
        assert nobody_suffers(house)
        keep(count("F12", "a reply to one mail", owed=owed, deliveries=witness.deliveries()))


FEW = ((554, Phase.CONNECT), (421, Phase.EHLO), (550, Phase.MAIL), (451, Phase.MAIL))
ALONE = [((code, phase),) for phase in OF_THE_SERVER for code in CODES]


@pytest.mark.parametrize(
    "cells",
    [(*FEW, (550, Phase.QUIT)), *either([], ALONE)],
    ids=lambda cells: "-".join(f"{code}-{phase}" for code, phase in cells),
)
async def test_a_reply_to_the_service_is_no_recipients_fault(
    tmp_path: Path, crowd: Crowd, keep: Keep, cells: tuple[tuple[int, Phase], ...]
) -> None:
    """Only 552 at MAIL speaks of a mail: it is too large."""
    troubles = [
        Trouble(phase=phase, reply=f"{code} said by the test", nth=2 + 5 * place)
        for place, (code, phase) in enumerate(cells)
    ]
    failed = int((552, Phase.MAIL) in cells)
    async with Witness(tmp_path, messages_per_connection=10) as witness:
        house = furnish(tmp_path, witness, crowd(PEOPLE))
        await witness.trouble(*troubles)
        async with Daemon(house) as daemon:
            await house.until_sent(PEOPLE - failed, failed=failed)
            assert await daemon.stop() == 0
        lost = house.rows(f"SELECT recipient FROM outbox WHERE state = 'failed' AND {OF_ALL}")
        owed = set(people(PEOPLE)) - {str(name) for (name,) in lost}
        assert (house.rows("SELECT count(*) FROM bounce"), nobody_suffers(house)) == ([(0,)], True)
        what = "replies to the service" if len(cells) > 1 else f"{cells[0][0]} at {cells[0][1]}"
        keep(count("F12", what, owed=owed, deliveries=witness.deliveries()))


async def test_too_many_recipients_at_the_nth(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(PEOPLE))
        await witness.trouble(
            Trouble(phase=Phase.RCPT, reply="452 4.5.3 too many recipients", every=7, times=10),
            Trouble(phase=Phase.RCPT, reply="552 5.5.3 too many recipients", every=8, times=10),
        )
        async with Daemon(house) as daemon:
            await house.until_sent(PEOPLE)
            assert await daemon.stop() == 0
        what = "too many recipients"
        keep(count("F13", what, owed=people(PEOPLE), deliveries=witness.deliveries()))


async def test_a_connection_that_ends_after_250_doubles_nothing(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    number = either(300, 6000)
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(Trouble(phase=Phase.DOT, drop=Drop.AFTER, every=10))
        async with Daemon(house) as daemon:
            await house.until_states(sent=number)
            assert await daemon.stop() == 0
        keep(count("F16", "gone after 250", owed=people(number), deliveries=witness.deliveries()))


async def test_421_after_every_hundred(tmp_path: Path, crowd: Crowd, keep: Keep) -> None:
    number = either(600, 5000)
    async with Witness(tmp_path, messages_per_connection=100) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        async with Daemon(house) as daemon:
            await house.until_states(sent=number)
            assert await daemon.stop() == 0
            assert "outbox.paused" not in await daemon.complaint()
        assert (await witness.look()).most_connections <= CONNECTIONS
        keep(count("F19", "421 after 100", owed=people(number), deliveries=witness.deliveries()))


MANY_LINES = "\n".join([*(f"250-line {number}" for number in range(200)), "250 taken"])
AS_WANTED = (
    Trouble(phase=Phase.EHLO, byte_by_byte=True),
    Trouble(phase=Phase.MAIL, reply=MANY_LINES, every=8),
    Trouble(phase=Phase.DOT, reply=MANY_LINES, every=9),
    Trouble(phase=Phase.DOT, byte_by_byte=True, every=10),
    Trouble(phase=Phase.DOT, reply="250 taken\0by\0me", every=11),
)
NO_ANSWER = {  # each ends a connection; after the dot it leaves a doubt
    "4 MB": (Phase.DOT, "250 " + "x" * 4_000_000),
    "4 MB of lines": (Phase.DOT, "250-xxxxxxxx\n" * 320_000 + "250 taken"),
    "no code": (Phase.DOT, "taken, thank you"),
    "two replies to a mail": (Phase.DOT, "250 taken\n250 and taken"),
    "two replies to a recipient": (Phase.RCPT, "250 yes\n250 and yes"),
    "taken before it is sent": (Phase.DATA, "354 go on\n250 taken"),
    "codes that differ": (Phase.MAIL, "250-yes\n550 no"),
    "another protocol": (Phase.MAIL, "HTTP/1.1 400 what"),
}
MOST_KILOBYTES = 96_000  # that they may cost


async def test_strange_words_cost_at_most_a_copy_each(
    tmp_path: Path, crowd: Crowd, keep: Keep
) -> None:
    number, times = either((600, 1), (6000, 10))
    strange = [
        Trouble(phase=phase, reply=reply, every=40 + 70 * place, times=times)
        for place, (phase, reply) in enumerate(NO_ANSWER.values())
    ]
    doubts = sum(phase is Phase.DOT for phase, _ in NO_ANSWER.values()) * times
    async with Witness(tmp_path) as witness:
        house = furnish(tmp_path, witness, crowd(number))
        await witness.trouble(*strange, *AS_WANTED)
        async with Daemon(house) as daemon:
            at_first = kilobytes(daemon)
            await house.until_sent(number)
            assert kilobytes(daemon) - at_first < MOST_KILOBYTES
            assert await daemon.stop() == 0
        deliveries = witness.deliveries()
        keep(
            count("F17", "strange words", owed=people(number), deliveries=deliveries, bound=doubts)
        )


def kilobytes(daemon: Daemon) -> int:
    """The most memory that it ever had."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text("ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])
