"""One connection: order, limits, closing, and the bytes that go over it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer.config.model import Outbound, Security
from mailer.transport.carriage import is_mailbox, stuffed
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase
from mailer.transport.patience import Patience
from mailer.transport.replies import NotSmtp, Replies
from mailer.transport.smtp import SmtpTransport
from tests.examples import examples
from tests.peers import trouble
from tests.peers.sink import EXTENSIONS, Sink, SinkOptions
from tests.peers.trouble import Drop
from tests.transport.sending import (
    BRIEF,
    CONTENT,
    PATIENT,
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


class Queue:
    """A source that gives what it has; what comes back is kept in order."""

    def __init__(self, *recipients: str, content: bytes = CONTENT) -> None:
        self.waiting = deque(mail(one, content=content) for one in recipients)
        self.wanted = len(recipients)
        self.told: list[tuple[str, Fate, Phase]] = []
        self.untaken: list[str] = []
        self.changed = asyncio.Event()
        self.room = True
        self.unwanted: set[str] = set()

    def take(self) -> Outgoing | None:
        return self.waiting.popleft() if self.waiting else None

    def may_hand_over(self) -> bool:
        return self.room

    def may_still(self, outgoing: Outgoing) -> bool:
        return outgoing.recipient not in self.unwanted

    def untake(self, outgoing: Outgoing) -> None:
        self.untaken.append(outgoing.recipient)
        self.waiting.appendleft(outgoing)
        self.changed.set()

    def done(self, outgoing: Outgoing, outcome: Outcome) -> None:
        self.told.append((outgoing.recipient, outcome.fate, outcome.phase))
        self.changed.set()

    def unreachable(self, outcome: Outcome) -> None:
        while self.waiting:
            self.done(self.waiting.popleft(), outcome)


async def carried(sink: Sink, source: Queue, *, connections: int = 1) -> None:
    """Have every mail of a source carried."""
    transport = SmtpTransport(settings(sink), hostname="lists.example.org", patience=PATIENT)
    carrier = transport.carrier(source, connections=connections)
    async with asyncio.timeout(5):
        while len(source.told) < source.wanted:
            source.changed.clear()
            carrier.wake(len(source.waiting))
            await source.changed.wait()
    await carrier.end()


def words(sink: Sink) -> list[bytes]:
    """The commands as they came, without what follows the verb."""
    return [line[:4] for _, line in sink.commands]


async def data_came(sink: Sink) -> None:
    await sink.wait_until(lambda: words(sink)[-1:] == [b"DATA"])


SENT, AGAIN = (Fate.SENT, Phase.DOT), (Fate.DEFERRED, Phase.RCPT)
ENVELOPE = [b"MAIL", b"RCPT", b"DATA"]


async def test_the_end_of_a_mail_and_the_next_envelope_leave_in_one_write() -> None:
    async with Sink() as sink:
        source = Queue("a@example.org", "b@example.org", "c@example.org")
        await carried(sink, source)
        assert source.told == [(one.addresses[0], *SENT) for one in sink.accepted]
        assert words(sink) == [b"EHLO", *ENVELOPE * 3, b"QUIT"]
        assert sink.violations == []
        assert [one.followed for one in sink.accepted] == [True, True, False]


async def test_without_pipelining_nothing_is_sent_ahead() -> None:
    async with Sink(SinkOptions(extensions=EXTENSIONS - {"PIPELINING"})) as sink:
        sink.trouble(AT.RCPT, matching="^b@", reply="550 5.1.1 unknown")
        source = Queue("a@example.org", "b@example.org", "c@example.org")
        await carried(sink, source)
        assert [fate for _, fate, _ in source.told] == [Fate.SENT, Fate.REFUSED, Fate.SENT]
        sequence = [b"EHLO", *ENVELOPE, b"MAIL", b"RCPT", b"RSET", *ENVELOPE, b"QUIT"]
        assert words(sink) == sequence
        assert sink.violations == []


@BOTH
async def test_a_mail_waits_behind_its_envelope_until_it_may_be_handed_over(
    extensions: frozenset[str],
) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        source = Queue("a@example.org", "b@example.org")
        source.room = False
        transport = SmtpTransport(settings(sink), hostname="lists.example.org", patience=PATIENT)
        carrier = transport.carrier(source, connections=1)
        carrier.wake(2)
        await data_came(sink)
        carrier.wake(1)
        await asyncio.sleep(0.05)
        assert (words(sink), len(source.waiting)) == ([b"EHLO", *ENVELOPE], 1)
        source.room = True
        carrier.wake(1)
        await sink.wait_until(lambda: len(sink.accepted) == 2)
        await carrier.end()
        assert source.told == [("a@example.org", *SENT), ("b@example.org", *SENT)]
        assert (sink.violations, sink.connections) == ([], 1)


@BOTH
async def test_a_mail_that_is_not_wanted_any_more_when_it_may_go_comes_back_untried(
    extensions: frozenset[str],
) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        source = Queue("a@example.org")
        source.room = False
        transport = SmtpTransport(settings(sink), hostname="lists.example.org", patience=PATIENT)
        carrier = transport.carrier(source, connections=1)
        carrier.wake(1)
        await data_came(sink)
        source.unwanted.add("a@example.org")
        async with asyncio.timeout(5):
            while not source.untaken:  # from when the server's 354 has come
                carrier.wake(0)
                await asyncio.sleep(0.005)
        assert (source.told, source.untaken) == ([], ["a@example.org"])
        await carrier.end()
        assert (sink.accepted, sink.connections) == ([], 1)


async def test_a_server_that_loses_patience_with_a_mail_that_waits_leaves_it_untried() -> None:
    async with Sink() as sink:
        source = Queue("a@example.org")
        source.room = False
        transport = SmtpTransport(settings(sink), hostname="lists.example.org", patience=PATIENT)
        carrier = transport.carrier(source, connections=1)
        carrier.wake(1)
        await data_came(sink)
        await sink.stop()
        async with asyncio.timeout(5):
            await source.changed.wait()
        assert (source.told, source.untaken) == ([], ["a@example.org"])
        carrier.cut()


@BOTH
@pytest.mark.parametrize(
    ("phase", "refused"),
    [
        (AT.MAIL, (Fate.DEFERRED, Phase.MAIL)),
        (AT.RCPT, (Fate.DEFERRED, Phase.RCPT)),
        (AT.DATA, (Fate.DEFERRED, Phase.DATA)),
        (AT.DOT, (Fate.DEFERRED, Phase.DOT)),
    ],
)
async def test_a_refusal_is_charged_to_its_own_mail(
    phase: AT, refused: tuple[Fate, Phase], extensions: frozenset[str]
) -> None:
    async with Sink(SinkOptions(extensions=extensions)) as sink:
        sink.trouble(phase, nth=2, times=1, reply="451 4.3.0 not now")
        source = Queue("a@example.org", "b@example.org", "c@example.org", "d@example.org")
        await carried(sink, source)
        assert source.told == [
            ("a@example.org", *SENT),
            ("b@example.org", *refused),
            ("c@example.org", *SENT),
            ("d@example.org", *SENT),
        ]
        assert sink.connections == 1
        assert sink.violations == []


@pytest.mark.parametrize("drop", [Drop.BEFORE, Drop.RESET])
async def test_a_loss_at_the_dot_leaves_the_next_mail_untried(drop: Drop) -> None:
    async with Sink() as sink:
        sink.trouble(AT.DOT, nth=2, times=1, drop=drop)
        source = Queue("a@example.org", "b@example.org", "c@example.org")
        await carried(sink, source)
        assert source.told == [
            ("a@example.org", *SENT),
            ("b@example.org", Fate.DOUBT, Phase.DOT),
            ("c@example.org", *SENT),
        ]
        assert source.untaken == ["c@example.org"]
        assert sink.connections == 2


async def test_a_loss_after_the_next_mail_was_begun_costs_it_a_try() -> None:
    async with Sink() as sink:
        sink.trouble(AT.RCPT, nth=2, times=1, drop=Drop.BEFORE)
        source = Queue("a@example.org", "b@example.org", "c@example.org")
        await carried(sink, source)
        assert source.told == [
            ("a@example.org", *SENT),
            ("b@example.org", *AGAIN),
            ("c@example.org", *SENT),
        ]
        assert source.untaken == []


@BOTH
async def test_a_connection_that_serves_few_mails_costs_none_a_try(
    extensions: frozenset[str],
) -> None:
    options = SinkOptions(messages_per_connection=3, extensions=extensions)
    async with Sink(options) as sink:
        source = Queue(*(f"p{number}@example.org" for number in range(10)))
        await carried(sink, source)
        assert source.told == [(f"p{number}@example.org", *SENT) for number in range(10)]
        assert (sink.connections, len(sink.accepted)) == (4, 10)


async def test_421_to_a_mail_leaves_the_one_sent_ahead_untried() -> None:
    async with Sink() as sink:
        sink.trouble(AT.DOT, nth=1, times=1, reply="421 4.3.2 going down")
        source = Queue("a@example.org", "b@example.org")
        await carried(sink, source)
        assert source.told == [("a@example.org", Fate.OUTAGE, Phase.DOT), ("b@example.org", *SENT)]
        assert source.untaken == ["b@example.org"]


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


async def test_a_large_mail_goes_alone_and_the_next_follows_its_reply() -> None:
    async with Sink() as sink:
        source = Queue("a@example.org", "b@example.org", content=CONTENT + b"x\r\n" * 40_000)
        await carried(sink, source)
        assert [one.followed for one in sink.accepted] == [False, False]
        assert [fate for _, fate, _ in source.told] == [Fate.SENT, Fate.SENT]


async def test_every_mail_comes_back_once_from_many_connections() -> None:
    async with Sink(SinkOptions(messages_per_connection=7)) as sink:
        sink.trouble(AT.RCPT, matching="^p1", reply="450 4.2.1 greylisted")
        sink.trouble(AT.DOT, matching="^p2", drop=Drop.RESET)
        source = Queue(*(f"p{number}@example.org" for number in range(60)))
        await carried(sink, source, connections=5)
        assert sorted(one for one, _, _ in source.told) == sorted(
            f"p{number}@example.org" for number in range(60)
        )
        assert sink.most_open_connections <= 5


async def test_fewer_connections_than_wished_are_enough() -> None:
    async with Sink() as sink:
        sink.trouble(AT.CONNECT, reply="421 4.7.0 too many connections", nth=2)
        sink.trouble(AT.CONNECT, reply="421 4.7.0 too many connections", nth=3)
        sink.trouble(AT.DOT, delay_seconds=0.01)
        source = Queue(*(f"p{number}@example.org" for number in range(20)))
        await carried(sink, source, connections=3)
        assert {fate for _, fate, _ in source.told} == {Fate.SENT}


async def test_no_connection_at_all_is_told_without_a_mail_being_tried() -> None:
    async with Sink() as sink:
        sink.trouble(AT.CONNECT, reply="554 5.7.1 go away")
        source = Queue("a@example.org", "b@example.org")
        await carried(sink, source, connections=2)
        assert source.told == [
            ("a@example.org", Fate.OUTAGE, Phase.CONNECT),
            ("b@example.org", Fate.OUTAGE, Phase.CONNECT),
        ]
