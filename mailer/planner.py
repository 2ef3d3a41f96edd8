"""Turns the programme into planned announcements, and those that fall due into rows of the ledger.

One tick: programme and rules → scheduler.plan → announcement rows → what is due is rendered once
per group → outbox rows in slices. A template that fails stops its announcement before anybody gets
any of it. Ticking twice is harmless: every row has a unique key. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache, partial

from mailer.config.model import Config
from mailer.drawing import Drawing
from mailer.errors import TemplateFault
from mailer.intake.speaking import addresses, named
from mailer.log import get_logger
from mailer.message.address import Address, Purpose
from mailer.message.letter import Letter, to_json
from mailer.message.skeleton import Skeleton
from mailer.message.token import TokenMint
from mailer.store import (
    announcement,
    expansion,
    halt,
    history,
    outbox,
    programme,
    skeleton,
    speaking,
    withdrawal,
)
from mailer.store.announcement import Announcement
from mailer.store.copies import Copy, queue_copies
from mailer.store.engine import Connection, Store
from mailer.store.expansion import Reader
from mailer.store.outbox import Envelope, Priority
from mailer.store.schema import milliseconds
from mailer.store.skeleton import Group
from scheduler.clock import Clock
from scheduler.model import Due
from scheduler.plan import FOLLOW_UP_LIVES_FOR, plan

HALT_SLICE = 5_000  # rows a transaction that follow a pause or a change
SLICE = 500  # readers a transaction: incoming mail never waits longer than one of them
DRAWN_AT_ONCE = 20  # skeletons a transaction keeps; drawing holds nobody up
SETTLING = timedelta(seconds=1)  # until what is under way about older facts is asked for again
LOOK_SLICE = 10_000  # readers that are looked at in one snapshot, which keeps nobody waiting
_PAST = FOLLOW_UP_LIVES_FOR + timedelta(days=1)

_log = get_logger(__name__)


class Planner:
    """Plans for every series of a configuration; `tick` does all that is due at this moment."""

    def __init__(
        self,
        *,
        store: Store,
        config: Config,
        drawing: Drawing,
        mint: TokenMint,
        clock: Clock,
        nudge: Callable[[], None],
        hash_key: bytes,
    ) -> None:
        self._store = store
        self._config = config
        self._drawing = drawing
        self._mint = mint
        self._clock = clock
        self._nudge = nudge
        self._hash_key = hash_key

    async def tick(self) -> datetime | None:
        """Plan, let go what is due, and return when something falls due next."""
        await self.plan()
        await self._follow()
        now = self._clock.now()
        waiting = False
        for item in await self._store.read(lambda c: announcement.due(c, now=now)):
            if await self._store.read(partial(expansion.older_under_way, item=item)):
                waiting = True
            else:
                await self._let_go(item)
        next_due = await self._store.read(announcement.next_due)
        return now + SETTLING if waiting else next_due

    async def plan(self) -> None:
        """Make the planned announcements agree with the programme and the rules."""
        now = self._clock.now()

        async def unit(connection: Connection) -> None:
            await announcement.plan(connection, await self.dues(connection, now), now=now)

        await self._store.write(unit)

    async def _follow(self) -> None:
        """Finish what a pause, a resumption or a cancellation began."""
        for announcement_id in await self._store.read(halt.lagging):
            after: int | None = 0
            while after is not None:
                after = await self._store.write(
                    partial(
                        halt.follow,
                        announcement_id=announcement_id,
                        after=after,
                        limit=HALT_SLICE,
                        now=self._clock.now(),
                    )
                )
            self._nudge()

    async def dues(self, connection: Connection, now: datetime) -> list[tuple[str, Due]]:
        """Everything that is owed or will be, each with its series."""
        webinars = {
            record.id: record
            for record in await programme.listing(connection, ends_after=now - _PAST)
        }
        notices = {series.id: series.notices for series in self._config.series}
        windows = {series.id: series.settle for series in self._config.series}
        planned = plan(
            [record.for_planning() for record in webinars.values()],
            notices,
            now,
            await announcement.releases(connection),
            await history.of_webinars(
                connection, webinars, windows, own_links=self._config.own_links
            ),
        )
        return [(webinars[due.webinar_id].series_id, due) for due in planned]

    async def _let_go(self, item: Announcement) -> None:
        """Expand one announcement to its readers, slice by slice."""
        try:
            await self._draw_all(item)
        except TemplateFault as fault:
            await self._fail(item, str(fault))
            return
        total = 0
        after: int | None = item.expanded_to
        while after is not None:
            added, after = await self._store.write(partial(self._expand, item=item, after=after))
            total += added
            self._nudge()
        _log.info(
            "let an announcement go",
            action="announcement.released",
            announcement=item.id,
            kind=item.kind,
            recipients=total,
        )

    async def _fail(self, item: Announcement, reason: str) -> None:
        async def unit(connection: Connection) -> None:
            await announcement.fail(connection, item.id, reason=reason)
            if item.expanded_to == 0:  # what was drawn before the fault, nobody has
                await skeleton.forget(connection, item.id)

        await self._store.write(unit)
        _log.error(
            "a template failed, nobody gets any of this announcement",
            action="announcement.failed",
            announcement=item.id,
            cause=reason,
        )

    async def _draw_all(self, item: Announcement) -> None:
        """Render the copy of every group that is owed this, before a single row is queued."""
        now = self._clock.now()
        found: set[expansion.Group] = set()
        after: int | None = item.expanded_to
        while after is not None:
            look = partial(
                expansion.groups,
                item=item,
                after=after,
                limit=LOOK_SLICE,
                now=now,
                own_links=self._config.own_links,
            )
            owed, after = await self._store.read(look)
            found |= owed

        groups = {
            self._drawing.group(
                item,
                language=language,
                zone=zone,
                registered=registered,
                told_sequence=told_sequence,
            )
            for language, zone, registered, told_sequence in found
        }
        drawn: dict[Group, Skeleton] = {}
        for group in sorted(groups, key=repr):
            draw = partial(self._drawing.missing, item=item, group=group, now=now)
            made = await self._store.read(draw)
            if made is not None:
                drawn[group] = made
            if len(drawn) == DRAWN_AT_ONCE:
                await self._store.write(partial(self._drawing.keep, drawn=drawn, now=now))
                drawn = {}
        if drawn:
            await self._store.write(partial(self._drawing.keep, drawn=drawn, now=now))

    async def _expand(
        self, connection: Connection, *, item: Announcement, after: int
    ) -> tuple[int, int | None]:
        """Queue one slice; how many rows, and where the next slice begins, None after the last."""
        now = self._clock.now()
        if not await halt.may_go(connection, item.id):
            return 0, None
        if not await expansion.is_current(connection, item):
            await announcement.cancel(connection, item.id, reason=withdrawal.CHANGED)
            return 0, None
        readers, reached = await expansion.readers(
            connection,
            item,
            after=after,
            limit=SLICE,
            now=now,
            own_links=self._config.own_links,
        )
        await queue_copies(connection, item, self._copies(item, readers, now), now=now)
        added = len(readers)
        if reached is None:
            added += await self._queue_speakers(connection, item, now)
        await expansion.advance(
            connection,
            item.id,
            expanded_to=after if reached is None else reached,
            added=added,
            done=reached is None,
        )
        return added, reached

    async def _queue_speakers(
        self, connection: Connection, item: Announcement, now: datetime
    ) -> int:
        """Queue it for who takes part in the webinar and does not get it as a subscriber."""
        if item.kind not in speaking.KINDS or item.webinar_id is None:
            return 0
        record = await programme.by_id(connection, item.webinar_id)
        if record is None:
            return 0
        found = await addresses(connection, record, item.kind, hash_key=self._hash_key)
        people, present = {one.key: one for one in found}, named(record)
        owed = await speaking.owed(connection, item, tuple(people))
        known = await speaking.preferences(connection, tuple(owed))
        envelopes = []
        for number, (key, told) in enumerate(owed.items()):
            letter = await self._drawing.for_speaker(
                connection,
                item,
                language=known[key].language if key in known else None,
                zone=known[key].timezone if key in known else None,
                told_sequence=told,
                named=key in present,
            )
            envelopes.append(self._envelope(item, people[key], letter, number, now))
        await outbox.queue(connection, envelopes, now=now)
        return len(envelopes)

    def _envelope(
        self, item: Announcement, to: Address, letter: Letter, number: int, now: datetime
    ) -> Envelope:
        """A speaker's row; ``number`` tells its Message-ID from those of the others."""
        token = self._mint.mint(Purpose.MESSAGE, subject=number, context=item.id, day=now.date())
        return Envelope(
            series_id=item.series_id,
            kind=item.kind,
            template=item.kind,
            priority=Priority.BULK,
            recipient=to.mailbox,
            recipient_key=to.key,
            language=letter.facts.language,
            zone=letter.facts.zone,
            message_id=f"{item.kind}-speaker.{token}",
            announcement_id=item.id,
            webinar_id=item.webinar_id,
            registered=True,
            data=to_json(letter),
            expires_at=item.expires_at,
        )

    def _copies(self, item: Announcement, readers: Sequence[Reader], now: datetime) -> list[Copy]:
        """The readers' rows, each with its Message-ID."""
        tokens = self._mint.mint_many(
            Purpose.MESSAGE,
            [reader.subscription_id for reader in readers],
            context=item.id,
            day=now.date(),
        )
        group = cache(partial(self._drawing.group, item))  # there are few, and many readers
        copies, at = [], milliseconds(now)
        for reader, token in zip(readers, tokens, strict=True):
            theirs = group(
                language=reader.language,
                zone=reader.timezone,
                registered=bool(reader.registered),
                told_sequence=reader.told_sequence,
            )
            copies.append(
                Copy(
                    reader.subscription_id,
                    reader.mailbox,
                    reader.address_key,
                    theirs.language,
                    theirs.zone,
                    theirs.registered,
                    theirs.told_sequence,
                    f"{item.kind}.{token}",
                    at
                    if reader.paused_until is None
                    else milliseconds(max(now, min(reader.paused_until, item.expires_at))),
                )
            )
        return copies
