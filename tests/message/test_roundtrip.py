"""The mail that goes round: whose it is, what is kept of it, and what its head tells."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message import roundtrip
from mailer.message.address import Purpose
from mailer.message.roundtrip import Returned, Signature
from mailer.message.token import TokenMint

MINT = TokenMint((b"k" * 32,))
DAY = date(2026, 11, 25)


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=2**47 - 1))
def test_its_message_id_is_known_again(number: int) -> None:
    name = roundtrip.name(MINT, number, DAY)
    assert roundtrip.is_own(MINT, f"<{name}@lists.example.org>")


def test_nobody_else_can_make_one() -> None:
    own = roundtrip.name(MINT, 7, DAY)
    ledger_row = MINT.mint(Purpose.MESSAGE, subject=7, day=DAY)
    other_purpose = MINT.mint(Purpose.UNSUBSCRIBE, subject=2**47 + 7, day=DAY)
    of_an_announcement = MINT.mint(Purpose.MESSAGE, subject=2**47 + 7, context=1, day=DAY)
    foreign = roundtrip.name(TokenMint((b"x" * 32,)), 7, DAY)
    for name in (
        *(f"check.{token}" for token in (ledger_row, other_purpose, of_an_announcement)),
        *(foreign, own.replace("check.", "reply."), own[:-1], f"{own}a", ""),
    ):
        assert not roundtrip.is_own(MINT, f"<{name}@lists.example.org>")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_reading_back_never_fails(content: bytes) -> None:
    assert roundtrip.read_back(content).hops >= 0
    assert len(roundtrip.head(content)) <= roundtrip.HEAD_OCTETS + 4


def test_signatures_results_and_hops_are_read() -> None:
    content = (
        b"Received: from a\r\nReceived: from b\r\n"
        b"Authentication-Results: mx.example.org;\r\n\tspf=pass; dkim=pass\r\n"
        b"Authentication-Results: forged.example.org; dmarc=pass\r\n"
        b"DKIM-Signature: v=1; a=rsa-sha256; d=lists.example.org; s=s1;\r\n"
        b" h=From:List-Unsubscribe:\r\n List-Unsubscribe-Post; bh=x; b=y\r\n"
        b"DKIM-Signature: v=1; d=provider.example; s=p; h=From:To; b=z\r\n"
        b"\r\nDKIM-Signature: d=body.example; h=From\r\n"
    )
    expected = Returned(
        signatures=(
            Signature(
                domain="lists.example.org",
                selector="s1",
                fields=frozenset({"from", "list-unsubscribe", "list-unsubscribe-post"}),
            ),
            Signature(domain="provider.example", selector="p", fields=frozenset({"from", "to"})),
        ),
        results="mx.example.org; spf=pass; dkim=pass",
        hops=2,
    )
    found = roundtrip.read_back(content)
    assert found == expected
    assert roundtrip.read_back(roundtrip.head(content)) == expected


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"x" * 200_000])
def test_a_head_ends_with_an_empty_line(content: bytes) -> None:
    assert roundtrip.head(content).endswith(b"\r\n\r\n")
