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
OTHERS = {  # RFC 5321 §4.2.3, RFC 4954 §6, RFC 7504, and codes that nobody has defined
    "other 4yz": (432, 455, 471, 499),
    "other 5yz": (500, 501, 502, 503, 504, 521, 534, 551, 553, 555, 556, 571, 599),
    "3yz": (350,),
    "no reply": (None,),
}
DELIVERY = Path(__file__).parents[2] / "docs" / "delivery.md"


def cells() -> Iterator[tuple[str, Phase, str]]:
    """Reply, phase and the outcome that the documentation states."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DELIVERY.read_text("utf-8").splitlines()
        if re.match(r"\| (code|\d{3}|other \dyz|\dyz|no reply) \|", line)
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


def test_every_refusal_there_can_be_is_in_the_table() -> None:
    stated = {(row, phase): found for row, phase, found in cells()}
    for phase in Phase:
        for code in range(400, 600):
            row = str(code) if (str(code), phase) in stated else f"other {code // 100}yz"
            assert stated_as(judge(phase, code, "")) == stated[row, phase], (code, phase)


@pytest.mark.parametrize(
    ("code", "phase", "stated", "pipelining"),
    [
        (code, phase, stated, way)
        for row, phase, stated in cells()
        for code in OTHERS.get(row) or (int(row),)
        for way in (True, False)
        if way or phase not in EARLY  # up to AUTH everything is said before the difference
    ]
    + [(250, Phase.DATA, "deferred", way) for way in (True, False)],
)
async def test_every_reply_at_every_phase_leads_to_what_is_documented(
    code: int | None, phase: Phase, stated: str, pipelining: bool, certificate: Certificate
) -> None:
    early = phase in EARLY
    options = SinkOptions(
        tls=certificate.server_context() if early else None,
        credentials=CREDENTIALS,
        extensions=frozenset({"PIPELINING"} if pipelining else ()),
    )
    async with Sink(options) as sink:
        where = trouble.Phase(phase.value)
        if code is None:
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
    fits = code is not None and (early or code >= 400)  # else it answers nothing that was said
    assert outcome.code == (code if fits else None)
    assert [one for one in sink.accepted if one.answered] == []


def test_what_a_server_says_can_be_stored_and_logged_whatever_it_is() -> None:
    outcome = judge(Phase.DOT, 550, "a\0b\r\nc\udcff\u2028d" + "x" * 5000)
    assert outcome.text.startswith("a b c? d")
    assert len(outcome.text) == 1000
    assert outcome.text.encode()
    assert lost(Phase.DOT, "\udc80").text == printable("\udc80") == "?"
