"""What falls due of itself beside the programme, and is looked after again and again.

Free places go to who waits, organisers get their reports, subscribers the yearly question. What was
done stands in the database, so a round can be repeated, interrupted, or made by several nodes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, time, timedelta
from functools import partial

from mailer.config.model import Config, Report, Series
from mailer.intake import braking, renewing, reporting, seating
from mailer.intake.context import Context
from mailer.intake.delivery import Intake
from mailer.store import digest, errand, programme, seat
from mailer.store.announcement import State
from mailer.store.digest import Mailing
from mailer.store.engine import Connection, Store
from mailer.store.renewal import Turn
from mailer.store.schema import milliseconds
from mailer.store.webinar import WebinarRecord
from scheduler.clock import Clock
from scheduler.model import Kind, Status
from scheduler.rhythm import Rhythm

MONDAY = 0
WEEK_AT = time(8)
QUESTIONS_AT = time(10)
LOOKS_AHEAD = timedelta(days=14)
LIST_BEFORE = timedelta(hours=2)
LINK_BEFORE = timedelta(days=2)
COMES_BACK_WITHIN = timedelta(hours=1)  # most of what comes back at all
SETTLED_WITHIN = timedelta(days=1)  # what still waits then is told as waiting
TOLD_WITHIN = timedelta(days=7)  # nothing is told any more of what is older
_TOLD = (Kind.ANNOUNCEMENT, Kind.MESSAGE, Kind.UPDATE, Kind.CANCELLATION)

_Act = Callable[[Context], Awaitable[None]]


class Rounds:
    """Makes rounds for every series of a configuration."""

    def __init__(
        self,
        *,
        store: Store,
        config: Config,
        intake: Intake,
        clock: Clock,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._config = config
        self._intake = intake
        self._clock = clock
        self._nudge = nudge

    async def go(self) -> datetime | None:
        """Do all that is due at this moment; when something falls due next."""
        now = self._clock.now()
        await self._fill_places(now)
        coming = [
            *[await self._ask(series, now) for series in self._config.series],
            *[await self._tell_week(series, now) for series in self._config.series],
            await self._tell_deliveries(now),
            await self._look_ahead(now),
        ]
        await self._tell_waves(now)
        self._nudge()
        return min((at for at in coming if at is not None), default=None)

    async def _fill_places(self, now: datetime) -> None:
        for webinar_id in await self._store.read(lambda c: seat.to_fill(c, now=now)):
            moved = seating.MOVED_AT_ONCE
            while moved == seating.MOVED_AT_ONCE:
                moved = await self._store.write(partial(self._fill, webinar_id))

    async def _fill(self, webinar_id: int, connection: Connection) -> int:
        record = await programme.by_id(connection, webinar_id)
        series = None if record is None else self._series(record.series_id)
        if series is None:
            return 0
        return await seating.move_up(self._intake.context(connection, series), webinar_id)

    async def _ask(self, series: Series, now: datetime) -> datetime | None:
        """The yearly question, once a day to all whose turn it is."""
        if not series.yearly_question:
            return None
        rhythm = Rhythm(zone=series.timezone, at=QUESTIONS_AT)
        slot = rhythm.latest(now)
        key = f"questions:{series.id}:{milliseconds(slot)}"
        if not await self._is_done(key):
            for turn in reversed(Turn):  # so that nobody is asked and let go in one round
                after: int | None = 0
                while after is not None:
                    after = await self._store.write(partial(self._renew, series, turn, after))
            await self._store.write(lambda c: errand.begin(c, key, now=now))
        return rhythm.after(slot)

    async def _renew(
        self, series: Series, turn: Turn, after: int, connection: Connection
    ) -> int | None:
        context = self._intake.context(connection, series)
        return await renewing.step(context, turn, after=after)

    async def _tell_week(self, series: Series, now: datetime) -> datetime | None:
        """The last week, each Monday; nothing of weeks before the first that was begun."""
        if Report.WEEK not in series.reports:
            return None
        rhythm = Rhythm(zone=series.timezone, at=WEEK_AT, weekday=MONDAY)
        end = rhythm.latest(now)
        start = rhythm.latest(end - timedelta(seconds=1))
        prefix = f"week:{series.id}:"
        key = f"{prefix}{milliseconds(end)}"

        async def unit(connection: Connection) -> None:
            if not await errand.any_done(connection, prefix):
                await errand.begin(connection, key, now=now)
                return
            context = self._intake.context(connection, series)
            if await reporting.once(context, key):
                await reporting.week(context, start=start, end=end, until=now + LOOKS_AHEAD)

        if not await self._is_done(key):
            await self._store.write(unit)
        return rhythm.after(end)

    async def _tell_deliveries(self, now: datetime) -> datetime | None:
        """Mailings that have gone out or failed; when the next of them is looked at again."""
        found = await self._store.read(lambda c: digest.ended(c, since=now - TOLD_WITHIN))
        keys = {_key_of(one): one for one in found if self._is_told(one)}
        done = await self._store.read(lambda c: errand.done(c, keys))
        coming = []
        for key, one in keys.items():
            if key in done:
                continue
            at = await self._due_of(one, now)
            if at <= now:
                tell = reporting.failed if one.state is State.FAILED else reporting.delivered
                await self._once(one.series_id, key, partial(tell, mailing=one))
            else:
                coming.append(at)
        return min(coming, default=None)

    def _is_told(self, one: Mailing) -> bool:
        series = self._series(one.series_id)
        if series is None or one.state is State.FAILED:
            return series is not None
        return Report.DELIVERY in series.reports and one.kind in _TOLD and one.total > 0

    async def _due_of(self, one: Mailing, now: datetime) -> datetime:
        """When it can be told of a mailing what became of it."""
        if one.state is State.FAILED:
            return now
        at_last = one.at + SETTLED_WITHIN
        if now >= at_last:
            return at_last
        if await self._store.read(lambda c: digest.is_settled(c, one.id)):
            return one.at + COMES_BACK_WITHIN
        return at_last

    async def _look_ahead(self, now: datetime) -> datetime | None:
        """Who registered for what is about to begin, and what nobody could get into."""
        records = await self._store.read(lambda c: programme.listing(c, ends_after=now))
        wanted = {
            key: (at, act, one)
            for one in records
            if one.status is Status.SCHEDULED and one.starts_at > now
            for key, at, act in self._announced_by(one)
        }
        done = await self._store.read(lambda c: errand.done(c, wanted))
        for key, (at, act, one) in wanted.items():
            if at <= now and key not in done:
                await self._once(one.series_id, key, act)
        return min((at for at, _, _ in wanted.values() if at > now), default=None)

    def _announced_by(self, one: WebinarRecord) -> Iterable[tuple[str, datetime, _Act]]:
        """What a coming webinar gives cause to, under its key, and when."""
        series = self._series(one.series_id)
        if series is None:
            return
        begins = f"{one.id}:{milliseconds(one.starts_at)}"
        here = not one.registration_url and (one.join_url or one.capacity)
        if here and Report.REGISTRATIONS in series.reports:
            listed = partial(reporting.registrations, webinar=one)
            yield f"registrations:{begins}", one.starts_at - LIST_BEFORE, listed
        if not (one.join_url or one.registration_url):
            missing = partial(reporting.missing_link, webinar=one)
            yield f"link:{begins}", one.starts_at - LINK_BEFORE, missing

    async def _tell_waves(self, now: datetime) -> None:
        """Bounces that are held back until somebody has had a look."""
        held = await self._store.read(lambda c: braking.brakes(c, now=now))
        for one in held:
            if one.since is None:
                continue
            key = f"wave:{one.domain}:{milliseconds(one.since)}"
            if not await self._is_done(key):
                act = partial(reporting.wave, brake=one)
                await self._once(self._config.series[0].id, key, act)

    async def _once(self, series_id: str, key: str, act: _Act) -> None:
        async def unit(connection: Connection) -> None:
            context = self._intake.context(connection, self._config.series_by_id(series_id))
            if await reporting.once(context, key):
                await act(context)

        await self._store.write(unit)

    async def _is_done(self, key: str) -> bool:
        return bool(await self._store.read(lambda c: errand.done(c, (key,))))

    def _series(self, series_id: str) -> Series | None:
        for one in self._config.series:
            if one.id == series_id:
                return one
        return None


def _key_of(one: Mailing) -> str:
    """A mailing is told of once; one that fails again for another reason once more."""
    if one.state is State.FAILED:
        return f"failed:{one.id}:{reporting.cause_key(one)}"
    return f"delivery:{one.id}"
