"""After a deferral: when to try again, or to give up.

RFC 5321 §4.5.4: the first tries come soon, later ones at least 30 minutes apart, and giving up
takes 4 to 5 days. A mail with a deadline is given up at its deadline. Decides about one mail only;
it does no I/O and takes its randomness as an argument.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from scheduler.model import require_aware

GIVE_UP_AFTER = timedelta(days=5)
LONGEST_WAIT = timedelta(hours=4)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 200))
SPREAD = 0.2  # of a wait, at most; the longest then stays within LONGEST_WAIT


def next_attempt(
    *,
    attempts: int,
    first_queued_at: datetime,
    now: datetime,
    expires_at: datetime | None,
    retry_after_seconds: float | None,
    jitter: float,
) -> datetime | None:
    """The instant of the next attempt, always after ``now``; None means give up.

    ``attempts`` are those made so far. ``retry_after_seconds`` is what the other server asked for:
    it makes a wait longer, never shorter, and never longer than `LONGEST_WAIT`. ``jitter`` from 0
    up to 1 spreads mails that failed together. Raises ValueError if it lies outside.
    """
    require_aware("first_queued_at", first_queued_at)
    require_aware("now", now)
    require_aware("expires_at", expires_at)
    if not 0 <= jitter < 1:
        raise ValueError(f"jitter lies from 0 up to 1, not {jitter}")
    wait = max(WAITS[min(max(attempts, 1), len(WAITS)) - 1], _asked(retry_after_seconds))
    next_at = now + min(wait * (1 + SPREAD * jitter), LONGEST_WAIT)
    ends_at = first_queued_at + GIVE_UP_AFTER
    if expires_at is not None:
        ends_at = min(ends_at, expires_at)
    return next_at if next_at < ends_at else None


def _asked(seconds: float | None) -> timedelta:
    if seconds is None or math.isnan(seconds):
        return timedelta(0)
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_WAIT.total_seconds()))
