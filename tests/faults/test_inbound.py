"""What comes in while things break (F1 to F7, F31, F33 to F35): no 250 without a durable row, no
5xx for a trouble of ours, and each mail has its effect once, however often it came."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import sqlite3
import struct
from pathlib import Path

import pytest

from tests.faults.account import Count, Keep
from tests.faults.inbound_disk import fill, make_room, small_disk
from tests.faults.inbound_house import (
    FewFiles,
    account,
    asked,
    deliver,
    house,
    journal,
    ready_for_content,
    reply_or_loss,
)
from tests.faults.inbound_injecting import injected
from tests.faults.length import either
from tests.faults.witness import until
from tests.flow.daemon import SUBSCRIBE, Daemon, Home, wish
from tests.peers import registry
from tests.peers.client import Client
from tests.world import letter

ANA = "ana@example.net"
MAIL = wish(ANA)
ONCE = {ANA: 1}
TAKEN = "250 2.0.0 Taken"
NO_ROOM = "452 4.3.1 "
LATER = "451 4.3.0 "


async def told_again(home: Home, *, first: str | None) -> Count:
    """The sender comes again unless it was told 250: then the effect is there, once."""
    if first is not None:
        assert first[:4] in ("250 ", "451 ", "421 ")
    if first == TAKEN:
        assert journal(home) == ONCE  # before anybody comes again
    async with Daemon(home) as daemon:
        assert await deliver(daemon, ANA) == TAKEN
        assert await daemon.stop() == 0
    assert journal(home) == ONCE
    assert asked(home) == ONCE
    assert home.rows("SELECT state FROM subscription") == [("pending",)]
    return account("F1", "killed before, at or after 250", home, ONCE)


# --- F1: killed at each step ---

EARLY = ["EHLO", "MAIL", "RCPT", "DATA", "content"]


@pytest.mark.parametrize("step", either(["RCPT", "content"], EARLY))
async def test_killed_before_the_dot(tmp_path: Path, keep: Keep, step: str) -> None:
    home = house(tmp_path)
    async with Daemon(home) as daemon, Client("127.0.0.1", daemon.ports["smtp"]) as client:
        await client.greet()
        said = [f"MAIL FROM:<{ANA}>", f"RCPT TO:<{SUBSCRIBE}>", "DATA"]
        await client.pipeline(said[: min(EARLY.index(step), len(said))] or ["NOOP"])
        if step == "content":
            await client.send(MAIL[:-10])
        await daemon.kill()
    assert journal(home) == {}
    keep(await told_again(home, first=None))


# What storing a mail and saying 250 is made of: each call is a moment to die at, when it begins. At
# the first fdatasync the commit is written and nothing said; the last write of them says 250.
PAGES, SYNC, SAYING = "pwrite64", "fdatasync,fsync", "write,writev,sendto,sendmsg"
MOMENTS = either(
    [(PAGES, 1), (PAGES, 20), (SYNC, 1), (SAYING, 8)],
    [(PAGES, n) for n in range(1, 48, 3)]
    + [(SYNC, n) for n in (1, 2, 3)]
    + [(SAYING, n) for n in range(1, 25)],
)


@pytest.mark.parametrize(("calls", "moment"), MOMENTS)
async def test_killed_between_the_dot_and_the_reply(
    tmp_path: Path, keep: Keep, calls: str, moment: int
) -> None:
    home = house(tmp_path)
    async with Daemon(home) as daemon, Client("127.0.0.1", daemon.ports["smtp"]) as client:
        await ready_for_content(client)
        async with injected(daemon.process, calls, f"signal=KILL:when={moment}") as tracer:
            reply = await reply_or_loss(client, MAIL)
            if reply is None:
                await tracer.communicate()  # it ends with the process
        await daemon.kill() if daemon.process.returncode is None else await daemon.process.wait()
    keep(await told_again(home, first=reply))


async def test_killed_after_the_reply(tmp_path: Path, keep: Keep) -> None:
    home = house(tmp_path)
    async with Daemon(home) as daemon:
        reply = await deliver(daemon, ANA)
        await daemon.kill()
    assert reply == TAKEN
    keep(await told_again(home, first=reply))


async def test_killed_at_random_moments_under_load(tmp_path: Path, keep: Keep) -> None:
    home, taken = house(tmp_path), set[str]()

    async def send(daemon: Daemon, author: str) -> None:
        if await deliver(daemon, author) == TAKEN:
            taken.add(author)

    kills, mails = either((2, 40), (60, 200))
    authors = [f"p{number}@example.net" for number in range(mails)]
    for _ in range(kills):
        left = [author for author in authors if author not in taken]
        async with Daemon(home) as daemon:
            sending = [asyncio.create_task(send(daemon, author)) for author in left]
            await asyncio.sleep(random.uniform(0.0, 0.05))
            await daemon.kill()
            await asyncio.gather(*sending)
        assert taken <= set(journal(home))
    async with Daemon(home) as daemon:
        await asyncio.gather(*(send(daemon, author) for author in authors))
        assert await daemon.stop() == 0
    assert taken == set(authors)
    assert journal(home) == asked(home) == dict.fromkeys(authors, 1)
    keep(account("F1", f"{kills} kills under load", home, authors))


async def test_250_is_said_after_the_disk_has_confirmed(tmp_path: Path) -> None:
    home, trace = house(tmp_path), tmp_path / "trace"
    async with Daemon(home) as daemon, Client("127.0.0.1", daemon.ports["smtp"]) as client:
        await ready_for_content(client)
        strace = await asyncio.create_subprocess_exec(
            *(registry.require("strace"), "-f", "-p", str(daemon.process.pid), "-o", str(trace)),
            *("-s", "200", "-e", "trace=fdatasync,fsync,write,writev,sendto,sendmsg"),
            stderr=asyncio.subprocess.PIPE,
        )
        assert strace.stderr is not None
        assert b"attached" in await strace.stderr.readline()
        assert await reply_or_loss(client, MAIL) == TAKEN
        strace.send_signal(signal.SIGINT)
        await strace.communicate()
    calls = trace.read_text("utf-8", "replace").splitlines()
    said = next(number for number, call in enumerate(calls) if TAKEN in call)
    synced = [n for n, call in enumerate(calls) if re.search(r"(fsync|fdatasync).*= 0$", call)]
    assert synced
    assert synced[0] < said


# --- F2 to F4: the same mail again, by several ways ---


async def test_a_peer_that_never_read_250_comes_again(tmp_path: Path, keep: Keep) -> None:
    home, times = house(tmp_path), either(3, 30)
    async with Daemon(home) as daemon:
        for _ in range(times):
            async with Client("127.0.0.1", daemon.ports["smtp"]) as client:
                await ready_for_content(client)
                await client.send(MAIL + b".\r\n")
                await until(lambda: journal(home) == ONCE)
                reset(client)
        assert await deliver(daemon, ANA) == TAKEN
    assert (journal(home), asked(home)) == (ONCE, ONCE)
    keep(account("F2", f"{times} times 250 was not read", home, ONCE))


def reset(client: Client) -> None:
    """Be gone without a word."""
    connection = client._writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client._writer.transport.abort()


async def test_one_mail_by_all_ways_at_once_counts_once(tmp_path: Path, keep: Keep) -> None:
    home = house(tmp_path)
    authors = [f"p{number}@example.net" for number in range(either(1, 20))]
    async with Daemon(home) as daemon:
        for author in authors:
            ways = [
                deliver(daemon, author, by="smtp"),
                deliver(daemon, author, by="lmtp"),
                home.receive(wish(author), SUBSCRIBE, sender=author),
                deliver(daemon, author, by="smtp"),
                deliver(daemon, author, by="lmtp"),
            ]
            assert await asyncio.gather(*ways) == [TAKEN, TAKEN, 0, TAKEN, TAKEN]
            assert (journal(home)[author], asked(home)[author]) == (1, 1)
    keep(account("F3", "five times at once, by three ways", home, authors))


async def test_one_message_id_on_different_mails_counts_for_each(
    tmp_path: Path, keep: Keep
) -> None:
    home = house(tmp_path)
    mails = [letter(ANA, SUBSCRIBE, subject, message_id="<same@example.net>") for subject in "abc"]
    async with Daemon(home) as daemon:
        replies = [await daemon.deliver(mail) for mail in [*mails, *mails]]
    assert replies == [TAKEN] * 6
    outcomes = [row[0] for row in home.rows("SELECT outcome FROM inbound ORDER BY id")]
    assert outcomes == ["asked to confirm", "asked to confirm before", "asked to confirm before"]
    owed, found = len(mails), len(outcomes)
    what = "one Message-ID on different mails"
    lost, doubled = max(owed - found, 0), max(found - owed, 0)
    keep(Count(row="F4", what=what, owed=owed, lost=lost, doubled=doubled, bound=0))


# --- F5, F6, F35: the disk ---


async def test_a_disk_that_fills_up_costs_no_mail(tmp_path: Path, keep: Keep) -> None:
    times = either(1, 10)
    with small_disk(tmp_path / "disk", either(8, 64)) as disk:  # room for the journal file
        home = house(disk)  # 200,000 octets a mail at most
        async with Daemon(home) as daemon:
            said = [await fills_up(home, daemon, disk, f"p{n}") for n in range(times)]
            assert await daemon.stop() == 0
        assert set[str]().union(*said) == {LATER}
        assert "Traceback" not in await daemon.complaint()
        names = [*map(str, range(30)), "first", "next"]
        owed = [f"p{number}-{name}@example.net" for number in range(times) for name in names]
        keep(account("F5", f"{times} times a full disk", home, owed))


async def fills_up(home: Home, daemon: Daemon, disk: Path, name: str) -> set[str]:
    """One disk full, from the first refusal to recovery; how those were refused who were late."""
    assert await deliver(daemon, f"{name}-first@example.net") == TAKEN
    known = set(journal(home))
    async with contextlib.AsyncExitStack() as stack:
        early = [
            await stack.enter_async_context(Client("127.0.0.1", daemon.ports["smtp"]))
            for _ in range(30)
        ]
        for number, client in enumerate(early):  # these were let in while there was room
            author = f"{name}-{number}@example.net"
            assert (await ready_for_content(client, author)).code == 354
        fill(disk, leave=0)
        replies = [
            await reply_or_loss(client, wish(f"{name}-{number}@example.net"))
            for number, client in enumerate(early)
        ]
    stored = set(journal(home)) - known
    told = {f"{name}-{n}@example.net" for n, reply in enumerate(replies) if reply == TAKEN}
    assert told == stored  # a journal that has room within its file may still take some
    refused = {str(reply)[:10] for reply in replies if reply != TAKEN}
    await until_reply(daemon, f"{name}-next@example.net", NO_ROOM)
    make_room(disk)
    await until_reply(daemon, f"{name}-next@example.net", TAKEN)
    for number in range(30):
        assert await deliver(daemon, f"{name}-{number}@example.net") == TAKEN
    assert set(journal(home).values()) == {1}
    return refused


async def until_reply(daemon: Daemon, author: str, wanted: str) -> None:
    """Come again until this is said; before, it is taken or told to come later."""
    async with asyncio.timeout(30):
        while not (reply := await deliver(daemon, author) or "").startswith(wanted):
            assert reply == TAKEN or reply[:2] == "45"
            await asyncio.sleep(0.05)


async def test_a_disk_that_does_not_confirm_is_not_believed_again(
    tmp_path: Path, keep: Keep
) -> None:
    home = house(tmp_path)
    async with Daemon(home) as daemon:
        assert await deliver(daemon, "first@example.net") == TAKEN
        async with injected(daemon.process, "fdatasync,fsync", "error=EIO"):
            first = str(await deliver(daemon, ANA))
        assert first.startswith(LATER)
        for _ in range(3):  # although the disk says yes again
            assert str(await deliver(daemon, "next@example.net")).startswith(LATER)
        assert "store.faulty" in await daemon.complaint()
        await daemon.kill()
    async with Daemon(home) as daemon:
        assert await deliver(daemon, ANA) == TAKEN
    assert journal(home) == asked(home) == {"first@example.net": 1, ANA: 1}
    keep(account("F6", "fsync fails", home, [ANA, "first@example.net"]))


@pytest.mark.parametrize("error", ["EROFS", "EACCES", "EIO"])
async def test_a_disk_that_cannot_be_written_costs_no_mail(
    tmp_path: Path, keep: Keep, error: str
) -> None:
    home = house(tmp_path)
    async with Daemon(home) as daemon:
        async with injected(daemon.process, "pwrite64,pwritev", f"error={error}"):
            assert str(await deliver(daemon, ANA)).startswith(LATER)
        await until_reply(daemon, ANA, TAKEN)
    assert (journal(home), asked(home)) == (ONCE, ONCE)
    keep(account("F35", "the disk cannot be written", home, ONCE))


# --- F7: another process has the database ---


async def test_a_locked_database_loses_nothing(tmp_path: Path, keep: Keep) -> None:
    home = house(tmp_path)
    authors = [f"p{number}@example.net" for number in range(20)]
    async with Daemon(home) as daemon:
        assert await deliver(daemon, ANA) == TAKEN
        other = sqlite3.connect(tmp_path / "mailer.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        delivering = [asyncio.create_task(deliver(daemon, author)) for author in authors]
        _, waiting = await asyncio.wait(delivering, timeout=either(0.3, 60.0))
        assert (len(waiting) == len(authors)) is either(True, False)
        assert list(journal(home)) == [ANA]
        other.execute("ROLLBACK")
        other.close()
        replies = await asyncio.gather(*delivering)
        assert {reply for reply in replies if reply != TAKEN} <= {replies[0], None}
        for author in authors:
            assert await deliver(daemon, author) == TAKEN
    assert journal(home) == asked(home) == dict.fromkeys([ANA, *authors], 1)
    keep(account("F7", "a locked database", home, [ANA, *authors]))


# --- F31: a mail that cannot be processed ---

POISON = """
CREATE TRIGGER poison BEFORE INSERT ON subscriber WHEN NEW.address_key LIKE 'poison%'
BEGIN SELECT RAISE(ABORT, 'poison'); END"""


async def test_a_mail_that_fails_always_is_kept_aside_and_the_others_pass(
    tmp_path: Path, keep: Keep
) -> None:
    home = house(tmp_path)
    async with Daemon(home) as daemon:
        with sqlite3.connect(tmp_path / "mailer.db") as connection:
            connection.execute(POISON)
        connection.close()
        poison = [f"poison{number}@example.net" for number in range(5)]
        good = [f"p{number}@example.net" for number in range(20)]
        for time in range(4):
            authors = [*poison, *(good[time * 5 : time * 5 + 5])]
            random.shuffle(authors)
            replies = await asyncio.gather(*(deliver(daemon, author) for author in authors))
            told = dict(zip(authors, replies, strict=True))
            wanted = LATER if time < 2 else TAKEN
            assert {str(told[author])[: len(wanted)] for author in poison} == {wanted}
            assert {told[author] for author in authors if author not in poison} == {TAKEN}
        assert (await daemon.complaint()).count("mail.kept_aside") == len(poison)
        assert await daemon.stop() == 0
    assert journal(home) == dict.fromkeys([*poison, *good], 1)
    assert asked(home) == dict.fromkeys(good, 1)
    kept = home.rows(
        "SELECT outcome, failures, content FROM inbound JOIN blob ON blob.id = blob_id"
    )
    assert [row[:2] for row in kept] == [("kept aside: IntegrityError", 3)] * len(poison)
    assert sorted(bytes(row[2])[-40:] for row in kept) == sorted(wish(one)[-40:] for one in poison)  # type: ignore[call-overload]
    _, out, _ = await home.command("check", "--json")
    assert "5 mails could not be processed and are kept aside" in out.decode()
    owed = [*poison, *good]
    keep(account("F31", "5 mails that cannot be processed", home, owed, unanswered=poison))


# --- F33, F34: memory and files ---


async def test_many_large_mails_at_once_are_told_to_wait_their_turn(
    tmp_path: Path, keep: Keep
) -> None:
    size, memory = either((10_000_000, 200_000_000), (25_000_000, 400_000_000))
    at_once = 10
    home = house(tmp_path, max_message_bytes=str(size + 10_000))
    body = ("x" * 76 + "\r\n") * (size // 78)
    async with Daemon(home) as daemon:
        assert await deliver(daemon, ANA) == TAKEN
        hold_to(daemon.process.pid, address_space(daemon.process.pid) + memory)

        async def send(number: int) -> str | None:
            author = f"p{number}@example.net"
            mail = letter(author, SUBSCRIBE, "", body, message_id=f"<{number}@example.net>")
            async with Client("127.0.0.1", daemon.ports["smtp"]) as client:
                client.seconds = 60.0
                assert (await ready_for_content(client, author)).code == 354
                return await reply_or_loss(client, mail)

        left, said = set(range(at_once)), set[str]()
        for _ in range(4 * at_once):
            numbers = sorted(left)
            replies = await asyncio.gather(*(send(number) for number in numbers))
            said |= {reply[:10] for reply in replies if reply}
            left -= {n for n, reply in zip(numbers, replies, strict=True) if reply == TAKEN}
            taken = set(range(at_once)) - left
            assert set(journal(home)) >= {f"p{number}@example.net" for number in taken}
            if not left:
                break
        assert left == set()
        assert NO_ROOM in said
        assert said <= {TAKEN[:10], NO_ROOM, LATER}
        assert daemon.process.returncode is None
        assert await deliver(daemon, "after@example.net") == TAKEN
    assert set(journal(home).values()) == {1}
    owed = [ANA, "after@example.net", *(f"p{number}@example.net" for number in range(at_once))]
    keep(account("F33", f"{at_once} large mails at once", home, owed))


def address_space(pid: int) -> int:
    """How much a process has mapped, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGESIZE")


def hold_to(pid: int, octets: int) -> None:
    """Let a process have no more address space than that."""
    import resource

    resource.prlimit(pid, resource.RLIMIT_AS, (octets, octets))


async def test_too_few_files_keep_nobody_out_for_good(tmp_path: Path, keep: Keep) -> None:
    home = house(tmp_path)
    async with FewFiles(home, 64) as daemon, contextlib.AsyncExitStack() as stack:
        for _ in range(either(150, 1000)):
            with contextlib.suppress(OSError):
                client = Client("127.0.0.1", daemon.ports["smtp"])
                await stack.enter_async_context(client)
        await until_let_in(daemon)
        await stack.aclose()
        assert await deliver(daemon, "after@example.net") == TAKEN
        assert await daemon.stop() == 0
    assert journal(home) == {ANA: 1, "after@example.net": 1}
    keep(account("F34", "too few files", home, [ANA, "after@example.net"]))


async def until_let_in(daemon: Daemon) -> None:
    """Come again until there is room; who is sent away was told so, or lost the connection."""
    async with asyncio.timeout(30):
        while (reply := await deliver(daemon, ANA)) != TAKEN:
            assert reply is None or reply[:3] in ("421", "451")
            await asyncio.sleep(0.05)
