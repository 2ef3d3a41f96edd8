"""What programs fetch again and again: the live calendar, single entries, the Atom feed.

Each has an ETag of its content, so that asking again costs nothing when nothing changed (RFC 9110
§13.1.2). Calendars are PUBLISH with the fields of RFC 7986.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.message.facts import WebinarFacts
from mailer.message.invite import calendar, feed
from mailer.message.presentable import presented
from mailer.store import shown
from mailer.store.webinar import WebinarRecord
from mailer.web.atom import atom
from mailer.web.site import Site

FRESH_SECONDS = 300
_PAST = timedelta(days=366)  # what was longer ago leaves the feeds
_MOST = 500


class Feeds:
    """Serves the feeds of every series."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def calendar(self, request: Request) -> Response:
        """Every webinar of the series."""
        series = self._site.series_at(request)
        webinars = await self._webinars(series)
        content = feed(self._site.facts(series), webinars, self._site.clock.now())
        return _answer(request, content, "text/calendar; charset=utf-8; method=PUBLISH")

    async def atom(self, request: Request) -> Response:
        """What is new in the programme."""
        series = self._site.series_at(request)
        webinars = await self._webinars(series)
        content = atom(self._site.facts(series), [presented(one) for one in webinars])
        return _answer(request, content, "application/atom+xml; charset=utf-8")

    async def entry(self, request: Request) -> Response:
        """One webinar for a calendar."""
        series = self._site.series_at(request)
        slug = request.path_params["webinar"]
        record = await self._site.store.read(lambda c: shown.one(c, series.id, slug))
        if record is None:
            raise HTTPException(404)
        content = calendar(
            self._facts(record),
            self._site.facts(series),
            method="PUBLISH",
            attendee=None,
            registered=False,
        )
        answer = _answer(request, content, "text/calendar; charset=utf-8; method=PUBLISH")
        answer.headers["Content-Disposition"] = f'attachment; filename="{record.slug}.ics"'
        return answer

    async def _webinars(self, series: Series) -> tuple[WebinarFacts, ...]:
        since = self._site.clock.now() - _PAST
        records = await self._site.store.read(
            lambda c: shown.all_of(c, series.id, ends_after=since, limit=_MOST)
        )
        return tuple(map(self._facts, records))

    def _facts(self, record: WebinarRecord) -> WebinarFacts:
        facts = record.facts(base_url=self._site.config.base_url, registered=False)
        return replace(facts, status=record.status_at(self._site.clock.now()))


def _answer(request: Request, content: bytes, media_type: str) -> Response:
    """The content, or that it has not changed."""
    tag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={FRESH_SECONDS}"}
    held = {
        one.strip().removeprefix("W/")
        for one in request.headers.get("if-none-match", "").split(",")
    }
    if tag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
