"""What happens at the same time every day or every week, by the wall clock of a zone.

The latest such moment and the one after it, so that whoever looks may be late or come twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from scheduler.recurrence import to_utc, to_wall


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """``at`` on the clock of ``zone``, each day, or on one day of the week (Monday is 0)."""

    zone: str
    at: time
    weekday: int | None = None

    @property
    def _days(self) -> int:
        return 1 if self.weekday is None else 7

    def latest(self, now: datetime) -> datetime:
        """The last moment that is not after ``now``."""
        wall = to_wall(now, self.zone)
        back = 0 if self.weekday is None else (wall.weekday() - self.weekday) % 7
        day = wall.date() - timedelta(days=back)
        found = to_utc(datetime.combine(day, self.at), self.zone)
        if found <= now:
            return found
        return to_utc(datetime.combine(day - timedelta(days=self._days), self.at), self.zone)

    def after(self, moment: datetime) -> datetime:
        """The moment that follows one of this rhythm."""
        day = to_wall(moment, self.zone).date() + timedelta(days=self._days)
        return to_utc(datetime.combine(day, self.at), self.zone)
