"""From what a server said to the next state of a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailer.dispatch.judging import returned, settlement, too_late
from mailer.message.judgement import BounceClass
from mailer.store.lease import Claimed
from mailer.store.outbox import State
from mailer.store.settlement import Settlement
from mailer.transport.outcome import Fate, Outcome, Phase, judge, lost, taken

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
ROW = Claimed(
    id=7,
    series_id="copyright",
    kind="reminder",
    template="reminder",
    priority=5,
    recipient="ana@example.net",
    language="en",
    zone="Europe/Zurich",
    message_id="<1@lists.example.org>",
    subscription_id=None,
    announcement_id=None,
    webinar_id=None,
    registered=False,
    told_sequence=-1,
    generation=0,
    data="",
    answered="",
    blob_id=None,
    queued_at=NOW - timedelta(minutes=10),
    not_before=NOW - timedelta(minutes=5),
    expires_at=None,
    attempts=2,
)


def judged(outcome: Outcome, row: Claimed = ROW) -> Settlement:
    return settlement(row, outcome, now=NOW, jitter=0.0)


def test_sent() -> None:
    assert judged(taken(250, "2.0.0 queued as 1")) == Settlement(
        id=7, state=State.SENT, attempts=2, reply_code=250, reply="250 2.0.0 queued as 1"
    )


@pytest.mark.parametrize(
    ("phase", "code", "text", "cls", "status"),
    [
        (Phase.RCPT, 550, "5.1.1 no such user", BounceClass.HARD, "5.1.1"),
        (Phase.RCPT, 550, "5.7.1 relay access denied", BounceClass.BLOCK, "5.7.1"),
        (Phase.RCPT, 550, "5.2.2 mailbox full", BounceClass.FULL, "5.2.2"),
        (Phase.DOT, 550, "5.1.1 no such user", None, ""),
        (Phase.MAIL, 552, "5.3.4 too large", None, ""),
    ],
)
def test_only_a_refused_recipient_can_be_a_bounce(
    phase: Phase, code: int, text: str, cls: BounceClass | None, status: str
) -> None:
    found = judged(judge(phase, code, text))
    assert found.state is State.FAILED
    assert found.reason == f"refused at {phase}"
    assert (found.bounce_class, found.bounce_status) == (cls, status)


@pytest.mark.parametrize(
    "outcome",
    [
        judge(Phase.CONNECT, 554, "no"),
        judge(Phase.AUTH, 535, "wrong"),
        judge(Phase.MAIL, 550, "not from you"),
        judge(Phase.MAIL, 421, "later"),
        lost(Phase.CONNECT, "refused"),
        lost(Phase.MAIL, "silence"),
        Outcome(fate=Fate.OUTAGE, phase=Phase.DATA, text="no space left"),
    ],
)
def test_an_outage_costs_a_mail_no_try_and_is_no_bounce(outcome: Outcome) -> None:
    found = judged(outcome)
    assert (found.state, found.attempts, found.not_before) == (State.QUEUED, 1, NOW)
    assert (found.bounce_class, found.doubt) == (None, False)


@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA, Phase.DOT])
def test_a_mail_over_which_the_server_gives_up_waits_longer_each_time(phase: Phase) -> None:
    found = judged(judge(phase, 421, "closing"))
    assert (found.state, found.attempts) == (State.QUEUED, 2)
    assert found.not_before == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60)])
def test_a_deferred_mail_is_tried_again_later_each_time(attempts: int, minutes: int) -> None:
    found = judged(judge(Phase.RCPT, 450, "greylisted"), ROW._replace(attempts=attempts))
    assert (found.state, found.attempts) == (State.QUEUED, attempts)
    assert found.not_before == NOW + timedelta(minutes=minutes)
    assert (found.reason, found.doubt) == ("later (rcpt)", False)


def test_doubt_is_tried_again_and_counted() -> None:
    found = judged(lost(Phase.DOT, "the server closed the connection"))
    assert (found.state, found.doubt, found.reply_code) == (State.QUEUED, True, None)
    assert found.reason == "in doubt: no reply after the final dot"


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        (
            ROW._replace(expires_at=NOW + timedelta(minutes=3)),
            State.EXPIRED,
            "no more tries before its deadline",
        ),
        (
            ROW._replace(queued_at=NOW - timedelta(days=5), attempts=30),
            State.FAILED,
            "tried for five days",
        ),
    ],
)
def test_there_is_an_end_to_trying(row: Claimed, state: State, reason: str) -> None:
    found = judged(judge(Phase.RCPT, 450, "greylisted"), row)
    assert (found.state, found.reason) == (state, reason)
    assert found.reply == "450 greylisted"


def test_a_claim_that_became_no_try_leaves_the_row_as_it_was() -> None:
    assert returned(ROW) == Settlement(
        id=7, state=State.QUEUED, not_before=ROW.not_before, attempts=1
    )
    assert (too_late(ROW).state, too_late(ROW).attempts) == (State.EXPIRED, 1)
