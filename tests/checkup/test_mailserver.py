"""The mail server as the doctor meets it: a real one, with and without what is wanted of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.checkup.finding import Finding
from mailer.checkup.mailserver import mail_server
from mailer.config.model import Outbound, Security, TransportKind
from tests.peers.certificate import Certificate, make_certificate
from tests.peers.sink import EXTENSIONS, Sink, SinkOptions
from tests.peers.trouble import Drop, Phase

NOW = datetime.now(UTC)


async def examined(
    sink: Sink,
    *,
    security: Security = Security.NONE,
    ca_file: Path | None = None,
    password: str | None = None,
    now: datetime = NOW,
) -> tuple[Finding, ...]:
    outbound = Outbound(
        host=sink.host,
        port=sink.port,
        security=security,
        ca_file=ca_file,
        username="ann" if password else "",
        password=password,
    )
    found = await mail_server(outbound, hostname="lists.example.org", now=now)
    await sink.wait_until(lambda: sink.open_connections == 0)
    return found


def summary(rows: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(one.topic, str(one.verdict)) for one in rows]


async def test_a_plain_server_on_this_machine_is_in_order(sink: Sink) -> None:
    (row,) = await examined(sink)
    assert (row.verdict, row.found) == ("ok", "answers")
    assert (sink.accepted, sink.violations) == ([], [])
    assert [line.split()[0] for _, line in sink.commands] == [b"EHLO", b"QUIT"]


async def test_starttls_with_a_trusted_certificate_is_in_order(certificate: Certificate) -> None:
    options = SinkOptions(tls=certificate.server_context())
    async with Sink(options) as sink:
        rows = await examined(sink, security=Security.STARTTLS, ca_file=certificate.cert_file)
    assert summary(rows) == [("mail server", "ok"), ("certificate", "note")]  # it lasts a day
    assert rows[0].found == "answers, TLSv1.3"


async def test_tls_from_the_start_is_in_order(certificate: Certificate) -> None:
    options = SinkOptions(tls=certificate.server_context(), implicit_tls=True)
    async with Sink(options) as sink:
        rows = await examined(sink, security=Security.TLS, ca_file=certificate.cert_file)
    assert rows[0].found == "answers, TLSv1.3"


async def test_starttls_that_is_not_offered_is_a_fault(sink: Sink) -> None:
    (row,) = await examined(sink, security=Security.STARTTLS)
    assert (row.verdict, row.found.endswith("(at starttls)")) == ("fault", True)


async def test_a_certificate_that_nobody_vouches_for_is_a_fault(certificate: Certificate) -> None:
    async with Sink(SinkOptions(tls=certificate.server_context())) as sink:
        (row,) = await examined(sink, security=Security.STARTTLS)
    assert (row.verdict, "self-signed certificate" in row.found) == ("fault", True)


async def test_an_expired_certificate_is_a_fault(tmp_path: Path) -> None:
    expired = make_certificate(tmp_path, valid_for=timedelta(hours=-1))
    async with Sink(SinkOptions(tls=expired.server_context())) as sink:
        (row,) = await examined(sink, security=Security.STARTTLS, ca_file=expired.cert_file)
    assert (row.verdict, "expired" in row.found) == ("fault", True)


@pytest.mark.parametrize(("password", "verdict"), [("sesame", "ok"), ("hunter2", "fault")])
async def test_sign_in_is_tried(certificate: Certificate, password: str, verdict: str) -> None:
    options = SinkOptions(tls=certificate.server_context(), credentials=("ann", "sesame"))
    async with Sink(options) as sink:
        rows = await examined(
            sink,
            security=Security.STARTTLS,
            ca_file=certificate.cert_file,
            password=password,
        )
    assert rows[0].verdict == verdict
    assert "hunter2" not in str(rows)


async def test_a_server_that_refuses_us_is_quoted(sink: Sink) -> None:
    sink.trouble(Phase.CONNECT, reply="554 5.7.1 not you")
    (row,) = await examined(sink)
    assert (row.verdict, "not you" in row.found) == ("fault", True)


async def test_a_server_that_hangs_up_is_a_fault(sink: Sink) -> None:
    sink.trouble(Phase.CONNECT, drop=Drop.BEFORE)
    (row,) = await examined(sink)
    assert row.verdict == "fault"


async def test_nobody_at_the_port_is_a_fault(free_port: int) -> None:
    outbound = Outbound(host="127.0.0.1", port=free_port, security=Security.NONE)
    (row,) = await mail_server(outbound, hostname="lists.example.org", now=NOW)
    assert (row.verdict, row.found.endswith("(at connect)")) == ("fault", True)


async def test_a_server_without_pipelining_is_slower(tmp_path: Path) -> None:
    async with Sink(SinkOptions(extensions=EXTENSIONS - {"PIPELINING"})) as sink:
        (row,) = await examined(sink)
    assert (row.verdict, row.found) == ("ok", "answers, no PIPELINING (slower)")


async def test_a_maildir_is_a_note_and_must_be_writable(tmp_path: Path) -> None:
    outbound = Outbound(transport=TransportKind.MAILDIR, maildir=tmp_path / "outbox")
    (row,) = await mail_server(outbound, hostname="lists.example.org", now=NOW)
    assert (row.verdict, (tmp_path / "outbox").exists()) == ("note", False)
