"""One connection: order, limits, closing, and the bytes that go over it."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer.config.model import Outbound, Security
from mailer.transport.carriage import is_mailbox, stuffed
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase
from mailer.transport.patience import Patience
from mailer.transport.replies import NotSmtp, Replies
from tests.examples import examples
from tests.peers import trouble
from tests.peers.sink import EXTENSIONS, Sink, SinkOptions
from tests.peers.trouble import Drop
from tests.transport.sending import (
    BRIEF,
    CONTENT,
    connected,
    hand_over,
    mail,
    settings,
)

BOTH = pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS - {"PIPELINING"}])
AT = trouble.Phase


def told(outcome: Outcome) -> tuple[Fate, Phase, int | None]:
    return outcome.fate, outcome.phase, outcome.code


@BOTH
async def test_mail_arrives_byte_for_byte(extensions: frozenset[str]) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        outcome = await hand_over(sink)
        (taken,) = sink.accepted
    assert told(outcome) == (Fate.SENT, Phase.DOT, 250)
    assert outcome.text == "2.0.0 taken"
    assert (taken.content, taken.addresses) == (CONTENT, ("ann@example.org",))
    assert sink.violations == []


@BOTH
async def test_the_connection_is_used_again_after_a_refusal(extensions: frozenset[str]) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        sink.trouble(AT.RCPT, reply="550 5.1.1 unknown", times=1)
        async with connected(settings(sink)) as transport:
            refused = await transport.send(mail())
            sent = await transport.send(mail("bob@example.org"))
        assert [one.addresses for one in sink.accepted] == [("bob@example.org",)]
    assert told(refused) == (Fate.REFUSED, Phase.RCPT, 550)
    assert sent.fate is Fate.SENT
    assert sink.connections == 1
    assert [line for _, line in sink.commands].count(b"RSET") == 1
    assert sink.violations == []


@BOTH
@pytest.mark.parametrize("phase", [AT.MAIL, AT.RCPT, AT.DATA, AT.DOT])
async def test_421_closes_the_connection_and_the_next_mail_gets_a_new_one(
    phase: AT, extensions: frozenset[str]
) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        sink.trouble(phase, reply="421 4.3.2 going down", times=1)
        async with connected(settings(sink)) as transport:
            first = await transport.send(mail())
            second = await transport.send(mail())
    assert told(first) == (Fate.OUTAGE, Phase(phase.value), 421)
    assert second.fate is Fate.SENT
    assert sink.connections == 2


@BOTH
async def test_a_refusal_counts_even_if_the_server_then_goes_away(
    extensions: frozenset[str],
) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        sink.trouble(AT.RCPT, reply="550 5.1.1 unknown", drop=Drop.AFTER)
        outcome = await hand_over(sink)
    assert told(outcome) == (Fate.REFUSED, Phase.RCPT, 550)


async def test_a_refused_rset_ends_the_connection_but_not_the_verdict() -> None:
    async with Sink() as sink:
        sink.trouble(AT.MAIL, reply="552 5.3.4 too large", times=1)
        sink.trouble(AT.RSET, reply="500 what", times=1)
        async with connected(settings(sink)) as transport:
            assert told(await transport.send(mail())) == (Fate.REFUSED, Phase.MAIL, 552)
            assert (await transport.send(mail())).fate is Fate.SENT
        assert sink.connections == 2


@pytest.mark.parametrize(
    ("phase", "reply"),
    [(AT.MAIL, "354 go"), (AT.RCPT, "354 go"), (AT.DATA, "250 fine"), (AT.DOT, "354 more")],
)
async def test_a_reply_that_makes_no_sense_sends_nothing_further(phase: AT, reply: str) -> None:
    async with Sink(SinkOptions(extensions=frozenset())) as sink:
        sink.trouble(phase, reply=reply, times=1)
        async with connected(settings(sink)) as transport:
            outcome = await transport.send(mail())
            assert outcome.phase == phase.value
            assert outcome.fate not in (Fate.SENT, Fate.REFUSED)
            assert (await transport.send(mail())).fate is Fate.SENT
        assert sink.connections == 2
        assert not any(b"Subject" in line for _, line in sink.commands)


@BOTH
@pytest.mark.parametrize("drop", [Drop.BEFORE, Drop.RESET])
@pytest.mark.parametrize(
    ("phase", "fate"),
    [
        (AT.MAIL, Fate.OUTAGE),
        (AT.RCPT, Fate.DEFERRED),
        (AT.DATA, Fate.DEFERRED),
        (AT.DOT, Fate.DOUBT),
    ],
)
async def test_a_broken_connection_is_in_doubt_only_after_the_dot(
    phase: AT, fate: Fate, drop: Drop, extensions: frozenset[str]
) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        sink.trouble(phase, drop=drop)
        outcome = await hand_over(sink)
    assert outcome.fate is fate
    assert outcome.code is None


async def test_a_large_mail_that_was_cut_before_its_last_piece_is_not_in_doubt() -> None:
    async with Sink() as sink:
        sink.trouble(AT.BODY, drop=Drop.RESET)
        outcome = await hand_over(sink, mail(content=b"x" * 70 + b"\r\n" + b"a\r\n" * 3_000_000))
    assert told(outcome) == (Fate.DEFERRED, Phase.DATA, None)


async def test_a_large_mail_arrives_in_pieces() -> None:
    content = CONTENT + b".x\r\n" * 100_000
    async with Sink() as sink:
        async with connected(settings(sink), Patience()) as transport:
            assert (await transport.send(mail(content=content))).fate is Fate.SENT
        (taken,) = sink.accepted
    assert taken.content == content


async def test_taken_and_then_gone_is_sent() -> None:
    async with Sink() as sink:
        sink.trouble(AT.DOT, drop=Drop.AFTER)
        async with connected(settings(sink)) as transport:
            assert (await transport.send(mail())).fate is Fate.SENT


@pytest.mark.parametrize("phase", [AT.MAIL, AT.RCPT, AT.DATA, AT.DOT])
async def test_silence_ends_the_connection_within_the_limit_of_its_phase(phase: AT) -> None:
    async with Sink(SinkOptions(extensions=frozenset())) as sink:
        sink.trouble(phase, delay_seconds=30)
        outcome = await hand_over(sink, patience=BRIEF)
    assert outcome.phase == phase.value
    assert "for 0.2 s" in outcome.text
    assert outcome.fate is {AT.MAIL: Fate.OUTAGE, AT.DOT: Fate.DOUBT}.get(phase, Fate.DEFERRED)


@BOTH
async def test_replies_byte_by_byte_are_read(extensions: frozenset[str]) -> None:
    async with Sink(SinkOptions(byte_by_byte=True, extensions=extensions)) as sink:
        assert (await hand_over(sink)).fate is Fate.SENT


@pytest.mark.parametrize(
    "reply",
    [
        b"hello\r\n",
        b"\r\n",
        b"2500 x\r\n",
        b"99\r\n",
        b"250-one\r\n550 two\r\n",
        b"\x00\xff\xfe\r\n",
        b"2" * 4_000_000,
        b"250-more\r\n" * 400_000,
        b"250 fine\r\n250 and again\r\n250 and again\r\n",
    ],
)
@pytest.mark.parametrize("phase", [AT.MAIL, AT.DATA, AT.DOT])
async def test_what_is_no_reply_ends_the_connection(phase: AT, reply: bytes) -> None:
    async with Sink(SinkOptions(extensions=frozenset())) as sink:
        sink.trouble(phase, reply=reply, times=1)
        async with connected(settings(sink)) as transport:
            outcome = await transport.send(mail())
            assert (await transport.send(mail())).fate is Fate.SENT
        assert sink.connections == 2
    fine = phase is AT.DOT and reply.startswith(b"250 fine")
    assert (outcome.fate is Fate.SENT) is fine
    assert len(outcome.text) <= 1000


async def test_a_reply_before_the_content_is_not_taken_for_the_final_one() -> None:
    async with Sink() as sink:
        sink.trouble(AT.DATA, reply=b"354 go\r\n250 taken already\r\n")
        outcome = await hand_over(sink)
    assert told(outcome) == (Fate.DEFERRED, Phase.DATA, None)


async def test_size_is_stated_and_what_is_too_large_is_not_tried() -> None:
    async with Sink(SinkOptions(size_limit=1000)) as sink:
        assert (await hand_over(sink)).fate is Fate.SENT
        assert f"SIZE={len(CONTENT)}" in sink.accepted[0].parameters
        exact = await hand_over(sink, mail(content=b"a" * 998 + b"\r\n"))
        over = await hand_over(sink, mail(content=b"a" * 999 + b"\r\n"))
    assert exact.fate is Fate.SENT
    assert told(over) == (Fate.REFUSED, Phase.MAIL, None)
    assert len(sink.transactions) == 2


@pytest.mark.parametrize("offered", [True, False])
async def test_an_address_outside_ascii_needs_smtputf8(offered: bool) -> None:
    extensions = EXTENSIONS if offered else EXTENSIONS - {"SMTPUTF8"}
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        outcome = await hand_over(sink, mail("δοκιμή@xn--bcher-kva.example"))
        plain = await hand_over(sink, mail("x@xn--bcher-kva.example"))
    assert plain.fate is Fate.SENT
    assert sink.violations == []
    if offered:
        assert outcome.fate is Fate.SENT
        assert "SMTPUTF8" in sink.accepted[0].parameters
        assert sink.accepted[0].addresses == ("δοκιμή@xn--bcher-kva.example",)
    else:
        assert (outcome.fate, outcome.phase) == (Fate.REFUSED, Phase.RCPT)
        assert outcome.text.startswith("5.6.7")


@pytest.mark.parametrize("offered", [True, False])
async def test_reports_are_asked_for_only_where_dsn_is_offered(offered: bool) -> None:
    extensions = EXTENSIONS if offered else EXTENSIONS - {"DSN"}
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        assert (await hand_over(sink)).fate is Fate.SENT
        (taken,) = sink.accepted
        words = {*taken.parameters, *taken.recipients[0].parameters}
        asked = {"RET=HDRS", "ENVID=0", "NOTIFY=FAILURE,DELAY"}
        assert words & asked == (asked if offered else set())
        assert sink.violations == []


async def test_8bit_content_needs_8bitmime() -> None:
    content = "Subject: ü\r\n\r\nü\r\n".encode()
    async with Sink() as sink:
        assert (await hand_over(sink, mail(content=content))).fate is Fate.SENT
        assert "BODY=8BITMIME" in sink.accepted[0].parameters
    async with Sink(SinkOptions(extensions=EXTENSIONS - {"8BITMIME"})) as sink:
        outcome = await hand_over(sink, mail(content=content))
        assert (outcome.fate, sink.transactions) == (Fate.REFUSED, [])


@pytest.mark.parametrize(
    "content", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\nRCPT TO:<x@y>\r\n", b"a\0b\r\n", b"a\r"]
)
async def test_bare_line_ends_and_nul_never_go_out(content: bytes) -> None:
    async with Sink() as sink:
        assert (await hand_over(sink, mail(content=content))).fate is Fate.REFUSED
        assert sink.transactions == []


INJECTIONS = [
    "u@x>\r\nRCPT TO:<z@example.org",
    "u@example.org\nRCPT TO:<z@example.org>",
    "u@x> NOTIFY=NEVER",
    "u@x\0y",
    "",
    "no-at-sign",
    "a b@example.org",
    '"a\r\nb"@example.org',
    '"a"b"@example.org',
    "u@x,y",
    "a" * 260 + "@example.org",
    "u@x\u2028y",
    "\udc80@example.org",
]


@pytest.mark.parametrize("address", INJECTIONS)
async def test_what_is_no_address_never_reaches_the_wire(address: str) -> None:
    async with Sink() as sink:
        outcome = await hand_over(sink, mail(address))
        returned = await hand_over(sink, mail(sender=address)) if address else outcome
    assert outcome.fate is Fate.REFUSED
    assert returned.fate is Fate.REFUSED
    assert not any(re.match(rb"(?i)MAIL|RCPT", line) for _, line in sink.commands)


async def test_an_unusual_address_and_the_null_sender_are_carried() -> None:
    async with Sink() as sink:
        assert (await hand_over(sink, mail('"a b"@example.org', sender=""))).fate is Fate.SENT
        assert any(line.startswith(b'RCPT TO:<"a b"@example.org>') for _, line in sink.commands)
        assert any(line.startswith(b"MAIL FROM:<> ") for _, line in sink.commands)


@given(st.text(max_size=40), st.text(max_size=40))
@hypothesis_settings(max_examples=examples(200), deadline=None)
def test_no_address_can_end_its_path(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    if is_mailbox(address):
        assert not re.search(r"[\r\n\0]", address)
        if '"' not in address:
            assert not re.search(r"[<>\s]", address)


@given(
    st.lists(st.sampled_from([b".", b"..", b"a", b"", b".\r\n", b"\r\n", b"\r\n."]), max_size=12)
)
@hypothesis_settings(max_examples=examples(200), deadline=None)
def test_dots_survive_and_only_the_end_is_a_lone_dot(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    mail = Outgoing(id=1, sender="", recipient="a@example.org", content=content)
    wire = stuffed(mail)
    *lines, end, after = wire.split(b"\r\n")
    assert (end, after) == (b".", b"")
    assert b"." not in lines
    back = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)
    assert back == (content if not content or content.endswith(b"\r\n") else content + b"\r\n")


@given(st.binary(max_size=300), st.integers(1, 40))
@hypothesis_settings(max_examples=examples(200), deadline=None)
def test_reading_replies_never_raises_anything_else(data: bytes, step: int) -> None:
    replies = Replies()
    replies.expect(3)
    try:
        for start in range(0, len(data), step):
            replies.feed(data[start : start + step])
    except NotSmtp:
        return
    while replies:
        assert 200 <= replies.take().code < 600


async def test_the_end_waits_for_what_is_under_way() -> None:
    async with Sink() as sink:
        sink.trouble(AT.DOT, delay_seconds=0.05)
        async with connected(settings(sink), Patience()) as sender:
            waiting = asyncio.create_task(sender.send(mail()))
            await sink.wait_until(lambda: bool(sink.transactions))
        assert (await waiting).fate is Fate.SENT
        assert sink.commands[-1][1] == b"QUIT"


async def test_an_end_that_is_cut_short_says_what_is_known_by_then() -> None:
    async with Sink() as sink:
        sink.trouble(AT.DOT, delay_seconds=30)
        async with connected(settings(sink), Patience()) as sender:
            waiting = asyncio.create_task(sender.send(mail()))
            await sink.wait_until(lambda: bool(sink.transactions))
            sender.cut()
            assert told(await waiting) == (Fate.DOUBT, Phase.DOT, None)


async def test_data_that_is_taken_without_a_recipient_gets_no_content() -> None:
    heard: list[bytes] = []
    gone = asyncio.Event()

    async def careless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 careless\r\n")
        heard.append(await reader.readline())
        writer.write(b"250-careless\r\n250 PIPELINING\r\n")
        heard.append(await reader.readuntil(b"DATA\r\n"))
        writer.write(b"250 ok\r\n550 5.1.1 unknown\r\n354 go\r\n")
        with contextlib.suppress(ConnectionResetError):
            heard.append(await reader.read())
        writer.close()
        gone.set()

    server = await asyncio.start_server(careless, "127.0.0.1", 0)
    async with server:
        outbound = Outbound(
            host="127.0.0.1",
            port=server.sockets[0].getsockname()[1],
            security=Security.NONE,
        )
        async with connected(outbound) as sender:
            assert told(await sender.send(mail())) == (Fate.REFUSED, Phase.RCPT, 550)
        await asyncio.wait_for(gone.wait(), 5)
    assert b"".join(heard[2:]) == b""
