"""Mails that connections pull from a source: one after the other, what is charged to which of two
open ones, what is held back, and what comes back untried."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase
from mailer.transport.smtp import SmtpTransport
from tests.peers import trouble
from tests.peers.sink import EXTENSIONS, Sink, SinkOptions
from tests.peers.trouble import Drop
from tests.transport.sending import (
    CONTENT,
    PATIENT,
    mail,
    settings,
)

BOTH = pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS - {"PIPELINING"}])
AT = trouble.Phase


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
