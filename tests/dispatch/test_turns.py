"""Mails to a limited domain, each in its turn."""

from __future__ import annotations

import pytest

from mailer.dispatch.turns import KEPT_AT_LEAST, DomainTurns
from tests.dispatch.ticking import Seconds


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def waits(turns: DomainTurns, recipient: str, count: int) -> list[float]:
    return [turns.wait(recipient, urgent=False, again=False) for _ in range(count)]


def test_only_the_named_domains_are_limited(seconds: Seconds) -> None:
    turns = DomainTurns({"a.example": 1.0}, seconds)
    assert turns.limited
    assert waits(turns, "p@a.example", 4) == [0, 0, 2, 3]
    assert waits(turns, "P@A.Example", 1) == [4]
    assert waits(turns, "p@sub.a.example", 20) == [0] * 20


def test_each_domain_has_turns_of_its_own(seconds: Seconds) -> None:
    turns = DomainTurns({"a.example": 1.0, "b.example": 0.5}, seconds)
    assert waits(turns, "p@a.example", 3) == [0, 0, 2]
    assert waits(turns, "p@b.example", 3) == [0, 2, 4]


def test_a_star_is_each_other_domain_by_itself_and_zero_frees_one(seconds: Seconds) -> None:
    turns = DomainTurns({"*": 1.0, "a.example": 10.0, "free.example": 0.0}, seconds)
    assert waits(turns, "p@b.example", 3) == [0, 0, 2]
    assert waits(turns, "p@c.example", 3) == [0, 0, 2]
    assert waits(turns, "p@a.example", 5) == [0] * 5
    assert waits(turns, "p@free.example", 50) == [0] * 50


def test_zero_alone_limits_nothing(seconds: Seconds) -> None:
    assert not DomainTurns({"a.example": 0.0, "*": 0.0}, seconds).limited
    assert not DomainTurns({}, seconds).limited


def test_several_nodes_share_a_limit(seconds: Seconds) -> None:
    turns = DomainTurns({"a.example": 3.0}, seconds)
    turns.share(3)
    assert waits(turns, "p@a.example", 4) == [0, 0, 2, 3]


def test_domains_whose_turns_are_over_are_forgotten(seconds: Seconds) -> None:
    turns = DomainTurns({"*": 1.0}, seconds)
    waits(turns, "p@slow.example", 100)
    for number in range(20 * KEPT_AT_LEAST):
        assert turns.wait(f"p@d{number}.example", urgent=False, again=False) == 0
        seconds.pass_by(0.002)
    assert len(turns._turns) <= KEPT_AT_LEAST + 1
    assert turns.wait("p@slow.example", urgent=False, again=False) > 50
