"""What everybody may see: the programme of a series, and each webinar of it.

Nothing here knows who is subscribed. The join address of a webinar never gets into these pages.
"""

from __future__ import annotations

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
from mailer.web.listing import PER_PAGE, Window, asked_page, entries, facts_at
from mailer.web.page import page, shown_series
from mailer.web.site import Site
from mailer.web.structured import description, events
from mailer.web.visitor import Visitor, visitor, zones


class Public:
    """Serves the pages of every series."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def front(self, request: Request) -> Response:
        """The only series, or all of them by name."""
        site = self._site
        if len(site.config.series) == 1:
            return await self._programme(request, site.config.series[0])
        who = visitor(request, site.renderer, site.config.series[0])
        listed = tuple(
            Shown(series=shown_series(site, one, who), path=f"/{one.id}{who.query}")
            for one in site.config.series
        )
        return page(site, site.config.series[0], who, "front", public=True, listed=listed)

    async def programme(self, request: Request) -> Response:
        """One series."""
        return await self._programme(request, self._site.series_at(request))

    async def slashed(self, request: Request) -> Response:
        """The same with a slash too many."""
        return RedirectResponse(f"/{self._site.series_at(request).id}", status_code=308)

    async def webinar(self, request: Request) -> Response:
        """One webinar."""
        site, series = self._site, self._site.series_at(request)
        slug = request.path_params["webinar"]
        record = await site.store.read(lambda c: shown.one(c, series.id, slug))
        if record is None:
            raise HTTPException(404)
        who = visitor(request, site.renderer, series)
        now = site.clock.now()
        facts = facts_at(record, base_url=site.config.base_url, now=now)
        return page(
            site,
            series,
            who,
            "webinar",
            public=True,
            webinar=facts,
            reason=record.reason if facts.status == "cancelled" else "",
            description=description(facts),
            structured=events([facts], site.facts(series)),
            entry=f"/{series.id}/w/{facts.id}.ics",
            canonical=facts.page_url,
            zones=offered(who.zone or facts.zone) if "zone" in request.query_params else (),
            choose=f"{who.query}&zone" if who.query else "?zone",
            asked_language=who.chosen,
            form=address_form(site, series, who, webinar=_registers(record, facts)),
        )

    async def _programme(self, request: Request, series: Series) -> Response:
        site = self._site
        number = asked_page(request.query_params.get("page", ""))
        if number is None:
            raise HTTPException(404)
        now = site.clock.now()
        first = Window(number=number, total=0).first

        async def unit(connection: Connection) -> tuple[tuple[WebinarRecord, ...], int]:
            return await shown.page(connection, series.id, now=now, first=first, limit=PER_PAGE)

        records, total = await site.store.read(unit)
        window = Window(number=number, total=total)
        if not window.exists:
            raise HTTPException(404)
        who = visitor(request, site.renderer, series)
        webinars = [facts_at(one, base_url=site.config.base_url, now=now) for one in records]
        coming, past = entries(webinars, series.id, who, now)
        next_ones = [one for one in webinars if one.status == "scheduled"]
        return page(
            site,
            series,
            who,
            "series",
            public=True,
            coming=coming,
            past=past,
            window=window.shown(who),
            structured=events(next_ones, site.facts(series)) if next_ones else "",
            canonical=f"{site.config.base_url}/{series.id}",
            webcal=_webcal(f"{site.config.base_url}/{series.id}/calendar.ics"),
            form=address_form(site, series, who),
        )


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
