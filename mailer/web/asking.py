"""The forms that take an address: the same answer for known and unknown (S14).

What the address means here is told by mail alone, to whoever reads that mailbox. The answer leaves
a fixed time after the question, however much there was to do, and is limited by network (S1).
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.message.address import Address, is_own, parse_address
from mailer.message.command import Register, Subscribe
from mailer.store import shown
from mailer.store.webinar import WebinarRecord
from mailer.web.crowd import Crowd, evenly
from mailer.web.form import sealed_fields
from mailer.web.origin import network_of
from mailer.web.page import page
from mailer.web.public import address_form, form_purpose
from mailer.web.site import Site, asker
from mailer.web.visitor import visitor
from scheduler.model import Status

LONGEST_ADDRESS = 320


class Asking:
    """Takes wishes to subscribe."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._crowd = Crowd(site)

    async def take(self, request: Request) -> Response:
        """Ask the owner of the mailbox to confirm, and say so to whoever typed the address."""
        return await self._take(request, self._site.series_at(request), None)

    async def register(self, request: Request) -> Response:
        """The same for a place in one webinar: the owner of the mailbox is asked by mail."""
        series = self._site.series_at(request)
        slug = request.path_params["webinar"]
        record = await self._site.store.read(lambda c: shown.one(c, series.id, slug))
        now = self._site.clock.now()
        if record is None or record.status_at(now) is not Status.SCHEDULED:
            raise HTTPException(404)
        return await self._take(request, series, record)

    async def _take(
        self, request: Request, series: Series, webinar: WebinarRecord | None
    ) -> Response:
        site = self._site
        found = await sealed_fields(site, request, form_purpose(series, webinar))
        who = visitor(request, site.renderer, series)
        typed = found.get("address", "")[:LONGEST_ADDRESS]
        address = parse_address(typed)
        if address is None or is_own(address.key, site.config.series):
            form = address_form(site, series, who, webinar=webinar, typed=typed, wrong=True)
            return page(site, series, who, "subscribe", status=422, form=form)
        await self._crowd.count(request)
        async with evenly():
            await self._ask(request, series, webinar, address, who.language)
        return page(site, series, who, "subscribed")

    async def _ask(
        self,
        request: Request,
        series: Series,
        webinar: WebinarRecord | None,
        address: Address,
        language: str,
    ) -> None:
        """A place is for subscribers: who is none is asked to become one first."""
        network = network_of(request, self._site.settings.trusted_proxies)
        by = asker(f"form, from {network or 'an unknown network'}", address, language)
        if webinar is not None:
            command = Register(number=webinar.number)
            outcome = await self._site.intake.command(series, by, command)
            if outcome.word != "not subscribed":
                return
        wanted = None if language == series.language else language
        await self._site.intake.command(series, by, Subscribe(language=wanted))
