"""Connections to the mail server: opened, secured, kept, given up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop

from mailer.config.model import Security
from mailer.transport.outcome import Fate, Phase
from mailer.transport.patience import Patience
from tests.peers.certificate import Certificate, make_certificate
from tests.peers.sink import EXTENSIONS, Sink, SinkOptions
from tests.peers.trouble import Drop
from tests.peers.trouble import Phase as At
from tests.transport.sending import BRIEF, CREDENTIALS, connected, hand_over, mail, settings


def secured(certificate: Certificate, **more: object) -> SinkOptions:
    return replace(SinkOptions(tls=certificate.server_context()), **more)  # type: ignore[arg-type]


async def test_one_connection_serves_many_mails_and_says_goodbye() -> None:
    async with Sink() as sink:
        async with connected(settings(sink)) as transport:
            outcomes = [await transport.send(mail()) for _ in range(20)]
        assert {outcome.fate for outcome in outcomes} == {Fate.SENT}
        assert (sink.connections, sink.commands[-1][1]) == (1, b"QUIT")


async def test_as_many_connections_as_mails_under_way() -> None:
    async with Sink() as sink, connected(settings(sink)) as transport:
        await asyncio.gather(*(transport.send(mail()) for _ in range(5)))
        await asyncio.gather(*(transport.send(mail()) for _ in range(5)))
        assert sink.connections == 5


async def test_an_unused_connection_is_ended_in_good_order() -> None:
    async with Sink() as sink, connected(settings(sink)) as transport:
        await transport.send(mail())
        await sink.wait_until(lambda: sink.open_connections == 0, seconds=2)
        assert sink.commands[-1][1] == b"QUIT"
        assert (await transport.send(mail())).fate is Fate.SENT
        assert sink.connections == 2


@pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS - {"PIPELINING"}])
async def test_a_kept_connection_that_had_ended_costs_no_mail_a_try(
    extensions: frozenset[str],
) -> None:
    options = SinkOptions(messages_per_connection=3, extensions=extensions)
    async with Sink(options) as sink, connected(settings(sink)) as transport:
        outcomes = [await transport.send(mail()) for _ in range(10)]
        assert {outcome.fate for outcome in outcomes} == {Fate.SENT}
        assert (sink.connections, len(sink.accepted)) == (4, 10)


@pytest.mark.parametrize("drop", [Drop.BEFORE, Drop.RESET])
async def test_a_kept_connection_that_was_cut_costs_no_mail_a_try(drop: Drop) -> None:
    async with Sink() as sink, connected(settings(sink)) as transport:
        await transport.send(mail())
        sink.trouble(At.MAIL, drop=drop, times=1)
        assert (await transport.send(mail())).fate is Fate.SENT
        assert sink.connections == 2


async def test_a_server_that_is_gone_while_nobody_sends_is_noticed() -> None:
    async with Sink() as sink, connected(settings(sink)) as transport:
        await transport.send(mail())
        await sink.stop()
        outcome = await transport.send(mail())
        assert (outcome.fate, outcome.phase, outcome.alarm) == (Fate.OUTAGE, Phase.CONNECT, False)
        await sink.start()
        assert (await transport.send(mail())).fate is Fate.SENT


@pytest.mark.parametrize("phase", [At.CONNECT, At.EHLO])
async def test_silence_before_the_first_mail_is_an_outage(phase: At) -> None:
    async with Sink() as sink:
        sink.trouble(phase, delay_seconds=30)
        outcome = await hand_over(sink, patience=BRIEF)
    assert (outcome.fate, outcome.phase) == (Fate.OUTAGE, Phase(phase.value))


@pytest.mark.parametrize("reply", [b"hello\r\n", b"x" * 4_000_000, b"220-x\r\n" * 400_000])
async def test_a_greeting_that_is_no_smtp_is_an_outage(reply: bytes) -> None:
    async with Sink() as sink:
        sink.trouble(At.CONNECT, reply=reply)
        outcome = await hand_over(sink)
    assert (outcome.fate, outcome.phase, outcome.code) == (Fate.OUTAGE, Phase.CONNECT, None)
    assert len(outcome.text) <= 1000


async def test_a_refusal_in_bytes_that_are_no_text_can_be_stored() -> None:
    async with Sink() as sink:
        sink.trouble(At.CONNECT, reply=b"554 \xff\xfe no\r\n")
        outcome = await hand_over(sink)
    assert (outcome.code, outcome.alarm) == (554, True)
    assert outcome.text.encode() == b"?? no"


async def test_starttls_protects_everything_after_ehlo(certificate: Certificate) -> None:
    async with Sink(secured(certificate, credentials=CREDENTIALS, auth_required=True)) as sink:
        outbound = settings(
            sink, Security.STARTTLS, certificate=certificate, credentials=CREDENTIALS
        )
        async with connected(outbound) as transport:
            outcomes = [await transport.send(mail()) for _ in range(3)]
        assert {outcome.fate for outcome in outcomes} == {Fate.SENT}
        assert {taken.over_tls for taken in sink.accepted} == {True}
        assert sink.violations == []


async def test_implicit_tls(certificate: Certificate) -> None:
    async with (
        Sink(secured(certificate, implicit_tls=True)) as sink,
        connected(settings(sink, Security.TLS, certificate=certificate)) as transport,
    ):
        assert (await transport.send(mail())).fate is Fate.SENT


async def test_no_mail_and_no_password_go_out_if_starttls_is_not_offered(
    certificate: Certificate,
) -> None:
    async with Sink() as sink:
        outbound = settings(
            sink, Security.STARTTLS, certificate=certificate, credentials=CREDENTIALS
        )
        async with connected(outbound) as transport:
            outcome = await transport.send(mail())
        assert (outcome.fate, outcome.phase, outcome.alarm) == (Fate.OUTAGE, Phase.STARTTLS, True)
        assert {line.split()[0] for _, line in sink.commands} == {b"EHLO"}


@pytest.mark.parametrize("fault", ["unknown", "expired", "other host"])
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_a_certificate_that_does_not_hold_is_an_outage_with_alarm(
    fault: str, security: Security, certificate: Certificate, tmp_path: Path
) -> None:
    made = certificate
    if fault == "expired":
        made = make_certificate(tmp_path, valid_for=-timedelta(hours=1))
    async with Sink(secured(made, implicit_tls=security is Security.TLS)) as sink:
        outbound = settings(sink, security, certificate=None if fault == "unknown" else made)
        if fault == "other host":
            outbound = replace(outbound, host="127.0.0.2")
            sink.host = "0.0.0.0"
            await sink.stop()
            await sink.start()
        async with connected(outbound) as transport:
            outcome = await transport.send(mail())
        await sink.wait_until(lambda: sink.open_connections == 0)
        assert (outcome.fate, outcome.alarm) == (Fate.OUTAGE, True)
        assert not any(b"MAIL" in line for _, line in sink.commands)


async def test_words_put_in_before_the_handshake_are_not_believed(
    certificate: Certificate,
) -> None:
    async with Sink(secured(certificate)) as sink:
        sink.trouble(At.STARTTLS, reply=b"220 go\r\n250-evil\r\n250 PIPELINING\r\n")
        async with connected(
            settings(sink, Security.STARTTLS, certificate=certificate)
        ) as transport:
            outcome = await transport.send(mail())
        assert [one.over_tls for one in sink.accepted] == [True] * (outcome.fate is Fate.SENT)


async def test_a_wrong_password_is_an_outage_with_alarm(certificate: Certificate) -> None:
    async with Sink(secured(certificate, credentials=CREDENTIALS)) as sink:
        outbound = settings(
            sink, Security.STARTTLS, certificate=certificate, credentials=("mailer", "wrong")
        )
        async with connected(outbound) as transport:
            outcome = await transport.send(mail())
    assert (outcome.fate, outcome.phase, outcome.code) == (Fate.OUTAGE, Phase.AUTH, 535)
    assert outcome.alarm is True


async def test_a_password_that_nobody_asks_for_is_an_outage_with_alarm(
    certificate: Certificate,
) -> None:
    async with Sink(secured(certificate)) as sink:
        outbound = settings(
            sink, Security.STARTTLS, certificate=certificate, credentials=CREDENTIALS
        )
        async with connected(outbound) as transport:
            outcome = await transport.send(mail())
    assert (outcome.fate, outcome.phase, outcome.alarm) == (Fate.OUTAGE, Phase.AUTH, True)


async def test_the_end_while_a_connection_is_being_opened_leaves_none_behind() -> None:
    async with Sink() as sink:
        sink.trouble(At.EHLO, delay_seconds=0.2)
        async with connected(settings(sink), Patience()) as sender:
            waiting = asyncio.create_task(sender.send(mail()))
            await sink.wait_until(lambda: sink.open_connections == 1)
        await sink.wait_until(lambda: (sink.connections, sink.open_connections) == (1, 0))
        waiting.cancel()


@pytest.mark.parametrize("security", list(Security))
def test_it_works_on_the_loop_that_the_daemon_uses(
    security: Security, certificate: Certificate
) -> None:
    async def main() -> list[Fate]:
        options = SinkOptions(
            tls=None if security is Security.NONE else certificate.server_context(),
            implicit_tls=security is Security.TLS,
        )
        large = mail(content=b"b\r\n" * 200_000)
        async with (
            Sink(options) as sink,
            connected(settings(sink, security, certificate=certificate)) as transport,
        ):
            return [(await transport.send(one)).fate for one in (mail(), mail(), large)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == [Fate.SENT] * 3


def test_patience_is_that_of_the_rfc() -> None:
    patience = Patience()
    assert (patience.greeting, patience.command, patience.data) == (300.0, 300.0, 120.0)
    assert (patience.piece, patience.final_dot) == (180.0, 600.0)
