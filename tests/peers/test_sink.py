"""The sink tells the truth: what it was sent, in what order, and how it was told to fail."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.peers.certificate import Certificate
from tests.peers.client import Client, Reply
from tests.peers.record import Delivery, Outcome, read_oracle
from tests.peers.sink import Sink, SinkOptions
from tests.peers.trouble import Drop, Phase

MAIL = b"Message-ID: <1@example.org>\r\nSubject: hello\r\n\r\n.dot\r\nend\r\n"
SENDER = "webinars@lists.example.org"


@pytest_asyncio.fixture
async def client(sink: Sink) -> AsyncIterator[Client]:
    async with Client(sink.host, sink.port) as client:
        yield client


async def codes(client: Client, *recipients: str) -> list[int]:
    """The codes of a whole mail's replies."""
    return [reply.code for reply in await client.mail(SENDER, recipients, MAIL)]


async def greet_and_mail(client: Client) -> None:
    await client.greet()
    await codes(client, "ann@example.org")


async def test_mail_is_recorded_byte_for_byte(sink: Sink, client: Client) -> None:
    await client.greet()
    assert await codes(client, "ann@example.org", "bob@example.org") == [250, 250, 250, 354, 250]
    assert (await client.say("QUIT")).code == 221
    (mail,) = sink.accepted
    assert mail.content == MAIL
    assert mail.mail_from == SENDER
    assert mail.addresses == ("ann@example.org", "bob@example.org")
    assert mail.message_id == "<1@example.org>"
    assert (mail.outcome, mail.answered, mail.connection) == (Outcome.ACCEPTED, True, 1)
    assert sink.violations == []


@pytest.mark.parametrize(
    "content", [b"", b".\r\n", b"\r\n.\r\n", b"..\r\n", b"a.\r\n.b\r\n", b".\r\n.\r\n"]
)
async def test_only_a_dot_alone_on_its_line_ends_content(
    sink: Sink, client: Client, content: bytes
) -> None:
    await client.greet()
    await client.mail(SENDER, ["ann@example.org"], content)
    assert [mail.content for mail in sink.accepted] == [content]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r"])
async def test_other_ends_are_content_and_told(sink: Sink, client: Client, end: bytes) -> None:
    await client.greet()
    await client.pipeline([f"MAIL FROM:<{SENDER}>", "RCPT TO:<ann@example.org>"])
    await client.say("DATA")
    await client.send(b"one" + end + b"two\r\n.\r\n")
    await client.reply()
    (mail,) = sink.accepted
    assert mail.content.endswith(b"two\r\n")
    assert "bare CR or LF in the content" in sink.violations


async def test_ehlo_names_the_extensions_and_nothing_else(sink: Sink, client: Client) -> None:
    greeting = await client.greet()
    offered = ("8BITMIME", "DSN", "ENHANCEDSTATUSCODES", "PIPELINING", "SMTPUTF8", "SIZE 0")
    assert greeting == Reply(code=250, lines=("sink.example.org", *offered))


async def test_a_bare_server_gives_no_enhanced_codes_and_notes_what_was_not_offered() -> None:
    options = SinkOptions(extensions=frozenset())
    async with Sink(options) as sink, Client(sink.host, sink.port) as client:
        assert await client.greet() == Reply(code=250, lines=("sink.example.org",))
        reply = await client.say(f"MAIL FROM:<{SENDER}> BODY=8BITMIME RET=HDRS X=1")
        assert reply == Reply(code=250, lines=("sender ok",))
        await client.pipeline(["RSET", "NOOP"])
    assert sink.violations == [
        "BODY without 8BITMIME on offer",
        "RET without DSN on offer",
        "X without any extension on offer",
        "sent ahead without PIPELINING on offer",
    ]


async def test_eight_bits_and_long_lines_are_violations(sink: Sink, client: Client) -> None:
    await client.greet()
    await client.mail(SENDER, ["ann@example.org"], "é\r\n".encode() + b"x" * 999 + b"\r\n\0\r\n")
    assert sink.violations == [
        "NUL in the content",
        "line of more than 998 bytes",
        "8-bit content without BODY=8BITMIME",
    ]


async def test_commands_out_of_order_are_refused(sink: Sink, client: Client) -> None:
    await client.reply()
    assert (await client.say(f"MAIL FROM:<{SENDER}>")).code == 503
    await client.say("EHLO client.example.org")
    answers = await client.pipeline(["RCPT TO:<ann@example.org>", "DATA", "LHLO me", "BDAT 1"])
    assert [answer.code for answer in answers] == [503, 503, 500, 500]
    assert (await client.say("MAIL FROM:ann@example.org")).code == 501


async def test_one_recipient_is_refused_and_the_rest_gets_the_mail(
    sink: Sink, client: Client
) -> None:
    sink.trouble(Phase.RCPT, reply="550 5.1.1 no such mailbox", matching="bob@")
    await client.greet()
    answers = await client.pipeline(
        [f"MAIL FROM:<{SENDER}>", "RCPT TO:<ann@example.org>", "RCPT TO:<bob@example.org>", "DATA"]
    )
    assert [answer.code for answer in answers] == [250, 250, 550, 354]
    assert (await client.content(MAIL)).code == 250
    (mail,) = sink.accepted
    assert (mail.addresses, mail.refused) == (("ann@example.org",), ("bob@example.org",))


async def test_the_nth_event_is_counted_over_connections(sink: Sink) -> None:
    sink.trouble(Phase.DOT, reply="451 4.3.0 later", nth=2)
    outcomes = []
    for _ in range(3):
        async with Client(sink.host, sink.port) as client:
            await client.greet()
            outcomes.append((await codes(client, "ann@example.org"))[-1])
    assert outcomes == [250, 451, 250]
    assert [mail.outcome for mail in sink.transactions] == ["accepted", "refused", "accepted"]


async def test_trouble_can_be_bounded_in_times(sink: Sink, client: Client) -> None:
    sink.trouble(Phase.MAIL, reply="421 4.7.0 busy", times=1)
    await client.greet()
    assert await codes(client, "ann@example.org") == [421]
    assert await client.is_closed()
    async with Client(sink.host, sink.port) as second:
        await second.greet()
        assert (await codes(second, "ann@example.org"))[-1] == 250


@pytest.mark.parametrize("phase", [Phase.EHLO, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT])
@pytest.mark.parametrize("drop", [Drop.BEFORE, Drop.RESET])
async def test_the_connection_ends_instead_of_the_reply(
    sink: Sink, client: Client, phase: Phase, drop: Drop
) -> None:
    sink.trouble(phase, drop=drop)
    with pytest.raises(ConnectionError):
        await greet_and_mail(client)
    expected = [(Outcome.ACCEPTED, False)] if phase is Phase.DOT else []
    assert [(mail.outcome, mail.answered) for mail in sink.transactions] == expected


async def test_the_connection_ends_after_the_reply(sink: Sink, client: Client) -> None:
    sink.trouble(Phase.DOT, drop=Drop.AFTER)
    await client.greet()
    assert (await codes(client, "ann@example.org"))[-1] == 250
    assert await client.is_closed()
    assert [mail.answered for mail in sink.accepted] == [True]


async def test_a_cut_in_the_middle_of_content_is_no_mail(sink: Sink, client: Client) -> None:
    sink.trouble(Phase.BODY, drop=Drop.BEFORE)
    await client.greet()
    with pytest.raises(ConnectionError):
        await codes(client, "ann@example.org")
    assert [mail.outcome for mail in sink.transactions] == [Outcome.CUT]


async def test_raw_bytes_go_out_as_they_are(sink: Sink, client: Client) -> None:
    sink.trouble(Phase.MAIL, reply=b"250-\0first\r\n250 second\r\n", byte_by_byte=True)
    await client.greet()
    reply = await client.say(f"MAIL FROM:<{SENDER}>")
    assert reply == Reply(code=250, lines=("\0first", "second"))


async def test_a_late_reply_comes_late(sink: Sink, client: Client) -> None:
    sink.trouble(Phase.MAIL, delay_seconds=0.04)
    await client.greet()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await client.say(f"MAIL FROM:<{SENDER}>")
    assert loop.time() - begun >= 0.039


async def test_limits_of_recipients_size_and_mails_hold() -> None:
    options = SinkOptions(recipient_limit=1, size_limit=100, messages_per_connection=1)
    async with Sink(options) as sink, Client(sink.host, sink.port) as client:
        await client.greet()
        assert (await client.say(f"MAIL FROM:<{SENDER}> SIZE=101")).code == 552
        assert await codes(client, "ann@example.org", "bob@example.org") == [250, 250, 452]
        assert (await client.say("DATA")).code == 354
        assert (await client.content(b"x" * 99 + b"\r\n")).code == 552
        assert (await client.say(f"MAIL FROM:<{SENDER}>")).code == 421
        assert await client.is_closed()
    assert [mail.outcome for mail in sink.transactions] == [Outcome.REFUSED]


async def test_lmtp_answers_for_each_recipient() -> None:
    async with Sink(SinkOptions(lmtp=True)) as sink, Client(sink.host, sink.port) as client:
        sink.trouble(Phase.DOT, reply="452 4.2.2 full", matching="bob@")
        await client.greet(lmtp=True)
        first = await codes(client, "ann@example.org", "bob@example.org", "eve@example.org")
        rest = [await client.reply(), await client.reply()]
    assert [first[-1], *(reply.code for reply in rest)] == [250, 452, 250]
    assert [mail.addresses for mail in sink.accepted] == [
        ("ann@example.org",),
        ("eve@example.org",),
    ]


async def test_start_tls_forgets_what_was_sent_ahead(certificate: Certificate) -> None:
    options = SinkOptions(tls=certificate.server_context())
    async with Sink(options) as sink, Client(sink.host, sink.port) as client:
        assert "STARTTLS" in (await client.greet()).lines
        await client.send(b"STARTTLS\r\nMAIL FROM:<eve@example.org>\r\n")
        assert (await client.reply()).code == 220
        await client.start_tls(certificate.client_context())
        assert (await client.say("EHLO client.example.org")).lines.count("STARTTLS") == 0
        assert (await codes(client, "ann@example.org"))[-1] == 250
    assert [(mail.over_tls, mail.mail_from) for mail in sink.accepted] == [(True, SENDER)]


async def test_sign_in_is_over_tls_and_with_the_right_password(certificate: Certificate) -> None:
    options = SinkOptions(
        tls=certificate.server_context(),
        implicit_tls=True,
        credentials=("mailer", "secret"),
        auth_required=True,
    )
    trust = certificate.client_context()
    async with Sink(options) as sink, Client(sink.host, sink.port, tls=trust) as client:
        assert "AUTH PLAIN" in (await client.greet()).lines
        assert (await client.say(f"MAIL FROM:<{SENDER}>")).code == 530
        wrong = base64.b64encode(b"\0mailer\0guess").decode()
        assert (await client.say(f"AUTH PLAIN {wrong}")).code == 535
        assert (await client.say("AUTH PLAIN")).code == 334
        right = base64.b64encode(b"\0mailer\0secret").decode()
        assert (await client.say(right)).code == 235
        assert (await codes(client, "ann@example.org"))[-1] == 250


async def test_the_oracle_is_written_before_the_reply(tmp_path: Path) -> None:
    oracle = tmp_path / "oracle"
    async with Sink(SinkOptions(oracle=oracle)) as sink, Client(sink.host, sink.port) as client:
        sink.trouble(Phase.DOT, drop=Drop.BEFORE)
        await client.greet()
        with pytest.raises(ConnectionError):
            await codes(client, "ann@example.org", "bob@example.org")
    assert read_oracle(oracle) == [
        Delivery(message_id="<1@example.org>", recipient=name, outcome=Outcome.ACCEPTED)
        for name in ("ann@example.org", "bob@example.org")
    ]


async def test_a_stopped_sink_comes_back_on_its_port() -> None:
    async with Sink() as sink:
        async with Client(sink.host, sink.port) as client:
            await client.greet()
            port = sink.port
            await sink.stop()
            assert await client.is_closed()
        with pytest.raises(ConnectionRefusedError):
            await Client(sink.host, port).__aenter__()
        await sink.start()
        assert sink.port == port
        async with Client(sink.host, port) as client:
            assert (await client.greet()).code == 250
    assert sink.connections == 2


async def test_waiting_ends_in_a_time_out_if_nothing_comes(sink: Sink) -> None:
    with pytest.raises(TimeoutError):
        await sink.wait_for(1, seconds=0.01)
