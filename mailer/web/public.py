"""What everybody may see: the programme of a series, and each webinar of it.

Nothing here knows who is subscribed, so what was made for one is given to all who ask for the same
(`kept`). The join address of a webinar never gets into these pages.
"""

from __future__ import annotations

from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailer.config.model import Series
from mailer.message.facts import WebinarFacts
from mailer.message.shown import Shown
from mailer.store import shown
from mailer.store.engine import Connection
from mailer.store.webinar import WebinarRecord
from mailer.web.form import SEAL
from mailer.web.kept import Asked, Kept, Made
from mailer.web.listing import PER_PAGE, Window, asked_page, entries, facts_at
from mailer.web.page import public_page, shown_series
from mailer.web.site import Site
from mailer.web.structured import description, events
from mailer.web.visitor import Visitor, visitor, zones


class Public:
    """Serves the pages of every series."""

    def __init__(self, site: Site, kept: Kept) -> None:
        self._site = site
        self._kept = kept

    async def front(self, request: Request) -> Response:
        """The only series, or all of them by name."""
        series = self._site.config.series[0]
        if len(self._site.config.series) == 1:
            return await self._programme(request, series)
        who = visitor(request, self._site.renderer, series)
        asked = Asked(kind="front", series=series.id, who=who, programme=False)
        return await self._kept.answer(request, asked, lambda _: self._make_front(series, who))

    async def programme(self, request: Request) -> Response:
        """One series."""
        return await self._programme(request, self._site.series_at(request))

    async def slashed(self, request: Request) -> Response:
        """The same with a slash too many, in the language and zone that were chosen."""
        series = self._site.series_at(request)
        who = visitor(request, self._site.renderer, series)
        return RedirectResponse(f"/{series.id}{who.query}", status_code=308)

    async def webinar(self, request: Request) -> Response:
        """One webinar."""
        series = self._site.series_at(request)
        slug = request.path_params["webinar"]
        who = visitor(request, self._site.renderer, series)
        choosing = "zone" in request.query_params
        asked = Asked(kind="webinar", series=series.id, item=slug, who=who, choosing=choosing)
        return await self._kept.answer(
            request, asked, lambda now: self._make_webinar(series, slug, who, choosing, now)
        )

    async def subscribe(self, request: Request) -> Response:
        """The form alone."""
        series = self._site.series_at(request)
        who = visitor(request, self._site.renderer, series)
        asked = Asked(kind="subscribe", series=series.id, who=who, programme=False)
        return await self._kept.answer(request, asked, lambda _: self._make_subscribe(series, who))

    async def _programme(self, request: Request, series: Series) -> Response:
        number = asked_page(request.query_params.get("page", ""))
        if number is None:
            raise HTTPException(404)
        who = visitor(request, self._site.renderer, series)
        asked = Asked(kind="series", series=series.id, item=number, who=who)
        return await self._kept.answer(
            request, asked, lambda now: self._make_programme(series, number, who, now)
        )

    async def _make_front(self, series: Series, who: Visitor) -> Made:
        site = self._site
        listed = tuple(
            Shown(series=shown_series(site, one, who), path=f"/{one.id}{who.query}")
            for one in site.config.series
        )
        return public_page(site, series, who, "front", until=None, listed=listed)

    async def _make_webinar(
        self, series: Series, slug: str, who: Visitor, choosing: bool, now: datetime
    ) -> Made:
        site = self._site
        record = await site.store.read(lambda c: shown.one(c, series.id, slug))
        if record is None:
            raise HTTPException(404)
        facts = facts_at(record, base_url=site.config.base_url, now=now)
        return public_page(
            site,
            series,
            who,
            "webinar",
            until=self._until(facts.ends_at if facts.ends_at > now else None),
            webinar=facts,
            reason=record.reason if facts.status == "cancelled" else "",
            description=description(facts),
            structured=events([facts], site.facts(series)),
            entry=f"/{series.id}/w/{facts.id}.ics",
            canonical=facts.page_url,
            zones=offered(who.zone or facts.zone) if choosing else (),
            choose=f"{who.query}&zone" if who.query else "?zone",
            asked_language=who.chosen,
            form=address_form(site, series, who, webinar=_registers(record, facts)),
        )

    async def _make_programme(
        self, series: Series, number: int, who: Visitor, now: datetime
    ) -> Made:
        site = self._site
        first = Window(number=number, total=0).first

        async def unit(
            connection: Connection,
        ) -> tuple[tuple[WebinarRecord, ...], int, datetime | None]:
            there = await shown.page(connection, series.id, now=now, first=first, limit=PER_PAGE)
            return (*there, await shown.next_end(connection, series.id, now=now))

        records, total, next_end = await site.store.read(unit)
        window = Window(number=number, total=total)
        if not window.exists:
            raise HTTPException(404)
        webinars = [facts_at(one, base_url=site.config.base_url, now=now) for one in records]
        coming, past = entries(webinars, series.id, who, now)
        next_ones = [one for one in webinars if one.status == "scheduled"]
        return public_page(
            site,
            series,
            who,
            "series",
            until=self._until(next_end),
            coming=coming,
            past=past,
            window=window.shown(who),
            structured=events(next_ones, site.facts(series)) if next_ones else "",
            canonical=f"{site.config.base_url}/{series.id}",
            webcal=_webcal(f"{site.config.base_url}/{series.id}/calendar.ics"),
            form=address_form(site, series, who),
        )

    async def _make_subscribe(self, series: Series, who: Visitor) -> Made:
        until = self._until(None)
        form = address_form(self._site, series, who)
        return public_page(self._site, series, who, "subscribe", until=until, form=form)

    def _until(self, change: datetime | None) -> datetime:
        """Until when a page with a form holds. Worked out before its form is sealed: if the hour
        passes in between, the page is not kept."""
        renewed = self._site.seal.until()
        return renewed if change is None else min(change, renewed)


def address_form(
    site: Site,
    series: Series,
    who: Visitor,
    *,
    webinar: WebinarRecord | None = None,
    typed: str = "",
    wrong: bool = False,
) -> Shown:
    """The form that asks for an address, to subscribe or for a place in a webinar; ``typed`` is
    what stands in it, ``wrong`` if that is no address."""
    place = f"/{series.id}/w/{webinar.slug}/register" if webinar else f"/{series.id}/subscribe"
    return Shown(
        action=f"{place}{who.query}",
        registers=webinar is not None,
        seal_name=SEAL,
        seal=site.seal.make(form_purpose(series, webinar)),
        typed=typed,
        wrong=wrong,
    )


def _registers(record: WebinarRecord, facts: WebinarFacts) -> WebinarRecord | None:
    """The webinar if one can register for it here, so that its form is for that."""
    return record if facts.registers_here and facts.status == "scheduled" else None


def form_purpose(series: Series, webinar: WebinarRecord | None) -> str:
    """What the form's token is for."""
    return f"register {series.id} {webinar.slug}" if webinar else f"subscribe {series.id}"


def _webcal(address: str) -> str:
    """The address by which calendar programs are asked to subscribe, not to load once."""
    return f"webcal:{address.partition(':')[2]}" if address.startswith("https:") else address


def offered(chosen: str) -> tuple[Shown, ...]:
    """Every zone that can be chosen, the one that is in any case."""
    listed = zones() if chosen in zones() else (chosen, *zones())
    return tuple(
        Shown(name=one, shown=one.replace("_", " "), chosen=one == chosen) for one in listed
    )
