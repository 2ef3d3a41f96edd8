"""When nothing may be sent."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import pytest_asyncio

from mailer.dispatch.pausing import WAITS, WORTH_TELLING, Pausing
from mailer.store import node, trouble
from mailer.store.engine import Connection, Store
from mailer.store.trouble import Trouble
from mailer.transport.outcome import Outcome, Phase, judge, lost, taken
from tests.dispatch.ticking import Fickle, actions
from tests.world import NOON

AWAY = lost(Phase.CONNECT, "refused")
SENT = taken(250, "fine")
WRONG = judge(Phase.AUTH, 535, "5.7.8 who are you?")


def test_an_outage_holds_everything_for_a_while_and_then_one_may_try() -> None:
    pausing = Pausing()
    assert (pausing.holds(0.0), pausing.probing()) == (False, False)
    pausing.note(AWAY, 100.0)
    assert (pausing.holds(100.9), pausing.holds(101.0)) == (True, False)
    assert pausing.probing()


def test_each_outage_in_a_row_waits_longer_up_to_a_minute() -> None:
    pausing, now, waits = Pausing(), 0.0, []
    for _ in range(8):
        pausing.note(AWAY, now)
        waits.append(pausing.until - now)
        now = pausing.until
    assert waits == [*WAITS, 60.0, 60.0]


def test_mails_that_were_under_way_when_it_began_do_not_make_it_longer() -> None:
    pausing = Pausing()
    for _ in range(10):
        pausing.note(AWAY, 0.5)
    assert (pausing.until, pausing.outages) == (1.5, 1)


def test_the_first_reply_to_a_mail_ends_it() -> None:
    pausing = Pausing()
    for outcome in (SENT, judge(Phase.RCPT, 550, "unknown"), judge(Phase.DOT, 451, "later")):
        pausing.note(AWAY, pausing.until)
        pausing.note(outcome, pausing.until)
        assert not pausing.probing()


def test_what_says_nothing_about_the_server_neither_begins_nor_ends_it() -> None:
    own = Outcome(fate=judge(Phase.RCPT, 550, "").fate, phase=Phase.RCPT, text="no address")
    for outcome in (own, lost(Phase.RCPT, "cut"), lost(Phase.DOT, "cut")):
        pausing = Pausing()
        pausing.note(outcome, 0.0)
        assert not pausing.holds(0.0)
        pausing.note(AWAY, 0.0)
        pausing.note(outcome, 1.0)
        assert pausing.probing()


def test_the_stop_switch_holds_whatever_the_server_says() -> None:
    pausing = Pausing(halted=True)
    pausing.note(SENT, 0.0)
    assert pausing.holds(1e9)


# --- what is told of it ---


class Bell:
    """Somebody who is written to."""

    def __init__(self) -> None:
        self.rung: list[Trouble] = []

    async def ring(self, connection: Connection, trouble: Trouble) -> None:
        self.rung.append(trouble)


@pytest_asyncio.fixture
async def fickle(store: Store) -> Fickle:
    """A database on which node `a` lives."""
    await store.write(lambda c: node.arrive(c, "a", now=NOON))
    return Fickle.over(store)


async def publish(
    pausing: Pausing, store: Store, monotonic: float, bell: Bell | None = None
) -> Trouble | None:
    """What others see after it; at 0 it was noon."""
    bell = bell or Bell()
    now = NOON + timedelta(seconds=monotonic)
    await pausing.publish(store, node="a", now=now, monotonic=monotonic, alarm=bell.ring)
    found = await store.read(lambda c: trouble.troubles(c, now=NOON))
    return found[0] if found else None


async def test_what_ends_by_itself_is_no_trouble_until_it_has_lasted(fickle: Fickle) -> None:
    pausing, now, bell = Pausing(), 100.0, Bell()
    for _ in range(WORTH_TELLING - 1):
        pausing.note(AWAY, now)
        assert await publish(pausing, fickle, now, bell) is None
        now = pausing.until
    pausing.note(AWAY, now)
    assert await publish(pausing, fickle, now, bell) == Trouble(
        since=NOON + timedelta(seconds=100),
        phase="connect",
        code=None,
        cause="refused",
        alarm=False,
    )
    assert bell.rung == []


@pytest.mark.parametrize(
    "outcome",
    [
        WRONG,
        judge(Phase.CONNECT, 554, "5.7.1 you are listed"),
        judge(Phase.MAIL, 550, "5.1.8 no such sender"),
        lost(Phase.STARTTLS, "the certificate has expired", alarm=True),
    ],
)
async def test_what_needs_a_person_is_trouble_at_once(fickle: Fickle, outcome: Outcome) -> None:
    pausing, bell = Pausing(), Bell()
    pausing.note(outcome, 100.0)
    seen = await publish(pausing, fickle, 104.0, bell)
    assert seen == Trouble(
        since=NOON + timedelta(seconds=100),
        phase=outcome.phase,
        code=outcome.code,
        cause=outcome.text,
        alarm=True,
    )
    assert bell.rung == [seen]


async def test_an_alarm_is_the_last_word_even_of_a_mail_that_was_under_way(fickle: Fickle) -> None:
    pausing = Pausing()
    pausing.note(AWAY, 100.0)
    pausing.note(WRONG, 100.5)
    pausing.note(AWAY, 100.6)
    seen = await publish(pausing, fickle, 101.0)
    assert seen is not None
    assert (seen.code, seen.since) == (535, NOON + timedelta(seconds=100))


def test_each_alarm_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mailer")
    pausing = Pausing()
    pausing.note(WRONG, 100.0)
    pausing.note(SENT, 102.0)
    pausing.note(AWAY, 104.0)
    assert actions(caplog.records) == [
        ("ERROR", "outbox.paused"),
        ("INFO", "outbox.resumed"),
        ("WARNING", "outbox.paused"),
    ]


async def test_others_see_a_pause_while_it_lasts_and_somebody_is_written_to_once(
    fickle: Fickle,
) -> None:
    pausing, bell = Pausing(), Bell()
    assert await publish(pausing, fickle, 0.0, bell) is None
    pausing.note(WRONG, 100.0)
    for monotonic in (100.5, 101.5, 102.5):
        pausing.note(WRONG, monotonic)
        assert await publish(pausing, fickle, monotonic, bell) == bell.rung[0]
    pausing.note(SENT, 103.0)
    assert await publish(pausing, fickle, 103.5, bell) is None
    assert await publish(pausing, fickle, 104.5, bell) is None
    assert len(bell.rung) == 1
    assert fickle.writes == 3  # at the start, when it began, when it ended


async def test_a_pause_that_becomes_an_alarm_rings_then(fickle: Fickle) -> None:
    pausing, bell, now = Pausing(), Bell(), 0.0
    for _ in range(WORTH_TELLING):
        pausing.note(AWAY, now)
        now = pausing.until
    before = await publish(pausing, fickle, now, bell)
    assert (before is not None, bell.rung) == (True, [])
    pausing.note(WRONG, now)
    assert [await publish(pausing, fickle, now, bell)] == bell.rung
    assert [one.since for one in bell.rung] == [NOON]


async def test_each_pause_that_needs_a_person_rings(fickle: Fickle) -> None:
    pausing, bell = Pausing(), Bell()
    for now in (100.0, 200.0):
        pausing.note(WRONG, now)
        await publish(pausing, fickle, now, bell)
        pausing.note(SENT, now + 1)  # and nobody looked meanwhile
    assert [one.since for one in bell.rung] == [NOON + timedelta(seconds=n) for n in (100, 200)]


async def test_what_another_life_of_the_node_left_behind_is_taken_away(fickle: Fickle) -> None:
    before = Pausing()
    before.note(WRONG, 0.0)
    assert await publish(before, fickle, 0.0) is not None
    assert await publish(Pausing(), fickle, 5.0) is None


async def test_what_the_database_did_not_take_is_told_later(fickle: Fickle) -> None:
    pausing, bell = Pausing(), Bell()
    pausing.note(WRONG, 0.0)
    fickle.away = True
    assert await publish(pausing, fickle, 0.0, bell) is None
    fickle.away = False
    assert [await publish(pausing, fickle, 1.0, bell)] == bell.rung


async def test_what_the_database_may_have_taken_is_told_again(fickle: Fickle) -> None:
    pausing = Pausing()
    await publish(pausing, fickle, 0.0)
    pausing.note(WRONG, 1.0)
    fickle.silent = True
    assert await publish(pausing, fickle, 1.0) is not None
    pausing.note(SENT, 2.0)
    fickle.silent = False
    assert await publish(pausing, fickle, 2.0) is None
