"""Who may stay connected, and how the listeners end."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from mailer.inbound import doorman as doorman_module
from mailer.inbound.doorman import CLOSING, FULL, Doorman
from mailer.parts import Parts
from tests.inbound.conftest import Opening, journal
from tests.peers.client import Client
from tests.world import SERIES, letter

TO = SERIES.address
MAIL = letter("ana@example.net", TO, "help")


class Visitor:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def send_away(self, reply: str) -> None:
        self.heard.append(reply)


def test_whoever_was_silent_longest_makes_room() -> None:
    now = 0.0
    doorman = Doorman(lambda: now, limit=2)
    ann, bob, cat, dan = (Visitor() for _ in range(4))
    assert doorman.admit(ann) is None
    assert doorman.admit(bob) is None
    now = 5.0
    doorman.hear(ann)
    assert doorman.admit(cat) is None
    assert (ann.heard, bob.heard) == ([], [FULL])
    assert doorman.admit(dan) == FULL  # ann and cat were heard just now
    doorman.forget(ann)
    assert doorman.admit(dan) is None


def test_nobody_is_sent_away_while_a_mail_is_stored() -> None:
    now = 0.0
    doorman = Doorman(lambda: now, limit=1)
    ann, bob = Visitor(), Visitor()
    doorman.admit(ann)
    doorman.begin_storing(ann)
    now = 100.0
    assert doorman.admit(bob) == FULL
    doorman.end_storing(ann)
    assert doorman.admit(bob) is None


async def test_silent_clients_never_keep_out_an_honest_one(
    opening: Opening, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorman_module, "PATIENCE_SECONDS", 0.0)
    async with opening(connections=5) as doors, contextlib.AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(doors.client(greeted=False)) for _ in range(20)]
        async with doors.client() as honest:
            assert (await honest.mail("a@b.org", [TO], MAIL))[-1].code == 250
        first = silent[0]
        assert (await first.reply()).code == 220
        assert str(await first.reply()) == FULL
        assert await first.is_closed()
    assert len(await journal(parts)) == 1


async def test_a_client_too_many_is_told_to_come_later(opening: Opening) -> None:
    async with opening(connections=2) as doors:
        async with doors.client(), doors.client(), doors.client(greeted=False) as third:
            assert str(await third.reply()) == FULL
            assert await third.is_closed()
        async with doors.client("lmtp") as other_door:
            assert (await other_door.say("NOOP")).code == 250


async def test_at_the_end_clients_are_sent_away(opening: Opening) -> None:
    async with opening() as doors:
        port = doors.ports["smtp"]
        client = await Client("127.0.0.1", port).__aenter__()
        await client.greet()
    assert str(await client.reply()) == CLOSING
    assert await client.is_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await client.__aexit__()


async def test_at_the_end_a_mail_that_is_being_stored_is_stored_and_answered(
    opening: Opening, parts: Parts, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "mailer.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with contextlib.AsyncExitStack() as stack:
        doors = await stack.enter_async_context(opening())
        client = await Client("127.0.0.1", doors.ports["smtp"]).__aenter__()
        await client.greet()
        await client.pipeline(["MAIL FROM:<a@b.org>", f"RCPT TO:<{TO}>", "DATA"])
        await client.send(MAIL + b".\r\n")
        for _ in range(5):
            await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.05, other.execute, "ROLLBACK")
    assert (await client.reply()).code == 250
    assert str(await client.reply()) == CLOSING
    await client.__aexit__()
    other.close()
    assert len(await journal(parts)) == 1
