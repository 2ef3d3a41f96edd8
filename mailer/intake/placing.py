"""Which of a series' coming slots are free: by its rule, and by the webinars that are there.

A slot is taken by every webinar, drafts included, that runs at any time of it; a cancelled webinar
takes none. Never reserves anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.config.model import Series
from mailer.errors import ChangeRefused
from mailer.store.programme import WebinarRecord
from scheduler.model import Status
from scheduler.recurrence import Slot, slots

SOME = 50  # slots looked at in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A coming slot, and the ids of the webinars in it."""

    slot: Slot
    ends_at: datetime
    webinars: tuple[str, ...]


def places(
    series: Series, records: Sequence[WebinarRecord], *, after: datetime, count: int
) -> tuple[Place, ...]:
    """The next ``count`` slots; fewer if the rule ends. Raises `ChangeRefused` without a rule."""
    rule = series.slots
    if rule is None:
        raise ChangeRefused(
            f"the series {series.id} has no slots: "
            'add slots = { rrule = "…", start = … } to it in the configuration'
        )
    ahead = slots(rule.rrule, rule.start, series.timezone, after=after, count=count)
    found = []
    for slot in ahead:
        ends_at = slot.starts_at + rule.duration
        taken = [one.slug for one in records if _runs(one, slot.starts_at, ends_at)]
        found.append(Place(slot=slot, ends_at=ends_at, webinars=tuple(taken)))
    return tuple(found)


def next_free(series: Series, records: Sequence[WebinarRecord], *, after: datetime) -> Slot:
    """The first slot that nobody has. Raises `ChangeRefused` if the rule has none left."""
    while ahead := places(series, records, after=after, count=SOME):
        for place in ahead:
            if not place.webinars:
                return place.slot
        after = ahead[-1].slot.starts_at
    raise ChangeRefused(f"the rule of {series.id} has no free slot any more")


def _runs(record: WebinarRecord, starts_at: datetime, ends_at: datetime) -> bool:
    if record.status is Status.CANCELLED:
        return False
    return record.starts_at < ends_at and starts_at < record.ends_at
