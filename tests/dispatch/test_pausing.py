"""When nothing may be sent."""

from __future__ import annotations

from mailer.dispatch.pausing import WAITS, Pausing
from mailer.transport.outcome import Outcome, Phase, judge, lost, taken

AWAY = lost(Phase.CONNECT, "refused")
SENT = taken(250, "fine")


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
