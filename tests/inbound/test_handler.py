"""What becomes of a mail: durable before 250, refused at RCPT, one reply for each by LMTP."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator
from email import message_from_bytes
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.inbound import room
from mailer.inbound.handler import MAX_RECIPIENTS
from mailer.intake.context import Outcome
from mailer.intake.delivery import Intake
from mailer.intake.quarantine import opened
from mailer.message.address import Address, Recipient
from mailer.message.incoming import Incoming
from mailer.parts import Parts
from mailer.store import engine, people
from mailer.store.engine import Connection
from tests.inbound.conftest import LIMIT, Doors, Opening, journal, kept
from tests.outbox_reader import templates
from tests.peers.client import Client
from tests.world import ANA, SERIES, letter

TO = SERIES.address
SUBSCRIBE = "webinars+subscribe@lists.example.org"
OWNER = "webinars+owner@lists.example.org"  # keeps every mail
HELP = "webinars+help@lists.example.org"
MAIL = letter("ana@example.net", TO, "help")
BOTH = pytest.mark.parametrize("source", ["smtp", "lmtp"])


@pytest_asyncio.fixture
async def client(doors: Doors) -> AsyncIterator[Client]:
    async with doors.client() as client:
        yield client


async def last(client: Client, to: str = TO, mail: bytes = MAIL, sender: str = "a@b.org") -> str:
    return str((await client.mail(sender, [to], mail))[-1])


@BOTH
async def test_a_mail_that_is_taken_has_its_effect(doors: Doors, parts: Parts, source: str) -> None:
    async with doors.client(source) as client:
        assert await last(client, SUBSCRIBE) == "250 2.0.0 Taken"
    assert await journal(parts) == [(source, SUBSCRIBE, "asked to confirm")]
    assert await templates(parts) == ["confirmation"]


@BOTH
async def test_no_reply_tells_who_is_subscribed(doors: Doors, parts: Parts, source: str) -> None:
    """S14: every reply of a whole session, for every command that From alone can give. How long
    they take is told by bench/telling.py."""
    await parts.store.write(partial(asked_before, parts))
    for word in ("subscribe", "status", "unsubscribe", "preferences", "help", "programme"):
        said = set()
        for key in ("active@example.net", "pending@example.net", "nobody@example.net"):
            to = f"webinars+{word}@lists.example.org"
            async with doors.client(source) as client:
                replies = await client.mail(key, [to], letter(key, to, "language fr"))
            said.add("|".join(map(str, replies)))
        assert len(said) == 1, word


async def asked_before(parts: Parts, connection: Connection) -> None:
    """Somebody is subscribed, somebody was asked."""
    for key in ("active@example.net", "pending@example.net"):
        one = await people.ask(
            connection,
            series_id=SERIES.id,
            address=Address(key=key, mailbox=key),
            language=None,
            now=parts.clock.now(),
        )
        if key.startswith("active"):
            await people.activate(connection, one.id, now=parts.clock.now())


@BOTH
async def test_250_comes_only_after_the_commit(
    doors: Doors, parts: Parts, tmp_path: Path, source: str
) -> None:
    other = sqlite3.connect(tmp_path / "mailer.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with doors.client(source) as client:
        await client.pipeline(["MAIL FROM:<a@b.org>", f"RCPT TO:<{HELP}>", "DATA"])
        await client.send(MAIL + b".\r\n")
        reply = asyncio.create_task(client.reply())
        await asyncio.wait([reply], timeout=0.1)
        assert not reply.done()
        assert await journal(parts) == []
        other.execute("ROLLBACK")
        assert (await reply).code == 250
    seen = other.execute("SELECT count(*) FROM inbound").fetchone()
    other.close()
    assert seen == (1,)


NOT_OURS = [
    "nobody@lists.example.org",
    "webinars+nonsense@lists.example.org",
    "webinars+confirm-short@lists.example.org",
    "webinars@example.org",
    "webinars",
    "a" * 64 + "@lists.example.org",
    '"webinars+x"@lists.example.org',
]


@BOTH
async def test_what_is_not_ours_is_refused_at_rcpt(doors: Doors, source: str, parts: Parts) -> None:
    async with doors.client(source) as client:
        await client.say("MAIL FROM:<ana@example.net>")
        for address in NOT_OURS:
            reply = await client.say(f"RCPT TO:<{address}>")
            assert str(reply) == "550 5.1.1 No such address here", address
        assert (await client.say("DATA")).code == 503
    assert await journal(parts) == []


OURS = [
    "postmaster",
    "PostMaster",
    "POSTMASTER@lists.example.org",
    "postmaster@LISTS.example.org",
    "Webinars@Lists.Example.Org",
    "WEBINARS+SUBSCRIBE@lists.example.org",
    "webinars-help@lists.example.org",
    f"webinars+bounce-{'a' * 26}@lists.example.org",
    '"webinars"@lists.example.org',
    "@relay.example.net:webinars@lists.example.org",
]


async def test_what_is_ours_is_taken_from_the_null_sender_too(client: Client, parts: Parts) -> None:
    for address in OURS:
        assert await last(client, address, sender="") == "250 2.0.0 Taken", address
    assert len(await journal(parts)) == 7  # some are spellings of one address


async def test_the_null_sender_never_gets_an_answer(client: Client, parts: Parts) -> None:
    words = ("subscribe", "join", "help", "programme", "status", "unsubscribe", "leave")
    for address in (TO, *(f"webinars+{word}@lists.example.org" for word in words)):
        await last(client, address, sender="")
    assert [entry[2] for entry in await journal(parts)] == ["ignored: null-sender"] * 8
    assert await templates(parts) == []


async def test_lmtp_answers_once_for_each_recipient_taken(doors: Doors, parts: Parts) -> None:
    async with doors.client("lmtp") as client:
        replies = await client.pipeline(
            [
                "MAIL FROM:<ana@example.net>",
                f"RCPT TO:<{HELP}>",
                "RCPT TO:<nobody@lists.example.org>",
                f"RCPT TO:<{TO}>",
                f"RCPT TO:<{HELP}>",
                "DATA",
            ]
        )
        assert [reply.code for reply in replies] == [250, 250, 550, 250, 250, 354]
        await client.send(MAIL + b".\r\nNOOP\r\n")
        said = [str(await client.reply()) for _ in range(4)]
    assert said == ["250 2.0.0 Taken"] * 3 + ["250 2.0.0 OK"]
    assert sorted(entry[1] for entry in await journal(parts)) == sorted([HELP, TO])


@pytest.mark.parametrize("content", [MAIL + b"x\r\n" * LIMIT, MAIL + b"bare\nline\r\n"])
async def test_lmtp_answers_a_mail_refused_as_a_whole_for_each_recipient(
    doors: Doors, content: bytes, parts: Parts
) -> None:
    async with doors.client("lmtp") as client:
        await client.pipeline(
            ["MAIL FROM:<a@b.org>", f"RCPT TO:<{TO}>", f"RCPT TO:<{HELP}>", "DATA"]
        )
        await client.send(content + b".\r\nNOOP\r\n")
        codes = [(await client.reply()).code for _ in range(3)]
    assert codes[0] == codes[1]
    assert (codes[0] in (552, 550), codes[2]) == (True, 250)
    assert await journal(parts) == []


class Surprising(Intake):
    """An intake that fails for one address in a way that nobody foresaw."""

    async def take(
        self, mail: Incoming, recipient: Recipient, *, address: str, source: str
    ) -> Outcome:
        if address == HELP:
            raise RuntimeError("secret-cause")
        return await super().take(mail, recipient, address=address, source=source)


class Unreadable(Intake):
    """An intake that cannot read a mail."""

    def read(self, content: bytes, *, sender: str | None) -> Incoming:
        raise RecursionError("secret-cause")


def instead(kind: type[Intake], parts: Parts) -> Intake:
    """The intake of the parts, but of another kind."""
    parts.intake.__class__ = kind
    return parts.intake


async def test_lmtp_tells_mixed_results_in_the_order_of_recipients(
    opening: Opening, parts: Parts
) -> None:
    async with opening(instead(Surprising, parts)) as doors, doors.client("lmtp") as client:
        await client.pipeline(
            ["MAIL FROM:<a@b.org>"] + [f"RCPT TO:<{to}>" for to in (TO, HELP, SUBSCRIBE)] + ["DATA"]
        )
        await client.send(MAIL + b".\r\n")
        assert [(await client.reply()).code for _ in range(3)] == [250, 451, 250]


@BOTH
@pytest.mark.parametrize("kind", [Surprising, Unreadable])
async def test_a_surprise_is_temporary_and_keeps_its_cause_to_itself(
    opening: Opening, parts: Parts, source: str, kind: type[Intake]
) -> None:
    async with opening(instead(kind, parts)) as doors, doors.client(source) as client:
        await client.pipeline(
            ["MAIL FROM:<a@b.org>", f"RCPT TO:<{HELP}>", f"RCPT TO:<{HELP}>", "DATA"]
        )
        await client.send(MAIL + b".\r\n")
        replies = [str(await client.reply()) for _ in range(2 if source == "lmtp" else 1)]
        assert {reply[:10] for reply in replies} == {"451 4.3.0 "}
        assert "secret" not in "".join(replies)
        assert (await client.say("MAIL FROM:<next@b.org>")).code == 250  # nothing is left over
    assert {outcome for _, _, outcome in await journal(parts)} <= {"failing"}
    assert await templates(parts) == []


async def test_a_mail_that_cannot_be_read_is_kept_aside_at_the_third_time(
    opening: Opening, parts: Parts
) -> None:
    async with opening(instead(Unreadable, parts)) as doors:
        replies = []
        for source in ("smtp", "lmtp", "smtp", "lmtp"):
            async with doors.client(source) as client:
                replies.append((await last(client, HELP))[:4])
    assert replies == ["451 ", "451 ", "250 ", "250 "]
    assert await journal(parts) == [("smtp", HELP, "kept aside: RecursionError")]
    assert [opened(one)[::2] for one in await kept(parts)] == [(MAIL, HELP)]


@BOTH
async def test_nothing_is_taken_once_the_disk_is_not_to_be_trusted(
    doors: Doors, parts: Parts, source: str
) -> None:
    async with doors.client(source) as client:
        assert await last(client) == "250 2.0.0 Taken"
        parts.store.fault = "it did not confirm"
        assert (await client.say("MAIL FROM:<a@b.org>")).code == 451
        assert (await client.say("NOOP")).code == 250
    assert len(await journal(parts)) == 1


async def test_mails_that_are_too_much_together_are_told_to_come_later(
    opening: Opening, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FREE_OCTETS", 0)
    monkeypatch.setattr(room, "LEAST_OCTETS_IN_MEMORY", 0)  # so two of the largest, 40,000 octets
    half = MAIL + b"x" * (LIMIT - len(MAIL) - 100) + b"\r\n"
    begin = ["MAIL FROM:<a@b.org>", f"RCPT TO:<{HELP}>", "DATA"]
    async with opening() as doors, contextlib.AsyncExitStack() as stack:
        first, second, third = [await stack.enter_async_context(doors.client()) for _ in range(3)]
        for client in (first, second):
            await client.pipeline(begin)
            await client.send(half)
            for _ in range(20):  # until it is read; every turn of the loop reads some
                await asyncio.sleep(0.001)
        assert (await third.say("MAIL FROM:<a@b.org> SIZE=15000")).code == 452
        assert (await last(third, HELP, half)).startswith("452 4.3.1 ")
        assert (await third.say("NOOP")).code == 250
        for client in (first, second):
            await client.send(b".\r\n")
            assert (await client.reply()).code == 250
        assert (await last(third, HELP, half)).startswith("250 ")
    assert len(await journal(parts)) == 1


async def test_replies_to_pipelined_commands_leave_together(doors: Doors) -> None:
    async with doors.client() as client:
        said = ["MAIL FROM:<a@b.org>", f"RCPT TO:<{HELP}>", "RCPT TO:<x@y.org>", "RCPT TO:<>"]
        await client.send("".join(f"{line}\r\n" for line in [*said, "NOOP"]).encode())
        first = await client._reader.readuntil(b"\r\n")
        assert first == b"250 2.1.0 Fine\r\n"
        assert bytes(client._reader._buffer).count(b"\r\n") == len(said)  # type: ignore[attr-defined]
        assert [(await client.reply()).code for _ in said] == [250, 550, 501, 250]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that waits 50 ms for a lock; asked for before it is opened."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.05)


@BOTH
async def test_a_locked_database_is_temporary_and_recovers(
    impatient: None, opening: Opening, tmp_path: Path, source: str
) -> None:
    async with opening() as doors, doors.client(source) as client:
        other = sqlite3.connect(tmp_path / "mailer.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await client.pipeline(
            ["MAIL FROM:<a@b.org>", f"RCPT TO:<{HELP}>", f"RCPT TO:<{TO}>", "DATA"]
        )
        await client.send(MAIL + b".\r\n")
        replies = [str(await client.reply()) for _ in range(2 if source == "lmtp" else 1)]
        assert {reply[:10] for reply in replies} == {"451 4.3.0 "}
        other.execute("ROLLBACK")
        other.close()
        assert (await last(client, HELP)).startswith("250 ")


ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\n.\r",
    b"\r.\r\n",
]


@BOTH
@pytest.mark.parametrize("end", ENDS)
async def test_only_crlf_dot_crlf_ends_a_mail(
    doors: Doors, source: str, end: bytes, parts: Parts
) -> None:
    """What a smuggler would have us take for a second mail is part of the first (S16)."""
    async with doors.client(source) as client:
        await client.pipeline(["MAIL FROM:<a@b.org>", f"RCPT TO:<{TO}>", "DATA"])
        smuggled = f"MAIL FROM:<evil@b.org>\r\nRCPT TO:<{SUBSCRIBE}>\r\nDATA\r\nx".encode()
        await client.send(MAIL + b"one" + end + smuggled + b"\r\n.\r\n")
        assert str(await client.reply()) == "550 5.6.11 Bare CR or LF in the mail"
        assert (await client.say("NOOP")).code == 250
    assert await journal(parts) == []


@pytest.mark.parametrize(
    "bare",
    [MAIL.replace(b"Subject: help\r\n", b"Subject: help\nBcc: x@y\r\n"), b"A: b\rC: d\r\n\r\n"],
)
async def test_bare_line_ends_in_the_header_are_refused(client: Client, bare: bytes) -> None:
    assert await last(client, mail=bare) == "550 5.6.11 Bare CR or LF in the mail"


async def test_dots_come_through(client: Client, parts: Parts) -> None:
    mail = letter(ANA.mailbox, OWNER, "A question", ".\r\n..\r\n.a\r\nHow does this work?")
    await last(client, OWNER, mail)
    (content,) = await kept(parts)
    assert content.endswith(mail)


async def test_a_received_field_is_put_before(doors: Doors, parts: Parts) -> None:
    for source, protocol in (("smtp", "ESMTP"), ("lmtp", "LMTP")):
        mail = letter(ANA.mailbox, OWNER, f"A question by {source}", "How does this work?")
        async with doors.client(source) as client:
            await last(client, OWNER, mail)
        content = (await kept(parts))[-1]
        assert content.endswith(mail)
        assert content[: -len(mail)].decode() == (
            "Received: from client.example.org ([127.0.0.1])\r\n"
            f"\tby lists.example.org with {protocol}; Thu, 01 Oct 2026 12:00:00 +0000\r\n"
        )


async def test_a_greeting_cannot_forge_a_field(doors: Doors, parts: Parts) -> None:
    async with doors.client(greeted=False) as client:
        await client.reply()
        await client.say("EHLO x\r(evil) by\x0bme\x00; <a@b>")
        mail = letter(ANA.mailbox, OWNER, "A question", "How does this work?")
        await last(client, OWNER, mail)
    (content,) = await kept(parts)
    fields = message_from_bytes(content).get_all("Received")
    assert fields is not None
    assert re.fullmatch(r"from [\w?.:-]+ \(\[127\.0\.0\.1\]\)\r\n\tby .+", fields[0])


async def test_a_mail_that_went_round_is_not_answered(client: Client, parts: Parts) -> None:
    hops = "Received: from a by b; Thu, 01 Oct 2026 12:00:00 +0000\r\n" * 101
    await last(client, SUBSCRIBE, hops.encode() + MAIL)
    assert [entry[2] for entry in await journal(parts)] == ["ignored: loop"]
    assert await templates(parts) == []


@BOTH
async def test_100_recipients(doors: Doors, source: str, parts: Parts) -> None:
    async with doors.client(source) as client:
        recipients = [f"webinars+bounce-{n:026d}" for n in range(100)]
        made = [name.translate(str.maketrans("0189", "abcd")) for name in recipients]
        replies = await client.mail("a@b.org", [f"{name}@lists.example.org" for name in made], MAIL)
        assert {reply.code for reply in replies[:-2]} == {250}
        if source == "lmtp":
            assert [(await client.reply()).code for _ in range(99)] == [250] * 99
        assert replies[-1].code == 250
        assert (await client.say("NOOP")).code == 250
    assert len(await journal(parts)) == 100


async def test_more_recipients_than_the_limit_come_in_another_mail(client: Client) -> None:
    await client.say("MAIL FROM:<a@b.org>")
    codes = [(await client.say(f"RCPT TO:<{TO}>")).code for _ in range(MAX_RECIPIENTS + 1)]
    assert codes == [250] * MAX_RECIPIENTS + [452]


async def test_the_same_mail_five_times_at_once_by_two_ways_has_one_effect(
    doors: Doors, parts: Parts
) -> None:
    async def deliver(source: str, number: int) -> str:
        async with doors.client(source) as client:
            trace = f"Received: by hop{number}.example.org; Thu, 01 Oct 2026 12:00:00 +0000\r\n"
            return await last(client, SUBSCRIBE, trace.encode() + MAIL)

    ways = ["smtp", "lmtp", "smtp", "lmtp", "smtp"]
    replies = await asyncio.gather(*(deliver(way, n) for n, way in enumerate(ways)))
    assert replies == ["250 2.0.0 Taken"] * 5
    assert len(await journal(parts)) == 1
    assert await templates(parts) == ["confirmation"]


async def test_the_same_identifier_on_another_mail_is_another_mail(
    client: Client, parts: Parts
) -> None:
    for body in ("one", "two"):
        mail = letter("ana@example.net", HELP, "", body, message_id="<same@example.net>")
        assert (await last(client, HELP, mail)).startswith("250")
    assert len(await journal(parts)) == 2


async def test_a_peer_that_is_gone_before_the_reply_may_come_again(
    doors: Doors, parts: Parts
) -> None:
    for _ in range(3):
        async with doors.client() as client:
            await client.pipeline(["MAIL FROM:<a@b.org>", f"RCPT TO:<{SUBSCRIBE}>", "DATA"])
            await client.send(MAIL + b".\r\n")
    async with doors.client() as client:
        assert await last(client, SUBSCRIBE) == "250 2.0.0 Taken"
    assert len(await journal(parts)) == 1
    assert await templates(parts) == ["confirmation"]


async def test_a_mail_that_was_cut_has_no_effect(doors: Doors, parts: Parts) -> None:
    async with doors.client() as client:
        await client.pipeline(["MAIL FROM:<a@b.org>", f"RCPT TO:<{SUBSCRIBE}>", "DATA"])
        await client.send(MAIL)
    async with doors.client() as client:
        assert (await client.say("NOOP")).code == 250
    assert await journal(parts) == []
