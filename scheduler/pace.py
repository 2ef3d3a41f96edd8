"""How many mails may leave now, and when to ask again.

Arithmetic only: each state is a value that is handed in and comes back; where it is kept and who
shares it is decided elsewhere. Seconds are those of a clock that never goes back; only a warm-up
counts in days of the calendar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scheduler.model import require_aware

LONGEST_WAIT_SECONDS = 86_400.0

_ROUNDING = 1e-9  # tokens; what floating point may have lost of a whole one


# --- so many a second ---


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """Tokens at an instant: one mail takes one. A rate of 0 means no limit."""

    rate_per_second: float
    burst: float
    tokens: float
    updated_at: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate_per_second < math.inf:
            raise ValueError("a rate is 0 or more")
        if self.rate_per_second and self.burst < 1:
            raise ValueError("a bucket holds at least one token")


def take(bucket: TokenBucket, wanted: int, now: float) -> tuple[int, TokenBucket, float]:
    """Take up to ``wanted`` tokens: how many were granted, the bucket after, when to ask again.

    The last is in seconds, 0 when all were granted; after them at least one more will be there
    (about half a bucket, if so many are wanted, so that a batch is worth the asking).
    """
    wanted = max(wanted, 0)
    if bucket.rate_per_second == 0:
        return wanted, bucket, 0.0
    bucket = _refilled(bucket, now)
    granted = min(wanted, max(0, math.floor(bucket.tokens + _ROUNDING)))
    bucket = replace(bucket, tokens=bucket.tokens - granted)
    if granted == wanted:
        return granted, bucket, 0.0
    worth_asking = min(wanted - granted, max(1, math.floor(bucket.burst / 2)))
    seconds = max(0.0, worth_asking - bucket.tokens) / bucket.rate_per_second
    return granted, bucket, max(1e-6, min(seconds, LONGEST_WAIT_SECONDS))


def put_back(bucket: TokenBucket, unused: int) -> TokenBucket:
    """The bucket with tokens that were taken and not needed."""
    return replace(bucket, tokens=min(bucket.burst, bucket.tokens + unused))


def at_rate(bucket: TokenBucket, rate_per_second: float, now: float) -> TokenBucket:
    """The bucket going on at another rate, with room for a second's worth and for one token at
    least; what it held beyond that is lost."""
    before = _refilled(bucket, now)
    burst = max(1.0, rate_per_second)
    tokens = min(before.tokens, burst)
    return replace(before, rate_per_second=rate_per_second, burst=burst, tokens=tokens)


def _refilled(bucket: TokenBucket, now: float) -> TokenBucket:
    earned = max(0.0, now - bucket.updated_at) * bucket.rate_per_second
    tokens = min(bucket.burst, bucket.tokens + earned)
    return replace(bucket, tokens=tokens, updated_at=max(now, bucket.updated_at))


# --- less, when the other side asks for less ---

SLOWEST = 1.0  # mails a second: so that it is noticed when more is possible again
CUT_TO = 0.5  # of what was taken lately
CUT_APART_SECONDS = 1.0
GROWTH_A_SECOND = 1.1
LIFTED_AT = 2.0  # times the rate that was too much


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowdown:
    """At ``since`` not more than ``rate`` a second might leave; it grows from there, until it is
    well above ``too_much``, the highest rate that the other side did not want."""

    rate: float
    too_much: float
    since: float


def slowed(before: Slowdown | None, *, taken: float, tried: float, now: float) -> Slowdown:
    """The other side asked for less while it took ``taken`` a second of ``tried``.

    Cuts at most once a second: what comes in between was under way before the last cut.
    """
    if before is not None and now - before.since < CUT_APART_SECONDS:
        return before
    allowed = math.inf if before is None else _grown(before, now)
    rate = max(SLOWEST, min(taken, allowed) * CUT_TO)
    known = 0.0 if before is None else before.too_much
    return Slowdown(rate=rate, too_much=max(known, min(tried, allowed), rate), since=now)


def allowed_rate(slowdown: Slowdown, now: float) -> float | None:
    """How many a second may leave now; None when it is over."""
    rate = _grown(slowdown, now)
    return None if rate >= slowdown.too_much * LIFTED_AT else rate


def _grown(slowdown: Slowdown, now: float) -> float:
    seconds = max(0.0, now - slowdown.since)
    lifted_at = slowdown.too_much * LIFTED_AT
    if seconds >= math.log(lifted_at / slowdown.rate, GROWTH_A_SECOND):
        return lifted_at  # what is beyond says no more, and would overflow one day
    return float(slowdown.rate * GROWTH_A_SECOND**seconds)


# --- evenly spaced ---

LEEWAY_SECONDS = 1.0  # a turn that is so near is now
LATE_SECONDS = 2.0  # worth of mails may leave at once, because turns come round in handfuls
URGENT_SECONDS = 4.0  # the same for what is urgent, so that it finds room when all turns are used


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Mails of which one may leave in each ``interval`` (the generic cell rate algorithm, twice).

    ``left`` is when all that has left would have left if evenly spaced; ``booked`` the same for all
    that has a turn. Both in the past say nothing: then it is as good as new.
    """

    left: float = -math.inf
    booked: float = -math.inf


def next_turn(
    turns: Turns, interval: float, now: float, *, urgent: bool, again: bool
) -> tuple[Turns, float]:
    """In how many seconds a mail has its turn, 0: now; ``again`` if it comes because it has.

    Whoever comes too late, when so many others do that they would be too many at once, gets a new
    turn behind all that are booked. What is urgent waits behind nothing that is only booked.
    """
    if urgent:
        if again:
            return turns, 0.0
        wait = max(0.0, turns.left - now - URGENT_SECONDS)
        return replace(turns, left=max(turns.left, now) + interval), wait
    room = turns.left - now <= LATE_SECONDS
    if room and again:
        return replace(turns, left=max(turns.left, now) + interval), 0.0
    if room and turns.booked - now <= LEEWAY_SECONDS:
        left, booked = max(turns.left, now) + interval, max(turns.booked, now) + interval
        return Turns(left=left, booked=booked), 0.0
    at = max(turns.left, turns.booked)
    return replace(turns, booked=at + interval), at - now


# --- a few more each day ---

_DAY = timedelta(days=1)
MOST_A_DAY = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """A new sending address begins with few mails a day: ``first_day`` on the first, ``factor``
    times more on each that follows, for ``days``. Each day begins at the time of day of ``start``.
    """

    start: datetime
    first_day: int = 500
    factor: float = 1.5
    days: int = 14

    def __post_init__(self) -> None:
        require_aware("start", self.start)
        if not (1 <= self.factor < math.inf and self.first_day >= 1 and self.days >= 1):
            raise ValueError("a warm-up begins with at least one mail and does not shrink")


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpDay:
    """One day of a warm-up, and how many mails may leave on it."""

    begins_at: datetime
    limit: int

    @property
    def ends_at(self) -> datetime:
        """When the next begins."""
        return self.begins_at + _DAY


def warm_up_day(plan: WarmUp, now: datetime) -> WarmUpDay | None:
    """The day of a warm-up that it is; the days before it count as the first, None is after it."""
    require_aware("now", now)
    number = (now - plan.start) // _DAY
    if number >= plan.days:
        return None
    return WarmUpDay(begins_at=plan.start + number * _DAY, limit=_limit(plan, max(0, number)))


def days_taken(plan: WarmUp, mails: int, now: datetime) -> int:
    """On how many days so many mails leave that may leave from now on, if there are no others."""
    days = 1
    while (day := warm_up_day(plan, now)) is not None and mails > day.limit:
        mails -= day.limit
        now = day.ends_at
        days += 1
    return days


def _limit(plan: WarmUp, number: int) -> int:
    try:
        grown = plan.first_day * plan.factor**number
    except OverflowError:
        return MOST_A_DAY
    return MOST_A_DAY if grown >= MOST_A_DAY else math.floor(grown + _ROUNDING)
