"""The daemon as a process: ready, stopped, killed, one at a time; `mailer receive` beside it."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.flow.daemon import SERIES, SUBSCRIBE, Daemon, Home, arguments, environment, wish
from tests.peers.client import Client
from tests.peers.postgres import free_port
from tests.peers.sink import Sink
from tests.peers.trouble import Drop, Phase
from tests.world import letter

HELP = "webinars+help@lists.example.org"
STATES = "SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state"


@pytest.fixture
def home(tmp_path: Path, sink: Sink) -> Home:
    return Home(tmp_path, sink.port)


async def test_it_says_when_it_is_ready_and_ends_cleanly(home: Home) -> None:
    async with Daemon(home) as daemon:
        assert re.fullmatch(r"ready smtp=127\.0\.0\.1:\d+ lmtp=127\.0\.0\.1:\d+", daemon.ready)
        assert await daemon.stop(seconds=10) == 0
        assert "Traceback" not in await daemon.complaint()


async def test_a_wish_is_confirmed_by_replying(home: Home, sink: Sink) -> None:
    async with Daemon(home) as daemon:
        assert await daemon.deliver(wish("ana@example.net")) == "250 2.0.0 Taken"
        (asked,) = await sink.wait_for(1)
        message = email.message_from_bytes(asked.content, policy=email.policy.default)
        to = str(message["Reply-To"])
        reply = letter("ana@example.net", to, "Re: confirm", "yes")
        assert await daemon.deliver(reply, to, by="lmtp") == "250 2.0.0 Taken"
        await sink.wait_for(2)
        assert home.rows("SELECT state FROM subscription") == [("active",)]
        assert await daemon.stop() == 0
    assert home.rows(STATES) == [("sent", 2)]
    assert sink.violations == []


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal by now."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    mask = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(mask >> (number - 1) & 1)


@pytest.mark.parametrize("milliseconds", [0, 100, 300, 500, 800, 1200])
async def test_it_may_be_stopped_at_any_time(home: Home, milliseconds: int) -> None:
    daemon = Daemon(home)
    await daemon.start()
    await asyncio.sleep(milliseconds / 1000)
    has_read_our_code = catches(daemon.process.pid, signal.SIGTERM)
    code = await daemon.stop()
    assert code == 0 or (code == -15 and not has_read_our_code)
    assert "Traceback" not in await daemon.complaint()


async def test_stopping_with_clients_connected(home: Home) -> None:
    async with Daemon(home) as daemon, Client("127.0.0.1", daemon.ports["smtp"]) as idle:
        await idle.greet()
        await idle.pipeline(["MAIL FROM:<a@b.org>", f"RCPT TO:<{SERIES}>", "DATA"])
        await idle.send(b"Subject: half a mail\r\n")
        stopping = asyncio.create_task(daemon.stop(seconds=10))
        assert (await idle.reply()).code == 421
        assert await stopping == 0
    assert home.rows("SELECT count(*) FROM inbound") == [(0,)]


async def test_stopping_lets_mails_after_the_dot_end(home: Home, sink: Sink) -> None:
    sink.trouble(Phase.DOT, delay_seconds=2.0)
    async with Daemon(home) as daemon:
        for number in range(4):
            await daemon.deliver(wish(f"p{number}@example.net"))
        await sink.wait_until(lambda: len(sink.transactions) >= 2)
        assert await daemon.stop() == 0
    assert [mail.answered for mail in sink.accepted] == [True] * len(sink.accepted)
    states = dict(home.rows(STATES))
    assert states["sent"] == len(sink.accepted)
    assert sum(states.values()) == 4  # type: ignore[arg-type]
    assert home.rows("SELECT DISTINCT doubts FROM outbox") == [(0,)]


async def test_a_server_that_never_answers_the_dot_does_not_hold_up_the_end(
    home: Home, sink: Sink
) -> None:
    sink.trouble(Phase.DOT, delay_seconds=90.0, times=1)
    async with Daemon(home) as daemon:
        await daemon.deliver(wish("ana@example.net"))
        await sink.wait_until(lambda: len(sink.transactions) == 1)
        await daemon.deliver(wish("bob@example.com"), sender="bob@example.com")
        await sink.wait_until(lambda: len(sink.transactions) == 2)
        assert await daemon.stop(seconds=30) == 0
    async with Daemon(home) as daemon:
        await sink.wait_for(3)
        assert await daemon.stop() == 0
    first, second, again = sink.accepted
    assert (first.message_id, first.addresses) == (again.message_id, again.addresses)
    assert second.addresses == ("bob@example.com",)
    assert home.rows("SELECT doubts FROM outbox ORDER BY id") == [(1,), (0,)]


async def test_what_was_taken_goes_out_after_a_kill(home: Home, sink: Sink) -> None:
    sink.trouble(Phase.CONNECT, reply="421 4.3.2 not yet")
    async with Daemon(home) as daemon:
        assert (await daemon.deliver(wish("ana@example.net"))).startswith("250")
        await daemon.kill()
    sink.forget()
    async with Daemon(home) as daemon:
        (mail,) = await sink.wait_for(1)
        assert mail.addresses == ("ana@example.net",)
        assert await daemon.deliver(wish("ana@example.net")) == "250 2.0.0 Taken"
        assert await daemon.stop() == 0
    assert len(sink.accepted) == 1
    assert home.rows("SELECT count(*) FROM inbound") == [(1,)]


async def test_what_was_in_doubt_at_a_kill_goes_out_with_the_same_identifier(
    home: Home, sink: Sink
) -> None:
    sink.trouble(Phase.DOT, delay_seconds=60.0, times=1)
    async with Daemon(home) as daemon:
        await daemon.deliver(wish("ana@example.net"))
        await sink.wait_until(lambda: len(sink.transactions) == 1)
        await daemon.kill()
    async with Daemon(home) as daemon:
        first, second = await sink.wait_for(2)
        assert first.message_id == second.message_id != ""
        assert await daemon.stop() == 0
    assert home.rows("SELECT state, doubts FROM outbox") == [("sent", 1)]


async def test_a_reset_after_the_dot_never_loses_a_mail(home: Home, sink: Sink) -> None:
    sink.trouble(Phase.DOT, drop=Drop.RESET, nth=2, times=1)
    async with Daemon(home) as daemon:
        for number in range(5):
            author = f"p{number}@example.net"
            await daemon.deliver(wish(author), sender=author)
        await sink.wait_for(5)
        assert await daemon.stop() == 0
    assert dict(home.rows(STATES)) == {"queued": 1, "sent": 4}
    assert home.rows("SELECT sum(doubts) FROM outbox") == [(1,)]


async def test_a_second_daemon_on_the_same_file_says_so_in_one_line(home: Home) -> None:
    async with Daemon(home) as daemon:
        code, out, err = await home.command("serve")
        assert (code, out, len(err.splitlines())) == (1, b"", 1)
        assert "another daemon works on" in err
        assert (await daemon.deliver(wish("ana@example.net"))).startswith("250")
        assert await daemon.stop() == 0
    async with Daemon(home) as daemon:  # the lock went with its holder
        assert await daemon.stop() == 0


async def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path, sink: Sink) -> None:
    home = Home(tmp_path, sink.port, smtp=sink.port)
    code, _, err = await home.command("serve")
    assert (code, len(err.splitlines())) == (1, 1)
    assert str(sink.port) in err


# --- mailer receive ---


@pytest.fixture
def fixed(tmp_path: Path, sink: Sink) -> Home:
    """A home whose daemon can be found by commands."""
    return Home(tmp_path, sink.port, smtp=free_port(), lmtp=free_port())


async def test_receive_hands_over_to_the_daemon(fixed: Home, sink: Sink) -> None:
    async with Daemon(fixed) as daemon:
        assert await fixed.receive(wish("ana@example.net"), SUBSCRIBE) == 0
        await sink.wait_for(1)
        assert fixed.rows("SELECT source FROM inbound") == [("lmtp",)]
        assert await daemon.stop() == 0


async def test_receive_commits_by_itself_and_the_daemon_sends_later(
    fixed: Home, sink: Sink
) -> None:
    mail = wish("ana@example.net").replace(b"\r\n", b"\n")
    assert await fixed.receive(mail, SUBSCRIBE) == 0
    assert fixed.rows("SELECT source FROM inbound") == [("pipe",)]
    async with Daemon(fixed) as daemon:
        await sink.wait_for(1)
        assert await daemon.stop() == 0


async def test_receive_gives_nothing_to_another_program_on_the_port(
    tmp_path: Path, sink: Sink
) -> None:
    home = Home(tmp_path, sink.port, lmtp=sink.port)
    assert await home.receive(wish("ana@example.net"), SUBSCRIBE) == 0
    assert sink.transactions == []
    assert home.rows("SELECT source FROM inbound") == [("pipe",)]


async def test_receive_takes_what_is_ours_even_if_another_address_is_not(fixed: Home) -> None:
    code, _, err = await fixed.command(
        "receive",
        "--from=ana@example.net",
        *("--to", "nobody@lists.example.org", "--to", SUBSCRIBE),
        given=wish("ana@example.net"),
    )
    assert (code, err) == (67, "no such address here: nobody@lists.example.org\n")
    assert fixed.rows("SELECT recipient FROM inbound") == [(SUBSCRIBE,)]


async def test_receive_ends_with_what_a_mail_server_understands(
    fixed: Home, tmp_path: Path
) -> None:
    mail = wish("ana@example.net")
    assert await fixed.receive(mail, "nobody@lists.example.org") == 67
    assert await fixed.receive(mail, "x@y>\r\nRCPT TO:<z") == 67
    assert await fixed.receive(b"Subject: x\r\n\r\n" + b"a" * 200_000, SUBSCRIBE) == 65
    assert await fixed.receive(b"", SUBSCRIBE) == 75
    assert (await fixed.command("receive", "--from=a@b.org", given=mail))[0] == 64
    assert (await fixed.command("receive", "--to", SUBSCRIBE, given=mail))[0] == 64
    assert (await fixed.command("receive", "--what", given=mail))[0] == 64
    closed = await asyncio.create_subprocess_shell(
        " ".join([*arguments("receive"), "--from=a@b.org", "--to", SUBSCRIBE, "<&-"]),
        cwd=tmp_path,
        env=environment(),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await closed.wait() == 75
    (tmp_path / "config.toml").write_text("[series.x]\nwhat = 1\n")
    assert await fixed.receive(mail, SUBSCRIBE) == 75


@pytest.mark.parametrize("sender", ["", "<>", "root", "δοκιμή@example.org", "a@b>\r\nX", "a b@c"])
async def test_receive_takes_any_sender(fixed: Home, sender: str) -> None:
    async with Daemon(fixed) as daemon:
        assert await fixed.receive(wish("ana@example.net"), SUBSCRIBE, sender=sender) == 0
        assert await daemon.stop() == 0
    assert fixed.rows("SELECT count(*) FROM inbound") == [(1,)]


async def test_receive_leaves_the_mail_with_the_server_while_the_database_is_locked(
    fixed: Home, tmp_path: Path
) -> None:
    assert await fixed.receive(wish("bob@example.com"), SUBSCRIBE) == 0
    other = sqlite3.connect(tmp_path / "mailer.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await fixed.receive(wish("ana@example.net"), SUBSCRIBE) == 75
    other.execute("ROLLBACK")
    other.close()
    assert await fixed.receive(wish("ana@example.net"), SUBSCRIBE) == 0
    assert fixed.rows("SELECT count(*) FROM inbound") == [(2,)]


async def test_five_copies_by_three_ways_at_once_have_one_effect(fixed: Home, sink: Sink) -> None:
    mail = wish("ana@example.net")
    async with Daemon(fixed) as daemon:
        results = await asyncio.gather(
            daemon.deliver(mail, by="smtp"),
            daemon.deliver(b"X-Trace: 1\r\n" + mail, by="lmtp"),
            fixed.receive(mail.replace(b"\r\n", b"\n"), SUBSCRIBE),
            daemon.deliver(b"Received: by a\r\n" + mail, by="smtp"),
            fixed.receive(b"Return-Path: <ana@example.net>\n" + mail, SUBSCRIBE),
        )
        assert results == ["250 2.0.0 Taken", "250 2.0.0 Taken", 0, "250 2.0.0 Taken", 0]
        await sink.wait_for(1)
        assert await daemon.stop() == 0
    assert len(sink.accepted) == 1
    assert fixed.rows("SELECT count(*) FROM inbound") == [(1,)]
