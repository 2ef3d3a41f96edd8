"""Weeks, mailings and reasons, counted on each engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from mailer.message.judgement import BounceClass
from mailer.parts import Parts
from mailer.store import trend
from mailer.store.trend import Reason
from tests.desk.season import came, mailing, season
from tests.world import NOON, SERIES


def test_a_week_begins_on_monday() -> None:
    assert trend.monday_of(trend.week_of(datetime(2026, 11, 25, tzinfo=UTC))) == date(2026, 11, 23)
    sunday = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    assert trend.week_of(sunday) + 1 == trend.week_of(sunday + timedelta(seconds=1))


async def test_a_series_that_nobody_knows_has_empty_weeks(parts: Parts) -> None:
    found = await parts.store.read(lambda c: trend.weeks(c, SERIES.id, now=NOON, count=3))
    assert [(one.subscribers, one.joined, one.left, one.mails) for one in found] == [
        (0, 0, 0, 0)
    ] * 3
    assert await parts.store.read(lambda c: trend.mailings(c, SERIES.id, now=NOON, limit=3)) == ()


async def test_weeks_say_how_many_there_were_at_their_end(parts: Parts) -> None:
    await came(parts, 1, NOON - timedelta(weeks=9))
    await came(parts, 2, NOON - timedelta(weeks=2), went=NOON - timedelta(weeks=1))
    await came(parts, 3, NOON)
    found = await parts.store.read(lambda c: trend.weeks(c, SERIES.id, now=NOON, count=4))
    assert [(one.subscribers, one.joined, one.left) for one in found] == [
        (1, 0, 0),
        (2, 1, 0),
        (1, 0, 1),
        (2, 1, 0),
    ]
    assert found[-1].number == trend.week_of(NOON)


async def test_what_came_back_is_told_by_week_and_reason(parts: Parts) -> None:
    await season(parts)
    found = await parts.store.read(lambda c: trend.weeks(c, SERIES.id, now=NOON, count=9))
    assert [one.mails for one in found] == [16, 0, 0, 0, 15, 0, 0, 18, 0]
    assert found[0].came_back == {BounceClass.HARD: 2, BounceClass.FULL: 1}
    assert found[4].came_back == {BounceClass.HARD: 1, BounceClass.BLOCK: 3}
    reasons = await parts.store.read(
        lambda c: trend.reasons(c, SERIES.id, since=NOON - timedelta(weeks=9), limit=9)
    )
    assert reasons == (
        Reason(cls=BounceClass.BLOCK, status="5.7.1", count=3, example="550 5.7.1 not from here"),
        Reason(cls=BounceClass.HARD, status="5.1.1", count=3, example="5.1.1 <no> such"),
        Reason(cls=BounceClass.FULL, status="5.2.2", count=1, example="5.2.2 <no> such"),
    )


async def test_mailings_stand_side_by_side_the_newest_first(parts: Parts) -> None:
    one = await mailing(parts, NOON - timedelta(weeks=2), "one", sent=5, back=2)
    two = await mailing(parts, NOON - timedelta(weeks=1), "two", sent=3, refused=1)
    found = await parts.store.read(lambda c: trend.mailings(c, SERIES.id, now=NOON, limit=9))
    assert [
        (one.id, one.title, one.counts.sent, one.counts.failed, one.came_back) for one in found
    ] == [
        (two, "Webinar two", 3, 1, 0),
        (one, "Webinar one", 5, 0, 2),
    ]
