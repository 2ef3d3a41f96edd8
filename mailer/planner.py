"""Turns the programme into planned announcements, and those that fall due into rows of the ledger.

One tick: programme and rules → scheduler.plan → announcement rows → what is due is rendered once
per group → outbox rows in slices. A template that fails stops its announcement before anybody gets
any of it. Ticking twice is harmless: every row has a unique key. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from mailer.config.model import Config
from mailer.drawing import Drawing
from mailer.errors import TemplateFault
from mailer.log import get_logger
from mailer.message.address import Purpose
from mailer.message.token import TokenMint
from mailer.store import announcement, outbox, programme
from mailer.store.announcement import Announcement, Reader
from mailer.store.engine import Connection, Store
from mailer.store.outbox import Envelope, Priority
from scheduler.clock import Clock
from scheduler.model import Due
from scheduler.plan import FOLLOW_UP_LIVES_FOR, plan

SLICE = 500  # rows a transaction: incoming mail never waits longer than one of them
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
    ) -> None:
        self._store = store
        self._config = config
        self._drawing = drawing
        self._mint = mint
        self._clock = clock
        self._nudge = nudge

    async def tick(self) -> datetime | None:
        """Plan, let go what is due, and return when something falls due next."""
        await self.plan()
        now = self._clock.now()
        for item in await self._store.read(lambda c: announcement.due(c, now=now)):
            await self._let_go(item)
        return await self._store.read(announcement.next_due)

    async def plan(self) -> None:
        """Make the planned announcements agree with the programme and the rules."""
        now = self._clock.now()

        async def unit(connection: Connection) -> None:
            await announcement.plan(connection, await self.dues(connection, now), now=now)

        await self._store.write(unit)

    async def dues(self, connection: Connection, now: datetime) -> list[tuple[str, Due]]:
        """Everything that is owed or will be, each with its series."""
        webinars = {
            record.id: record
            for record in await programme.listing(connection, ends_after=now - _PAST)
        }
        notices = {series.id: series.notices for series in self._config.series}
        planned = plan(
            [record.for_planning() for record in webinars.values()],
            notices,
            now,
            await announcement.releases(connection),
        )
        return [(webinars[due.webinar_id].series_id, due) for due in planned]

    async def _let_go(self, item: Announcement) -> None:
        """Expand one announcement to its readers, slice by slice."""
        try:
            await self._store.write(lambda connection: self._draw_all(connection, item))
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
        await self._store.write(lambda c: announcement.fail(c, item.id, reason=reason))
        _log.error(
            "a template failed, nobody gets any of this announcement",
            action="announcement.failed",
            announcement=item.id,
            cause=reason,
        )

    async def _draw_all(self, connection: Connection, item: Announcement) -> None:
        """Render the copy of every group that is owed this, before a single row is queued."""
        now = self._clock.now()
        for language, zone, registered in await announcement.groups(connection, item, now=now):
            group = self._drawing.group(item, language=language, zone=zone, registered=registered)
            await self._drawing.skeleton(connection, item, group, now=now)

    async def _expand(
        self, connection: Connection, *, item: Announcement, after: int
    ) -> tuple[int, int | None]:
        """Queue one slice; how many rows, and where the next slice begins, None after the last."""
        now = self._clock.now()
        if not await announcement.is_current(connection, item):
            await announcement.cancel(connection, item.id, reason=outbox.CHANGED)
            return 0, None
        readers = await announcement.readers(connection, item, after=after, limit=SLICE, now=now)
        tokens = self._mint.mint_many(
            Purpose.MESSAGE,
            [reader.subscription_id for reader in readers],
            context=item.id,
            day=now.date(),
        )
        envelopes = [
            self._envelope(item, reader, token)
            for reader, token in zip(readers, tokens, strict=True)
        ]
        await outbox.queue(connection, envelopes, now=now)
        done = len(readers) < SLICE
        last = readers[-1].subscription_id if readers else after
        await announcement.advance(
            connection, item.id, expanded_to=last, added=len(readers), done=done
        )
        return len(readers), None if done else last

    def _envelope(self, item: Announcement, reader: Reader, token: str) -> Envelope:
        group = self._drawing.group(
            item, language=reader.language, zone=reader.timezone, registered=reader.registered
        )
        return Envelope(
            series_id=item.series_id,
            kind=item.kind,
            template=item.kind,
            priority=Priority.BULK,
            recipient=reader.mailbox,
            recipient_key=reader.address_key,
            language=group.language,
            zone=group.zone,
            registered=reader.registered,
            message_id=f"{item.kind}.{token}",
            subscription_id=reader.subscription_id,
            announcement_id=item.id,
            webinar_id=item.webinar_id,
            expires_at=item.expires_at,
        )
