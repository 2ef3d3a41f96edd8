"""Makes the skeleton of an announcement for one group, or finds the one that is kept.

The planner draws every group before it queues a row, so that a fault stops all of it; dispatch
comes here for who joined a group in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol, assert_never

from mailer.config.model import Config
from mailer.message.correction import as_known, difference
from mailer.message.facts import Facts, WebinarFacts
from mailer.message.invite import Method
from mailer.message.letter import Letter, draw
from mailer.message.render import Renderer
from mailer.message.skeleton import Skeleton
from mailer.store import expansion, history, programme, written
from mailer.store.announcement import Announcement
from mailer.store.audience import NEVER_TOLD
from mailer.store.engine import Connection
from mailer.store.skeleton import Group, find_skeleton, keep_skeleton
from scheduler.model import Kind

_LOOKED_AT = 5_000  # subscriptions in one go


class Text(Protocol):
    """What an organiser wrote, stored or not yet."""

    @property
    def subject(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def language(self) -> str: ...


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
        self,
        item: Announcement,
        *,
        language: str | None,
        zone: str | None,
        registered: bool,
        told_sequence: int = NEVER_TOLD,
    ) -> Group:
        """The group of a reader with these preferences, the series' own where they have none."""
        series = self._config.series_by_id(item.series_id)
        return Group(
            announcement_id=item.id,
            language=self.renderer.language(
                item.kind, series.id, language or series.language, otherwise=series.language
            ),
            zone=zone or series.timezone,
            registered=registered,
            told_sequence=told_sequence,
        )

    async def skeleton(
        self, connection: Connection, item: Announcement, group: Group, *, now: datetime
    ) -> Skeleton:
        """The group's copy, kept from the first time on; raises TemplateFault."""
        kept = await find_skeleton(connection, group)
        if kept is not None:
            return Skeleton.from_json(kept)
        made = await self._drawn(connection, item, group, now)
        await self.keep(connection, {group: made}, now=now)
        return made

    async def missing(
        self, connection: Connection, item: Announcement, group: Group, *, now: datetime
    ) -> Skeleton | None:
        """The group's copy if none is kept yet; keeps nothing, for drawing takes long. Raises
        TemplateFault."""
        if await find_skeleton(connection, group) is not None:
            return None
        return await self._drawn(connection, item, group, now)

    async def keep(
        self, connection: Connection, drawn: Mapping[Group, Skeleton], *, now: datetime
    ) -> None:
        """Keep what groups are told; what is kept already stays."""
        for group, skeleton in drawn.items():
            await keep_skeleton(
                connection, group, digest=skeleton.digest, content=skeleton.to_json(), now=now
            )

    async def _drawn(
        self, connection: Connection, item: Announcement, group: Group, now: datetime
    ) -> Skeleton:
        letter = await self.letter(connection, item, group)
        return draw(letter, self.renderer, kind=item.kind, date=now)

    async def letter(
        self,
        connection: Connection,
        item: Announcement,
        group: Group,
        text: Text | None = None,
        *,
        speaker: bool = False,
    ) -> Letter:
        """The group's copy before it is rendered; ``text`` is what an organiser wrote, as long as
        it is not stored. A ``speaker`` is told the room itself."""
        if text is None and item.kind is Kind.MESSAGE:
            text = await written.by_id(connection, item.id)
        own_link = self._config.own_links and not speaker
        facts = await self._facts(connection, item, group, _detail(text), own_link=own_link)
        if speaker:
            facts = replace(facts, detail={**facts.detail, "speaker": True})
        registered = group.registered or speaker
        return Letter(
            template=item.kind, facts=facts, calendar=_method(item, registered=registered)
        )

    async def for_speaker(
        self,
        connection: Connection,
        item: Announcement,
        *,
        language: str | None,
        zone: str | None,
        told_sequence: int,
        named: bool,
    ) -> Letter:
        """The copy of somebody who takes part in the webinar: nothing that needs a subscription,
        and the way in. Who is ``named`` no more has the entry in their calendar corrected, and is
        told no way in."""
        group = self.group(
            item, language=language, zone=zone, registered=named, told_sequence=told_sequence
        )
        return await self.letter(connection, item, group, speaker=True)

    async def try_out(
        self, connection: Connection, item: Announcement, text: Text, *, now: datetime
    ) -> tuple[str, ...]:
        """Render a text once in each language that its readers have, the series' own among them,
        and keep nothing of it; the languages. Raises TemplateFault."""
        groups = {"": self.group(item, language=None, zone=None, registered=False)}
        after: int | None = 0
        while after is not None:
            found, after = await expansion.groups(
                connection, item, after=after, limit=_LOOKED_AT, now=now
            )
            for language, zone, registered, _ in found:
                group = self.group(item, language=language, zone=zone, registered=registered)
                groups.setdefault(group.language, group)
        own = groups.pop("")
        groups.setdefault(own.language, own)
        for group in groups.values():
            letter = await self.letter(connection, item, group, text)
            draw(letter, self.renderer, kind=item.kind, date=now)
        return tuple(sorted(groups))

    async def _facts(
        self,
        connection: Connection,
        item: Announcement,
        group: Group,
        detail: Mapping[str, str | int | bool],
        *,
        own_link: bool,
    ) -> Facts:
        series = self._config.series_by_id(item.series_id)
        webinar, corrected = await self._webinar(connection, item, group, own_link=own_link)
        return Facts(
            series=programme.series_facts(series, base_url=self.base_url),
            language=group.language,
            zone=group.zone,
            webinar=webinar,
            registered=group.registered,
            detail={**detail, **corrected},
        )

    async def _webinar(
        self, connection: Connection, item: Announcement, group: Group, *, own_link: bool
    ) -> tuple[WebinarFacts | None, Mapping[str, str | int | bool]]:
        """The webinar as the group is told of it, and what a correction says of what it knew."""
        if item.webinar_id is None:
            return None, {}
        record = await programme.by_id(connection, item.webinar_id)
        if record is None:
            return None, {}
        facts = record.facts(base_url=self.base_url, registered=group.registered)
        told = await history.told(connection, record.id, group.told_sequence)
        if item.kind is Kind.CANCELLATION:
            return facts if told is None else as_known(facts, told), {"reason": record.reason}
        if item.kind is Kind.UPDATE and told is not None:
            return facts, difference(told, facts, registered=group.registered, own_link=own_link)
        return facts, {}


def _detail(text: Text | None) -> Mapping[str, str | int | bool]:
    if text is None:
        return {}
    return {"subject": text.subject, "body": text.content, "text_language": text.language}


def _method(item: Announcement, *, registered: bool) -> Method | None:
    """How the webinar goes into the calendar of a reader: nobody gets an invitation who did not ask
    for one."""
    match item.kind:
        case Kind.ANNOUNCEMENT | Kind.REMINDER | Kind.UPDATE:
            return "REQUEST" if registered else "PUBLISH"
        case Kind.CANCELLATION:
            return "CANCEL" if registered else "PUBLISH"
        case Kind.FOLLOW_UP | Kind.MESSAGE:
            return None
    assert_never(item.kind)
