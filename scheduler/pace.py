"""How many mails may leave now, and when to ask again.

Arithmetic only: the bucket is a value that is handed in and comes back; where it is kept and who
shares it is decided elsewhere. Several machines with slightly different clocks may use one bucket,
so a clock that goes back never earns anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from scheduler.model import require_aware

CLOCKS_DIFFER_BY = timedelta(minutes=1)  # more than this is a clock that was set, not a neighbour's
LONGEST_WAIT_SECONDS = 86_400.0

_ROUNDING = 1e-9  # tokens; what floating point may have lost of a whole one


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """Tokens at an instant: one mail takes one. A rate of 0 means no limit."""

    rate_per_second: float
    burst: float
    tokens: float
    updated_at: datetime

    def __post_init__(self) -> None:
        require_aware("updated_at", self.updated_at)
        if not 0 <= self.rate_per_second < math.inf:
            raise ValueError("a rate is 0 or more")
        if self.rate_per_second and self.burst < 1:
            raise ValueError("a bucket holds at least one token")


def take(
    bucket: TokenBucket, wanted: int, now: datetime
) -> tuple[int, TokenBucket, datetime | None]:
    """Take up to ``wanted`` tokens: how many were granted, the bucket after, when to ask again.

    The last is None when all were granted; at that instant at least one more will be there
    (about half a bucket, if so many are wanted, so that a batch is worth the asking).
    """
    require_aware("now", now)
    wanted = max(wanted, 0)
    if bucket.rate_per_second == 0:
        return wanted, bucket, None
    bucket = _refilled(bucket, now)
    granted = min(wanted, max(0, math.floor(bucket.tokens + _ROUNDING)))
    bucket = replace(bucket, tokens=bucket.tokens - granted)
    if granted == wanted:
        return granted, bucket, None
    worth_asking = min(wanted - granted, max(1, math.floor(bucket.burst / 2)))
    seconds = max(0.0, worth_asking - bucket.tokens) / bucket.rate_per_second
    microseconds = math.ceil(min(seconds, LONGEST_WAIT_SECONDS) * 1e6) + 1
    return granted, bucket, bucket.updated_at + timedelta(microseconds=microseconds)


def warm_up_limit(start: date, today: date, first_day: int, growth: float, ceiling: int) -> int:
    """How many mails a new sending address may send on ``today``.

    ``first_day`` on ``start`` and before, then ``growth`` times more each day, ``ceiling`` at most.
    Raises ValueError for a growth below 1 or a first day of none: such a warm-up never ends.
    """
    if not (growth >= 1 and first_day >= 1):
        raise ValueError("a warm-up starts with at least one mail and does not shrink")
    days = max(0, (today - start).days)
    try:
        grown = first_day * growth**days
    except OverflowError:
        return ceiling
    return ceiling if grown >= ceiling else math.floor(grown + _ROUNDING)


def _refilled(bucket: TokenBucket, now: datetime) -> TokenBucket:
    """What has come in since. Time that went back brings nothing and takes nothing.

    A small step back is another machine's clock: the later instant stays, so that the same second
    is not earned twice. A large one is a clock that was set: counting starts anew from there, or
    nothing would leave until it has caught up.
    """
    passed = now - bucket.updated_at
    if passed < timedelta(0):
        return bucket if -passed <= CLOCKS_DIFFER_BY else replace(bucket, updated_at=now)
    earned = passed.total_seconds() * bucket.rate_per_second
    tokens = min(bucket.burst, bucket.tokens + earned)
    return replace(bucket, tokens=tokens, updated_at=now)
