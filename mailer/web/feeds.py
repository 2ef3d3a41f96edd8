"""What programs fetch again and again: the live calendar, single entries, the Atom feed.

They are kept and have an ETag (`kept`), so that asking again costs nothing while nothing changed.
Calendars are PUBLISH with the fields of RFC 7986.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.message.facts import WebinarFacts
from mailer.message.invite import calendar, feed, feed_changes_at
from mailer.message.presentable import presented
from mailer.store import shown
from mailer.web.atom import atom
from mailer.web.kept import Asked, Kept, Made
from mailer.web.site import Site

FRESH_SECONDS = 300
_PAST = timedelta(days=366)  # what was longer ago leaves the feeds
_MOST = 500
_CALENDAR = "text/calendar; charset=utf-8; method=PUBLISH"
_ATOM = "application/atom+xml; charset=utf-8"


class Feeds:
    """Serves the feeds of every series."""

    def __init__(self, site: Site, kept: Kept) -> None:
        self._site = site
        self._kept = kept

    async def calendar(self, request: Request) -> Response:
        """Every webinar of the series."""
        series = self._site.series_at(request)
        asked = Asked(kind="calendar", series=series.id)
        return await self._kept.answer(request, asked, lambda now: self._make_feed(series, now))

    async def atom(self, request: Request) -> Response:
        """What is new in the programme."""
        series = self._site.series_at(request)
        asked = Asked(kind="atom", series=series.id)
        return await self._kept.answer(request, asked, lambda now: self._make_atom(series, now))

    async def entry(self, request: Request) -> Response:
        """One webinar for a calendar."""
        series = self._site.series_at(request)
        slug = request.path_params["webinar"]
        asked = Asked(kind="entry", series=series.id, item=slug)
        return await self._kept.answer(request, asked, lambda _: self._make_entry(series, slug))

    async def _make_feed(self, series: Series, now: datetime) -> Made:
        webinars = await self._webinars(series, now)
        changes = [*_leave_at(webinars), *feed_changes_at(webinars, now)]
        content = feed(self._site.facts(series), webinars, now)
        return _made(content, _CALENDAR, until=min(changes, default=None))

    async def _make_atom(self, series: Series, now: datetime) -> Made:
        webinars = await self._webinars(series, now)
        content = atom(self._site.facts(series), [presented(one) for one in webinars])
        return _made(content, _ATOM, until=min(_leave_at(webinars), default=None))

    async def _make_entry(self, series: Series, slug: str) -> Made:
        record = await self._site.store.read(lambda c: shown.one(c, series.id, slug))
        if record is None:
            raise HTTPException(404)
        content = calendar(
            record.facts(base_url=self._site.config.base_url, registered=False),
            self._site.facts(series),
            method="PUBLISH",
            attendee=None,
            registered=False,
        )
        saved_as = f'attachment; filename="{record.slug}.ics"'
        return _made(content, _CALENDAR, until=None, **{"Content-Disposition": saved_as})

    async def _webinars(self, series: Series, now: datetime) -> tuple[WebinarFacts, ...]:
        records = await self._site.store.read(
            lambda c: shown.all_of(c, series.id, ends_after=now - _PAST, limit=_MOST)
        )
        base_url = self._site.config.base_url
        return tuple(one.facts(base_url=base_url, registered=False) for one in records)


def _leave_at(webinars: Sequence[WebinarFacts]) -> list[datetime]:
    """When each leaves the feeds."""
    return [one.ends_at + _PAST for one in webinars]


def _made(content: bytes, media_type: str, *, until: datetime | None, **headers: str) -> Made:
    return Made(
        content=content,
        headers={
            "Content-Type": media_type,
            "Cache-Control": f"public, max-age={FRESH_SECONDS}",
            **headers,
        },
        until=until,
    )
