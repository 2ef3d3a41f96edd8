"""Makes the skeleton of an announcement for one group, or finds the one that is kept.

The planner draws every group before it queues a row, so that a fault stops all of it; dispatch
comes here for who joined a group in between.
"""

from __future__ import annotations

from datetime import datetime

from mailer.config.model import Config
from mailer.message.facts import Facts
from mailer.message.letter import Letter, draw
from mailer.message.render import Renderer
from mailer.message.skeleton import Skeleton
from mailer.store import announcement, programme
from mailer.store.announcement import Announcement, Group
from mailer.store.engine import Connection


class Drawing:
    """Draws announcements with one configuration and its templates."""

    def __init__(self, config: Config, renderer: Renderer) -> None:
        self._config = config
        self.renderer = renderer

    @property
    def base_url(self) -> str:
        """Where the pages are, empty without web."""
        return self._config.base_url

    def group(
        self, item: Announcement, *, language: str | None, zone: str | None, registered: bool
    ) -> Group:
        """The group of a reader with these preferences, the series' own where they have none."""
        series = self._config.series_by_id(item.series_id)
        return Group(
            announcement_id=item.id,
            language=self.renderer.language(item.kind, series.id, language or series.language),
            zone=zone or series.timezone,
            registered=registered,
        )

    async def skeleton(
        self, connection: Connection, item: Announcement, group: Group, *, now: datetime
    ) -> Skeleton:
        """The group's copy, kept from the first time on; raises TemplateFault."""
        kept = await announcement.find_skeleton(connection, group)
        if kept is not None:
            return Skeleton.from_json(kept)
        skeleton = draw(
            Letter(template=item.kind, facts=await self._facts(connection, item, group)),
            self.renderer,
            kind=item.kind,
            date=now,
        )
        await announcement.keep_skeleton(
            connection, group, digest=skeleton.digest, content=skeleton.to_json(), now=now
        )
        return skeleton

    async def _facts(self, connection: Connection, item: Announcement, group: Group) -> Facts:
        series = self._config.series_by_id(item.series_id)
        record = (
            None if item.webinar_id is None else await programme.by_id(connection, item.webinar_id)
        )
        return Facts(
            series=programme.series_facts(series, base_url=self.base_url),
            language=group.language,
            zone=group.zone,
            webinar=record.facts(base_url=self.base_url, registered=group.registered)
            if record
            else None,
            registered=group.registered,
        )
