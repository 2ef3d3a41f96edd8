"""A file of people, brought in: staged in slices, decided at once, worked off in slices.

An import that is killed has happened for nobody or, as soon as anybody looks, for everybody:
`finish` completes what was decided, here or in the daemon. No transaction is longer than a slice,
and between two of them others get their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice

from mailer.config.model import Config, Series
from mailer.errors import Fault
from mailer.files.people_csv import ADDRESS_EXPECTED, MOST_FAULTS, PersonRow
from mailer.intake.delivery import Intake
from mailer.intake.enrolling import Fate, admit, judge
from mailer.store import setting, staging
from mailer.store.engine import Connection, Store
from mailer.store.staging import Batch, Terms
from scheduler.clock import Clock

SLICE = 500  # rows a transaction: incoming mail never waits longer than one of them
ABANDONED_AFTER = timedelta(days=1)
# SQLite's writers poll for their turn: a share of the time must be free for the daemon to find.
_REST = 0.5
_LEAST_REST_SECONDS = 0.002

# What is being done, how many people are done, and of how many if that is known.
Progress = Callable[[str, int, int | None], None]


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """What an import did, or would do; ``suppressed`` pairs address and reason."""

    added: int = 0
    asked: int = 0
    unchanged: int = 0
    suppressed: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    more_faults: int = 0

    @property
    def people(self) -> int:
        """How many rows were understood, each address once."""
        return self.added + self.asked + self.unchanged + len(self.suppressed)

    def sift(self, rows: Iterable[PersonRow | Fault]) -> Iterator[PersonRow]:
        """The people among rows; the faults are kept, and counted when there are very many."""
        for row in rows:
            if isinstance(row, PersonRow):
                yield row
            elif len(self.faults) < MOST_FAULTS:
                self.faults.append(row)
            else:
                self.more_faults += 1

    def blame_emptiness(self) -> None:
        """A file without people is no list of people."""
        found = Fault(where="file", found="no address", expected=ADDRESS_EXPECTED)
        self.faults.append(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A file that is staged, and what taking it with ``skip_bad`` would do; it counts for nothing
    yet."""

    batch_id: int
    summary: Summary


class Importing:
    """Brings in files of people, and finishes what was left unfinished."""

    def __init__(self, *, store: Store, config: Config, intake: Intake, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._intake = intake
        self._clock = clock

    async def take(
        self,
        series: Series,
        rows: Iterable[PersonRow | Fault],
        terms: Terms,
        *,
        skip_bad: bool = False,
        tell: Progress = silent,
    ) -> Summary:
        """Bring in the people of a file. With faults nobody is, unless ``skip_bad``."""
        now = self._clock.now()
        batch_id = await self._store.write(
            lambda c: staging.open_batch(c, series.id, terms, now=now)
        )
        summary = Summary()
        decided = False
        try:
            staged = await self._stage(batch_id, summary.sift(rows), tell)
            if not staged and not summary.faults:
                summary.blame_emptiness()
            if not summary.faults or (skip_bad and staged):
                decided = True
                await self._store.write(
                    lambda c: staging.decide(c, batch_id, now=self._clock.now())
                )
                await self.finish(tell)
                await self._sum_up(batch_id, summary)
        except asyncio.CancelledError:
            if not decided:
                await self._discard(batch_id)
            raise
        await self._discard(batch_id)
        return summary

    async def prepare(
        self, series: Series, rows: Iterable[PersonRow | Fault], terms: Terms
    ) -> Prepared:
        """Stage a file and say what taking it would do. Nobody is taken before `decide`; if nobody
        decides it goes after a day."""
        now = self._clock.now()
        batch_id = await self._store.write(
            lambda c: staging.open_batch(c, series.id, terms, now=now)
        )
        summary = Summary()
        seen: set[str] = set()
        people = summary.sift(rows)
        try:
            while chunk := list(islice(people, SLICE)):
                began = asyncio.get_running_loop().time()
                await self._store.write(partial(staging.stage, batch_id=batch_id, rows=chunk))
                await self._foresee(series, _fresh(chunk, seen), terms, summary)
                await _rest(began)
        except asyncio.CancelledError:
            await self._discard(batch_id)
            raise
        if not seen and not summary.faults:
            summary.blame_emptiness()
        return Prepared(batch_id=batch_id, summary=summary)

    async def decide(self, series: Series, batch_id: int) -> Batch | None:
        """From now on everybody of a prepared file counts as taken; None if the series has no such
        file, or it was decided before. `finish` makes them subscribers."""
        now = self._clock.now()

        async def unit(connection: Connection) -> Batch | None:
            batch = await staging.find(connection, batch_id, lock=True)
            if batch is None or batch.series_id != series.id or batch.decided_at is not None:
                return None
            await staging.decide(connection, batch_id, now=now)
            return await staging.find(connection, batch_id)

        return await self._store.write(unit)

    async def drop(self, series: Series, batch_id: int) -> None:
        """Take a prepared file away again, if it was not decided."""
        batch = await self._store.read(lambda c: staging.find(c, batch_id))
        if batch is not None and batch.series_id == series.id and batch.decided_at is None:
            await self._discard(batch_id)

    async def foresee(
        self,
        series: Series,
        rows: Iterable[PersonRow | Fault],
        terms: Terms,
        *,
        tell: Progress = silent,
    ) -> Summary:
        """What `take` would do with ``skip_bad``. Changes nothing."""
        summary = Summary()
        seen: set[str] = set()
        people = summary.sift(rows)
        while chunk := list(islice(people, SLICE)):
            await self._foresee(series, _fresh(chunk, seen), terms, summary)
            tell("looked at", len(seen), None)
        if not seen and not summary.faults:
            summary.blame_emptiness()
        return summary

    async def _foresee(
        self, series: Series, chunk: Sequence[PersonRow], terms: Terms, summary: Summary
    ) -> None:
        taken = await self._store.read(
            lambda c: judge(self._intake.context(c, series), chunk, terms)
        )
        for one in chunk:
            fate = taken[one.address.key]
            if fate.fate is Fate.SUPPRESSED:
                summary.suppressed.append((one.address.mailbox, fate.why))
        fates = [one.fate for one in taken.values()]
        summary.added += fates.count(Fate.ADDED)
        summary.asked += fates.count(Fate.ASKED)
        summary.unchanged += fates.count(Fate.UNCHANGED)

    async def finish(self, tell: Progress = silent) -> None:
        """Work off every import that is decided, whoever began it; and take away what is left of
        those that nobody waits for any more."""
        await self._clear_abandoned()
        batches = await self._store.read(staging.unfinished)
        known = {series.id: series for series in self._config.series}
        for batch in batches:
            series = known.get(batch.series_id)
            if series is None:  # waits until the series is configured again
                continue
            done = batch.done_so_far
            while True:
                began = asyncio.get_running_loop().time()
                count = await self._work_off(batch.id, series)
                if not count:
                    break
                done += count
                tell("taken", done, batch.total)
                await _rest(began)
        if batches:
            await self._store.write(setting.bump)

    async def _work_off(self, batch_id: int, series: Series) -> int:
        """One slice in one transaction; how many people, 0 when the batch is finished."""

        async def unit(connection: Connection) -> int:
            batch = await staging.find(connection, batch_id, lock=True)
            if batch is None or batch.finished:
                return 0
            slice_ = await staging.next_slice(connection, batch, limit=SLICE)
            context = self._intake.context(connection, series)
            taken = await admit(context, [one.person for one in slice_], batch.terms)
            fates = [one.fate for one in taken.values()]
            of_rows = {one.id: taken[one.person.address.key] for one in slice_}
            await staging.note(
                connection,
                batch_id,
                slice_=slice_,
                kept_out={
                    row_id: one.why
                    for row_id, one in of_rows.items()
                    if one.fate is Fate.SUPPRESSED
                },
                added=fates.count(Fate.ADDED),
                asked=fates.count(Fate.ASKED),
                unchanged=fates.count(Fate.UNCHANGED),
            )
            return len(slice_)

        return await self._store.write(unit)

    async def _stage(self, batch_id: int, people: Iterator[PersonRow], tell: Progress) -> int:
        done = 0
        while chunk := list(islice(people, SLICE)):
            began = asyncio.get_running_loop().time()
            await self._store.write(partial(staging.stage, batch_id=batch_id, rows=chunk))
            done += len(chunk)
            tell("read", done, None)
            await _rest(began)
        return done

    async def _sum_up(self, batch_id: int, summary: Summary) -> None:
        batch = await self._store.read(lambda c: staging.find(c, batch_id))
        assert batch is not None  # only who took it in takes it away
        summary.added, summary.asked = batch.added, batch.asked
        summary.unchanged = batch.unchanged
        summary.suppressed.extend(await self._store.read(lambda c: staging.kept_out(c, batch_id)))

    async def _clear_abandoned(self) -> None:
        before = self._clock.now() - ABANDONED_AFTER
        for batch_id in await self._store.read(lambda c: staging.abandoned(c, before=before)):
            await self._discard(batch_id)

    async def _discard(self, batch_id: int) -> None:
        more = True
        while more:
            more = await self._store.write(lambda c: staging.discard(c, batch_id, limit=10 * SLICE))


def _fresh(chunk: Sequence[PersonRow], seen: set[str]) -> list[PersonRow]:
    """Those of a slice whose address did not come before, which then have been seen."""
    fresh = {one.address.key: one for one in chunk if one.address.key not in seen}
    seen.update(fresh)
    return list(fresh.values())


async def _rest(began: float) -> None:
    """Leave the others a share of the time that the last slice took."""
    worked = asyncio.get_running_loop().time() - began
    await asyncio.sleep(max(worked * _REST, _LEAST_REST_SECONDS))
