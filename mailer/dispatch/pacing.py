"""How fast bulk mail may leave: the configured rate, kept in one process."""

from __future__ import annotations

from dataclasses import replace

from scheduler.clock import Clock
from scheduler.pace import TokenBucket, take


class Bucket:
    """One mail takes one token; a rate of 0 is no limit."""

    def __init__(self, rate_per_second: float, clock: Clock) -> None:
        self._clock = clock
        self._bucket = TokenBucket(
            rate_per_second=rate_per_second,
            burst=max(1.0, rate_per_second),
            tokens=1.0,
            updated_at=clock.now(),
        )

    def grant(self, wanted: int) -> tuple[int, float]:
        """How many of those wanted may leave now, and in how many seconds to ask again."""
        now = self._clock.now()
        granted, self._bucket, again = take(self._bucket, wanted, now)
        return granted, 0.0 if again is None else max((again - now).total_seconds(), 0.001)

    def give_back(self, unused: int) -> None:
        """So many of the last grant were not needed."""
        tokens = min(self._bucket.burst, self._bucket.tokens + unused)
        self._bucket = replace(self._bucket, tokens=tokens)
