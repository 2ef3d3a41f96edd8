"""The pace of the two lanes: what is configured, what the server asks for, each domain's turn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.config.model import Outbound
from mailer.dispatch.lane import Pace
from mailer.dispatch.pacing import FURTHEST_SECONDS, Pacing
from mailer.dispatch.warming import AT_FIRST
from mailer.store.engine import Store
from mailer.transport.outcome import Phase, judge, taken
from scheduler.clock import VirtualClock
from scheduler.pace import WarmUp
from tests.dispatch.ticking import Seconds
from tests.world import NOON

SENT = taken(250, "fine")
LESS = judge(Phase.MAIL, 451, "4.7.1 too fast")


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def pacing(seconds: Seconds, **settings: object) -> Pacing:
    outbound = Outbound(**settings)  # type: ignore[arg-type]
    return Pacing(outbound, VirtualClock(NOON), seconds=seconds)


def leaving(pace: Pacing, seconds: Seconds, span: float) -> int:
    """How many leave in a span by somebody who wants as many as he can get."""
    count = 0
    until = seconds.now + span
    while seconds.now < until:
        granted, again = pace.grant(64)
        count += granted
        seconds.pass_by(again or 0.001)
    return count


def test_both_lanes_are_paced(seconds: Seconds) -> None:
    pace = pacing(seconds)
    lanes: tuple[Pace, Pace] = (pace, pace.answers)
    assert [lane.grant(1_000) for lane in lanes] == [(1_000, 0.0)] * 2


def test_without_settings_nothing_waits(seconds: Seconds) -> None:
    pace = pacing(seconds)
    assert pace.turn("p@example.net", paced=False) is None
    pace.give_back(1_000)
    assert pace.grant(1_000_000) == (1_000_000, 0.0)


def test_the_configured_rate_is_kept(seconds: Seconds) -> None:
    pace = pacing(seconds, messages_per_second=50)
    assert leaving(pace, seconds, 60) == pytest.approx(3_000, abs=30)


def test_several_nodes_share_the_configured_rate(seconds: Seconds) -> None:
    pace = pacing(seconds, messages_per_second=60)
    pace.share(3)
    assert leaving(pace, seconds, 60) == pytest.approx(1_200, abs=30)
    pace.share(0)  # this node's heartbeat is late
    assert leaving(pace, seconds, 60) == pytest.approx(3_600, abs=60)


def test_what_was_not_needed_can_be_had_again(seconds: Seconds) -> None:
    pace = pacing(seconds, messages_per_second=10)
    pace.grant(1)
    seconds.pass_by(1)
    assert pace.grant(64)[0] == 10
    pace.give_back(7)
    assert pace.grant(64)[0] == 7


def test_a_clock_that_is_set_changes_no_pace(seconds: Seconds) -> None:
    clock = VirtualClock(NOON)
    pace = Pacing(Outbound(messages_per_second=10), clock, seconds=seconds)
    pace.grant(64)
    clock.advance_to(NOON + timedelta(days=1))
    assert pace.grant(64)[0] == 0


def test_a_server_that_asks_for_less_slows_bulk_down_and_not_answers(seconds: Seconds) -> None:
    pace = pacing(seconds)
    for _ in range(10):
        pace.grant(40)
        for _ in range(40):
            pace.note(SENT)
        seconds.pass_by(0.2)
    pace.answers.note(LESS)
    assert leaving(pace, seconds, 4) == pytest.approx(487, rel=0.15)  # from 100 a second to 146
    assert pace.answers.grant(500) == (500, 0.0)
    seconds.pass_by(60)
    assert pace.grant(10_000) == (10_000, 0.0)


def test_of_the_configured_rate_and_the_slower_one_the_lower_holds(seconds: Seconds) -> None:
    pace = pacing(seconds, messages_per_second=5)
    for _ in range(2_000):
        pace.note(SENT)
    seconds.pass_by(1)
    pace.note(LESS)
    assert leaving(pace, seconds, 4) == pytest.approx(20, abs=2)


def test_a_limited_domain_has_turns_in_the_ledgers_time(seconds: Seconds) -> None:
    pace = pacing(seconds, domains={"example.net": 1.0})
    turns = [pace.turn(f"p{n}@example.net", paced=False) for n in range(4)]
    assert turns == [None, None, NOON + timedelta(seconds=2), NOON + timedelta(seconds=3)]
    assert pace.turn("p@example.org", paced=False) is None
    seconds.pass_by(2)
    assert pace.turn("p2@example.net", paced=True) is None


def test_a_mail_that_waits_for_its_turn_uses_nothing_of_the_rate(seconds: Seconds) -> None:
    pace = pacing(seconds, messages_per_second=10, domains={"example.net": 1.0})
    pace.grant(1)
    seconds.pass_by(1)
    assert pace.grant(10)[0] == 10
    left = [pace.turn("p@example.net", paced=False) is None for _ in range(10)].count(True)
    assert pace.grant(10)[0] == 10 - left


def test_an_answer_does_not_wait_behind_the_bulk_of_its_domain(seconds: Seconds) -> None:
    pace = pacing(seconds, domains={"example.net": 1.0})
    for _ in range(10_000):
        pace.turn("p@example.net", paced=False)
    assert [pace.answers.turn("a@example.net", paced=False) for _ in range(3)] == [None] * 3
    last = [pace.answers.turn("a@example.net", paced=False) for _ in range(3)][-1]
    assert last == NOON + timedelta(seconds=3)
    assert pace.answers.turn("a@example.net", paced=True) is None


def test_several_nodes_share_a_domains_limit(seconds: Seconds) -> None:
    pace = pacing(seconds, domains={"example.net": 1.0})
    pace.share(2)
    turns = [pace.turn("p@example.net", paced=False) for _ in range(3)]
    assert turns == [None, NOON + timedelta(seconds=2), NOON + timedelta(seconds=4)]


def test_no_turn_lies_beyond_what_a_date_can_say(seconds: Seconds) -> None:
    pace = pacing(seconds, domains={"example.net": 1e-12})
    turns = [pace.turn("p@example.net", paced=False) for _ in range(3)]
    assert turns == [None, *[NOON + timedelta(seconds=FURTHEST_SECONDS)] * 2]


async def test_a_warm_up_holds_bulk_and_not_answers(seconds: Seconds, store: Store) -> None:
    pace = pacing(seconds, warm_up=WarmUp(start=NOON, first_day=5))
    assert pace.grant(64)[0] == 0
    await pace.refresh(store)
    assert pace.grant(64) == (5, 0.0)
    pace.give_back(2)
    assert pace.grant(64) == (2, 0.0)
    await pace.refresh(store)
    assert pace.grant(64) == (0, 86_400.0)
    assert pace.answers.grant(64) == (64, 0.0)


async def test_what_the_warm_up_holds_back_uses_nothing_of_the_rate(
    seconds: Seconds, store: Store
) -> None:
    pace = pacing(seconds, messages_per_second=100, warm_up=WarmUp(start=NOON))
    pace.grant(1)
    await pace.refresh(store)
    seconds.pass_by(1)
    assert pace.grant(100)[0] == AT_FIRST
    await pace.refresh(store)
    assert pace.grant(100)[0] == 2 * AT_FIRST


async def test_at_the_end_others_may_have_what_was_put_by(seconds: Seconds, store: Store) -> None:
    plan = WarmUp(start=NOON, first_day=5)
    for _ in range(2):
        pace = pacing(seconds, warm_up=plan)
        pace.grant(1)
        await pace.refresh(store)
        assert pace.grant(64)[0] == 5
        pace.give_back(5)
        await pace.release(store)


async def test_without_a_warm_up_the_database_is_not_asked(seconds: Seconds, store: Store) -> None:
    await store.dispose()
    pace = pacing(seconds)
    pace.grant(10)
    await pace.refresh(store)
    await pace.release(store)
