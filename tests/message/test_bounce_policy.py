"""When a reader is kept, tested or removed because mails to them came back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config.model import Bounces
from mailer.message.bounce_policy import DELIVERED_AFTER, Decision, Mail, decide
from mailer.message.judgement import BounceClass
from tests.examples import examples

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
LIMITS = Bounces()
HARD, SOFT, BLOCK = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCK
FULL, UNKNOWN = BounceClass.FULL, BounceClass.UNKNOWN
SEVERITY = [Decision.KEEP, Decision.PROBE, Decision.END]


def mail(days_ago: float, cls: BounceClass | None = None, *, probe: bool = False) -> Mail:
    return Mail(at=NOW - timedelta(days=days_ago), cls=cls, probe=probe)


def now(*mails: Mail, limits: Bounces = LIMITS) -> Decision:
    return decide(mails, limits, now=NOW)


def test_nothing_sent_and_nothing_back_is_no_reason() -> None:
    assert now() is Decision.KEEP
    assert now(mail(0), mail(1), mail(30)) is Decision.KEEP


def test_hard_on_one_day_is_kept_however_often() -> None:
    assert now(*[mail(hours / 24, HARD) for hours in range(12)]) is Decision.KEEP


def test_hard_on_two_days_is_tested() -> None:
    assert now(mail(0, HARD), mail(1, HARD)) is Decision.PROBE


def test_hard_in_two_readers_days_but_one_of_utc_is_one_day() -> None:
    tokyo = timezone(timedelta(hours=9))
    bounces = [Mail(at=NOW.replace(hour=hour).astimezone(tokyo), cls=HARD) for hour in (1, 23)]
    assert now(*bounces) is Decision.KEEP


@pytest.mark.parametrize("cls", [SOFT, FULL, UNKNOWN])
def test_five_others_in_thirty_days_are_tested(cls: BounceClass) -> None:
    days = [0, 3, 14, 20, 30]
    assert now(*[mail(day, cls) for day in days]) is Decision.PROBE
    assert now(*[mail(day, cls) for day in days[1:]]) is Decision.KEEP
    assert now(*[mail(day, cls) for day in [0, 1, 2, 3, 29.9]]) is Decision.KEEP


def test_one_hard_counts_among_the_five() -> None:
    assert now(mail(0, HARD), *[mail(day, SOFT) for day in (5, 9, 20, 31)]) is Decision.PROBE


def test_a_mail_that_arrived_wipes_out_what_came_before() -> None:
    bounces = [mail(day, SOFT) for day in (0, 3, 14, 20, 30)]
    assert now(*bounces, mail(10)) is Decision.KEEP
    assert now(mail(3, HARD), mail(5, HARD), mail(4)) is Decision.KEEP


def test_a_mail_of_yesterday_may_still_come_back() -> None:
    assert now(mail(0, HARD), mail(3, HARD), mail(1)) is Decision.PROBE
    assert now(mail(0, HARD), mail(3, HARD), mail(2)) is Decision.KEEP


@pytest.mark.parametrize("cls", [HARD, SOFT, FULL, UNKNOWN])
def test_a_test_that_comes_back_is_the_end(cls: BounceClass) -> None:
    assert now(mail(1, HARD), mail(2, HARD), mail(0, cls, probe=True)) is Decision.END


def test_there_is_one_test_at_a_time() -> None:
    bounces = (mail(1, HARD), mail(3, HARD))
    assert now(*bounces, mail(0, probe=True)) is Decision.KEEP
    assert now(*bounces, mail(1.5, probe=True)) is Decision.KEEP


def test_a_test_that_arrived_begins_anew() -> None:
    bounces = (mail(6, HARD), mail(7, HARD), mail(5, probe=True))
    assert now(*bounces, mail(1, HARD)) is Decision.KEEP
    assert now(*bounces, mail(1, HARD), mail(0, HARD)) is Decision.PROBE


def test_a_test_that_came_back_late_does_not_weigh_more_than_what_arrived_since() -> None:
    bounces = (mail(8, HARD), mail(9, HARD), mail(6, SOFT, probe=True))
    assert now(*bounces) is Decision.END
    assert now(*bounces, mail(3)) is Decision.KEEP


def test_a_blocked_test_is_repeated_only_when_more_comes_back() -> None:
    bounces = (mail(3, HARD), mail(4, HARD), mail(2, BLOCK, probe=True))
    assert now(*bounces) is Decision.KEEP
    assert now(*bounces, mail(1, HARD)) is Decision.PROBE


def test_the_numbers_are_those_of_the_configuration() -> None:
    strict = Bounces(hard_days=1, soft_mails=2, soft_span=timedelta(days=1))
    assert now(mail(0, HARD), limits=strict) is Decision.PROBE
    assert now(mail(0, SOFT), mail(1, FULL), limits=strict) is Decision.PROBE
    assert now(mail(0, SOFT), mail(0.5, FULL), limits=strict) is Decision.KEEP


# Whole half days, so that days and delivery limits are often met exactly.
instants = st.integers(0, 160).map(lambda halves: NOW - timedelta(hours=12 * halves))
classes = st.sampled_from([None, *BounceClass])
mails = st.builds(Mail, at=instants, cls=classes, probe=st.booleans())
histories = st.lists(mails, max_size=14)
modest = settings(max_examples=examples(200), deadline=None)


@modest
@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_the_mails_does_not_matter(history: list[Mail], random: object) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert now(*shuffled) is now(*history)


@modest
@given(histories, st.lists(instants.filter(lambda at: NOW - at >= DELIVERED_AFTER)))
def test_more_mails_that_arrived_never_make_removal_likelier(
    history: list[Mail], arrived: list[datetime]
) -> None:
    more = [*history, *(Mail(at=at) for at in arrived)]
    assert SEVERITY.index(now(*more)) <= SEVERITY.index(now(*history))


@modest
@given(histories, st.lists(instants))
def test_a_blocked_mail_never_counts(history: list[Mail], blocked: list[datetime]) -> None:
    more = [*history, *(Mail(at=at, cls=BLOCK) for at in blocked)]
    assert now(*more) is now(*history)


@modest
@given(st.lists(mails.filter(lambda one: not one.probe), max_size=14))
def test_nobody_is_removed_without_a_test(history: list[Mail]) -> None:
    assert now(*history) is not Decision.END


@modest
@given(st.lists(mails.filter(lambda one: one.cls is None or one.cls is BLOCK), max_size=14))
def test_who_nothing_came_back_for_is_kept(history: list[Mail]) -> None:
    assert now(*history) is Decision.KEEP
