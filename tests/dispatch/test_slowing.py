"""The mail server asks for less, and gets it."""

from __future__ import annotations

import logging

import pytest

from mailer.dispatch.slowing import Slowing, asks_for_less
from mailer.transport.outcome import Outcome, Phase, impossible, judge, lost, taken
from tests.dispatch.ticking import Seconds, actions

SENT = taken(250, "fine")
LESS = judge(Phase.MAIL, 451, "4.7.1 too fast")


@pytest.mark.parametrize(
    "outcome",
    [
        *(judge(phase, 421, "4.7.0 bye") for phase in Phase if phase is not Phase.CONNECT),
        judge(Phase.MAIL, 450, "wait"),
        judge(Phase.MAIL, 452, "4.3.1 full"),
        judge(Phase.RCPT, 450, "4.7.1 too many mails"),
        judge(Phase.RCPT, 452, "4.3.1 the mail system is full"),
        judge(Phase.DATA, 451, "4.3.0 not now"),
        judge(Phase.DOT, 451, "4.7.28 unusual rate"),
        judge(Phase.DOT, 450, "try later"),
        judge(Phase.DOT, 452, "no room"),
    ],
    ids=lambda one: f"{one.phase} {one.code} {one.text}",
)
def test_what_concerns_the_server_asks_for_less(outcome: Outcome) -> None:
    assert asks_for_less(outcome)


@pytest.mark.parametrize(
    "outcome",
    [
        SENT,
        judge(Phase.CONNECT, 421, "4.7.0 too many connections"),
        judge(Phase.EHLO, 451, "4.3.0 not now"),
        judge(Phase.AUTH, 454, "4.7.0 not now"),
        judge(Phase.MAIL, 550, "5.7.1 no"),
        judge(Phase.MAIL, 450, "4.7.1 Greylisted"),
        judge(Phase.RCPT, 450, "busy"),
        judge(Phase.RCPT, 450, "4.2.0 greylisted, see the manual"),
        judge(Phase.RCPT, 451, "4.7.1 Graylisting in action"),
        judge(Phase.RCPT, 451, "4.7.1 Temporarily rejected: grey-listing"),
        judge(Phase.RCPT, 452, "4.2.2 the mailbox is full"),
        judge(Phase.RCPT, 550, "5.7.1 no"),
        judge(Phase.DOT, 452, "4.2.2 the mailbox is full"),
        judge(Phase.DOT, 432, "a password is needed"),
        judge(Phase.DOT, 554, "5.7.1 spam"),
        lost(Phase.DOT, "cut"),
        impossible(Phase.RCPT, "no SMTPUTF8"),
    ],
    ids=lambda one: f"{one.phase} {one.code} {one.text}",
)
def test_what_concerns_one_recipient_or_will_not_change_does_not(outcome: Outcome) -> None:
    assert not asks_for_less(outcome)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def send(slowing: Slowing, seconds: Seconds, count: int, *, over: float = 1.0) -> None:
    """So many mails, evenly over a time, with a look at the rate now and then."""
    for number in range(count):
        slowing.note(SENT)
        seconds.pass_by(over / count)
        if number % 10 == 0:
            slowing.rate()


def test_without_a_sign_there_is_no_limit(seconds: Seconds) -> None:
    slowing = Slowing(seconds)
    send(slowing, seconds, 500)
    slowing.note(judge(Phase.RCPT, 550, "5.1.1 unknown"))
    assert slowing.rate() is None


def test_it_is_cut_to_half_of_what_was_taken_lately(seconds: Seconds) -> None:
    slowing = Slowing(seconds)
    send(slowing, seconds, 2_000, over=5)
    slowing.note(LESS)
    assert slowing.rate() == pytest.approx(200, rel=0.02)


def test_what_was_long_ago_does_not_count(seconds: Seconds) -> None:
    slowing = Slowing(seconds)
    send(slowing, seconds, 1_000)
    seconds.pass_by(60)
    slowing.rate()
    send(slowing, seconds, 10, over=0.9)
    slowing.note(LESS)
    assert slowing.rate() == pytest.approx(5, rel=0.2)


def test_what_was_taken_a_moment_ago_counts_in_the_first_instant_of_a_second(
    seconds: Seconds,
) -> None:
    slowing = Slowing(seconds)
    send(slowing, seconds, 1_000)
    slowing.rate()
    send(slowing, seconds, 100, over=0.1)
    slowing.note(LESS)
    assert slowing.rate() == pytest.approx(500, rel=0.02)


def test_it_lasts_until_twice_of_all_that_was_tried_is_possible(seconds: Seconds) -> None:
    slowing = Slowing(seconds)
    for _ in range(900):
        slowing.note(judge(Phase.RCPT, 450, "4.2.0 greylisted"))
    send(slowing, seconds, 100)
    slowing.note(LESS)
    assert slowing.rate() == pytest.approx(50, rel=0.05)
    seconds.pass_by(36)
    assert slowing.rate() == pytest.approx(50 * 1.1**36, rel=0.05)
    seconds.pass_by(4)
    assert slowing.rate() is None


def test_the_same_refusal_of_all_that_was_under_way_is_one_sign(seconds: Seconds) -> None:
    slowing = Slowing(seconds)
    send(slowing, seconds, 1_000)
    for _ in range(100):
        slowing.note(LESS)
    assert slowing.rate() == pytest.approx(500, rel=0.02)


def test_a_server_that_refuses_all_gets_one_a_second_and_later_more(seconds: Seconds) -> None:
    slowing = Slowing(seconds)
    for _ in range(20):
        slowing.note(LESS)
        seconds.pass_by(1.1)
    rate = slowing.rate()
    assert rate is not None
    assert 1 <= rate < 1.3
    seconds.pass_by(60)
    assert slowing.rate() is None


def test_begin_and_end_are_told_once(seconds: Seconds, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mailer")
    slowing = Slowing(seconds)
    send(slowing, seconds, 100)
    for _ in range(5):
        slowing.note(LESS)
        seconds.pass_by(2)
    assert actions(caplog.records) == [("WARNING", "pace.slowed")]
    seconds.pass_by(120)
    assert [slowing.rate(), slowing.rate()] == [None, None]
    assert actions(caplog.records) == [("WARNING", "pace.slowed"), ("INFO", "pace.recovered")]
