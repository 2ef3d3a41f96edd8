"""What is said on the wire, whatever the client says: grammar, limits, codes, STARTTLS."""

from __future__ import annotations

import re

import pytest

from mailer.inbound import protocol
from mailer.parts import Parts
from tests.inbound.conftest import LIMIT, Doors, Opening, journal
from tests.peers.certificate import Certificate
from tests.world import SERIES, letter

TO = SERIES.address
MAIL = letter("ana@example.net", TO, "help")
BOTH = pytest.mark.parametrize("source", ["smtp", "lmtp"])


def sized(octets: int) -> bytes:
    """A mail of exactly so many bytes, with lines of moderate length."""
    mail = MAIL + b"x" * 60 + b"\r\n"
    missing = octets - len(mail)
    lines, rest = divmod(missing - 102, 102)
    mail += (b"x" * 100 + b"\r\n") * lines + b"y" * (100 + rest) + b"\r\n"
    assert len(mail) == octets
    return mail


@BOTH
async def test_it_offers_what_it_does(doors: Doors, source: str) -> None:
    async with doors.client(source, greeted=False) as client:
        greeting = await client.reply()
        verb = "LHLO" if source == "lmtp" else "EHLO"
        offered = await client.say(f"{verb} client.example.org")
    assert str(greeting) == "220 lists.example.org ready"
    assert sorted(offered.lines) == sorted(
        [
            "lists.example.org",
            f"SIZE {LIMIT}",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "HELP",
        ]
    )


async def test_each_protocol_has_its_own_greeting(doors: Doors) -> None:
    async with doors.client("lmtp", greeted=False) as client:
        await client.reply()
        assert str(await client.say("EHLO x")) == "500 5.5.1 This is LMTP: say LHLO"
        assert (await client.say("HELO x")).code == 500
        assert "LHLO" in str(await client.say("MAIL FROM:<ana@example.net>"))
        assert (await client.say("LHLO x")).code == 250
    async with doors.client(greeted=False) as client:
        await client.reply()
        assert (await client.say("LHLO x")).code == 500
        assert str(await client.say("HELO x")) == "250 lists.example.org"


REFUSED = [
    "MAIL",
    "MAIL FROM:",
    "MAIL FROM:ana@example.net>",
    "MAIL FROM:<ana@example.net",
    "MAIL FROM:<<ana@example.net>>",
    "MAIL FROM:<ana@example.net> BODY=BINARYMIME",
    "MAIL FROM:<ana@example.net> RET=HDRS",
    "MAIL FROM:<ana@example.net> SIZE=x",
    f"MAIL FROM:<ana@example.net> SIZE={LIMIT + 1}",
    "MAIL FROM:<ana@example.net> SMTPUTF8=1",
    f"RCPT TO:<{TO}>",
    "DATA",
    "DATA now",
    "EHLO",
    "QUIT now",
    "RSET now",
    "AUTH PLAIN AGEAYg==",
    "STARTTLS",
    "STARTTLS now",
    "EXPN webinars",
    "NONSENSE",
    "\u00dcBEL",
    "NOOP " + "x" * protocol.COMMAND_OCTETS,
]


async def test_every_refusal_carries_an_enhanced_code(doors: Doors) -> None:
    for line in REFUSED:
        async with doors.client() as client:
            reply = await client.say(line)
        enhanced = rf"{reply.code // 100}\.\d{{1,3}}\.\d{{1,3}} .+"
        assert re.fullmatch(enhanced, reply.lines[0]), (line, reply)
        assert reply.code >= 400, (line, reply)


async def test_every_consent_carries_an_enhanced_code(doors: Doors) -> None:
    async with doors.client() as client:
        for line in ("NOOP", "HELP", "VRFY ana", "MAIL FROM:<>", "RSET", "MAIL FROM:<a@b> SIZE=5"):
            assert re.match(r"2\.\d\.\d ", (await client.say(line)).lines[0]), line
        assert str(await client.say("QUIT")) == "221 2.0.0 Bye"


async def test_vrfy_and_expn_tell_nothing(doors: Doors) -> None:
    async with doors.client() as client:
        for name in (b"ana@example.net", TO.encode(), b"nobody@lists.example.org", b"\xff", b"("):
            await client.send(b"VRFY " + name + b"\r\n")
            assert str(await client.reply()) == "252 2.5.0 Cannot say, but will try"
        assert (await client.say("EXPN webinars")).code == 502


async def test_declared_size_is_checked_at_mail(doors: Doors) -> None:
    async with doors.client() as client:
        reply = await client.say(f"MAIL FROM:<ana@example.net> SIZE={LIMIT + 1}")
        assert str(reply).startswith("552 5.3.4 ")
        assert (await client.say(f"MAIL FROM:<ana@example.net> SIZE={LIMIT}")).code == 250


@pytest.mark.parametrize(("octets", "code"), [(LIMIT - 1, 250), (LIMIT, 250), (LIMIT + 1, 552)])
async def test_the_size_is_counted_too(doors: Doors, octets: int, code: int, parts: Parts) -> None:
    async with doors.client() as client:
        reply = (await client.mail("ana@example.net", [TO], sized(octets)))[-1]
        assert reply.code == code
        if code == 552:
            assert str(reply).startswith("552 5.3.4 ")
            assert (await client.mail("ana@example.net", [TO], MAIL))[-1].code == 250
    assert len(await journal(parts)) == 1


@BOTH
async def test_long_lines_are_taken(doors: Doors, source: str) -> None:
    async with doors.client(source) as client:
        for octets in (998, 999, 1000, 1001, 5000):
            mail = MAIL + b"x" * octets + b"\r\n"
            assert (await client.mail("ana@example.net", [TO], mail))[-1].code == 250


async def test_a_line_beyond_the_limit_is_refused_and_the_session_goes_on(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol.SmtpProtocol, "line_octets", 2000)
    async with opening() as doors, doors.client() as client:
        codes = []
        for octets in (1998, 1999, 5000):  # and CRLF
            replies = await client.mail("ana@example.net", [TO], MAIL + b"x" * octets + b"\r\n")
            codes.append(replies[-1].code)
        assert codes == [250, 500, 500]
        assert (await client.say("NOOP")).code == 250


@BOTH
async def test_a_command_of_512_octets_is_taken(doors: Doors, source: str) -> None:
    async with doors.client(source) as client:
        line = "NOOP " + "x" * 505
        assert len(line) + 2 == 512
        assert (await client.say(line)).code == 250
        assert (await client.say("NOOP " + "x" * (protocol.COMMAND_OCTETS - 5))).code == 250
        assert (await client.say("NOOP " + "x" * (protocol.COMMAND_OCTETS - 4))).code == 500
        assert (await client.say("NOOP")).code == 250


async def test_many_greetings_do_not_lift_the_limit(doors: Doors) -> None:
    async with doors.client() as client:
        for _ in range(50):
            await client.say("EHLO again")
        assert (await client.say("MAIL FROM:<" + "a" * 1200 + "@example.net>")).code == 500


async def test_pipelined_commands_get_their_replies_in_order(doors: Doors, parts: Parts) -> None:
    async with doors.client() as client:
        replies = await client.pipeline(
            [
                "MAIL FROM:<ana@example.net>",
                f"RCPT TO:<{TO}>",
                "RCPT TO:<webinars+nonsense@lists.example.org>",
                "RCPT TO:<webinars+help@lists.example.org>",
                "DATA",
            ]
        )
        assert [reply.code for reply in replies] == [250, 250, 550, 250, 354]
        await client.send(MAIL + b".\r\nRSET\r\nNOOP\r\nQUIT\r\n")
        assert [(await client.reply()).code for _ in range(4)] == [250, 250, 250, 221]
        assert await client.is_closed()
    assert [entry[1] for entry in await journal(parts)] == [TO, "webinars+help@lists.example.org"]


async def test_rset_forgets_the_mail_and_a_second_mail_is_its_own(doors: Doors) -> None:
    async with doors.client() as client:
        await client.pipeline(["MAIL FROM:<a@example.net>", f"RCPT TO:<{TO}>", "RSET"])
        assert (await client.say("DATA")).code == 503
        assert (await client.say("MAIL FROM:<b@example.net>")).code == 250
        assert str(await client.say("MAIL FROM:<c@example.net>")).startswith("503 5.5.1")


SENDERS = [
    "<ana@example.net>",
    "<>",
    '<"a b"@example.net>',
    "<@relay.example.net:ana@example.net>",
    "<δοκιμή@παράδειγμα.test> SMTPUTF8",
    "<ana@[192.0.2.1]>",
    " <ana@example.net>",
    "<ana@example.net> SIZE=10 BODY=8BITMIME SMTPUTF8",
]


async def test_every_sender_of_the_grammar_is_taken(doors: Doors) -> None:
    async with doors.client() as client:
        for path in SENDERS:
            assert (await client.say(f"MAIL FROM:{path}")).code == 250, path
            await client.say("RSET")


async def test_starttls_forgets_what_was_said_before(
    opening: Opening, certificate: Certificate, parts: Parts
) -> None:
    async with opening(tls=True) as doors, doors.client() as client:
        assert "STARTTLS" in (await client.say("EHLO x")).lines
        await client.say("MAIL FROM:<ana@example.net>")
        assert str(await client.say("STARTTLS")) == "220 2.0.0 Ready to start TLS"
        await client.start_tls(certificate.client_context())
        assert (await client.say(f"RCPT TO:<{TO}>")).code == 503
        assert "STARTTLS" not in (await client.say("EHLO x")).lines
        assert str(await client.say("STARTTLS")).startswith("503 5.5.1")
        assert (await client.mail("ana@example.net", [TO], MAIL))[-1].code == 250
        assert (await client.say("QUIT")).code == 221
    assert len(await journal(parts)) == 1


async def test_bytes_injected_before_the_handshake_are_discarded(
    opening: Opening, certificate: Certificate, parts: Parts
) -> None:
    async with opening(tls=True) as doors, doors.client() as client:
        await client.send(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.net>\r\n")
        assert (await client.reply()).code == 220
        await client.start_tls(certificate.client_context())
        assert (await client.say(f"RCPT TO:<{TO}>")).code == 503
        await client.say("EHLO x")
        assert (await client.say("MAIL FROM:<ana@example.net>")).code == 250
    assert await journal(parts) == []


async def test_a_failed_handshake_ends_the_session_and_no_other(opening: Opening) -> None:
    async with opening(tls=True) as doors:
        async with doors.client() as client:
            await client.say("STARTTLS")
            await client.send(b"this is no handshake\r\n" * 20)
            assert await client.is_closed() or True  # an alert may come first
        async with doors.client() as client:
            assert (await client.say("NOOP")).code == 250


async def test_too_many_unknown_commands_end_the_session(doors: Doors) -> None:
    async with doors.client() as client:
        codes = [(await client.say("NONSENSE")).code for _ in range(5)]
        assert codes == [500, 500, 500, 500, 502]
        assert await client.is_closed()
