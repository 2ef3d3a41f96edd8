"""Limits on automatic answers: sums over slices that are never less than the true count."""

from __future__ import annotations

from datetime import timedelta

from mailer.parts import Parts
from mailer.store import quota
from mailer.store.quota import Quota
from tests.world import NOON

HOUR = timedelta(hours=1)


async def take(parts: Parts, *quotas: Quota, after: timedelta = timedelta()) -> str | None:
    return await parts.store.write(lambda c: quota.take(c, quotas, NOON + after))


async def test_a_limit_holds_within_its_span_and_opens_after_it(parts: Parts) -> None:
    three = Quota(scope="a", limit=3, span=HOUR)
    assert [await take(parts, three) for _ in range(5)] == [None, None, None, "a", "a"]
    assert await take(parts, three, after=timedelta(minutes=59)) == "a"
    assert await take(parts, three, after=timedelta(minutes=66)) is None


async def test_zero_is_no_limit(parts: Parts) -> None:
    none = Quota(scope="a", limit=0, span=HOUR)
    assert {await take(parts, none) for _ in range(20)} == {None}


async def test_what_one_scope_refuses_counts_against_no_other(parts: Parts) -> None:
    small, large = Quota(scope="s", limit=1, span=HOUR), Quota(scope="l", limit=2, span=HOUR)
    assert await take(parts, small, large) is None
    assert await take(parts, small, large) == "s"
    assert await take(parts, large) is None
    assert await take(parts, large) == "l"


async def test_old_counts_are_swept(parts: Parts) -> None:
    one = Quota(scope="a", limit=1, span=timedelta(days=30))
    await take(parts, one)
    await parts.store.write(lambda c: quota.sweep(c, before=NOON + HOUR))
    assert await take(parts, one) is None
