"""Every reply at every phase, against the table of docs/delivery.md, from a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.config.model import Security
from mailer.transport.outcome import Outcome, Phase, judge, lost, printable
from tests.peers import trouble
from tests.peers.certificate import Certificate
from tests.peers.sink import Sink, SinkOptions
from tests.peers.trouble import Drop
from tests.transport.sending import CREDENTIALS, connected, mail, settings

EARLY = (Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH)
DELIVERY = Path(__file__).parents[2] / "docs" / "delivery.md"


def cells() -> Iterator[tuple[str, Phase, str]]:
    """Reply, phase and the outcome that the documentation states."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DELIVERY.read_text("utf-8").splitlines()
        if re.match(r"\| (code|\d{3}|no reply) \|", line)
    ]
    header, *body = rows
    for row in body:
        for phase, stated in zip(header[1:], row[1:], strict=True):
            yield row[0], Phase(phase), stated


def stated_as(outcome: Outcome) -> str:
    return f"{outcome.fate}{' alarm' if outcome.alarm else ''}"


def test_the_table_has_every_phase() -> None:
    assert {phase for _, phase, _ in cells()} == set(Phase)
    assert len(list(cells())) >= 9 * len(Phase)


@pytest.mark.parametrize(
    ("code", "phase", "stated", "pipelining"),
    # Up to AUTH everything is said before the difference.
    [(*cell, way) for cell in cells() for way in (True, False) if way or cell[1] not in EARLY],
)
async def test_every_reply_at_every_phase_leads_to_what_is_documented(
    code: str, phase: Phase, stated: str, pipelining: bool, certificate: Certificate
) -> None:
    early = phase in EARLY
    options = SinkOptions(
        tls=certificate.server_context() if early else None,
        credentials=CREDENTIALS,
        extensions=frozenset({"PIPELINING"} if pipelining else ()),
    )
    async with Sink(options) as sink:
        where = trouble.Phase(phase.value)
        if code == "no reply":
            sink.trouble(where, drop=Drop.BEFORE)
        else:
            sink.trouble(where, reply=f"{code} said by the test", matching="")
        outbound = settings(
            sink,
            Security.STARTTLS if early else Security.NONE,
            certificate=certificate,
            credentials=CREDENTIALS if early else ("", ""),
        )
        async with connected(outbound) as transport:
            outcome = await transport.send(mail())
    assert (outcome.phase, stated_as(outcome)) == (phase, stated)
    assert outcome.code == (None if code == "no reply" else int(code))
    assert [one for one in sink.accepted if one.answered] == []


def test_what_a_server_says_can_be_stored_and_logged_whatever_it_is() -> None:
    outcome = judge(Phase.DOT, 550, "a\0b\r\nc\udcff\u2028d" + "x" * 5000)
    assert outcome.text.startswith("a b c? d")
    assert len(outcome.text) == 1000
    assert outcome.text.encode()
    assert lost(Phase.DOT, "\udc80").text == printable("\udc80") == "?"
