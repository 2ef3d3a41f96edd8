"""The forms that take an address: the same answer for known and unknown (S14).

What the address means here is told by mail alone, to whoever reads that mailbox. The answer leaves
a fixed time after the question, however much there was to do, and is limited by network (S1).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import blake2b

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.log import get_logger
from mailer.message.address import Address, is_own, parse_address
from mailer.message.command import Register, Subscribe
from mailer.store import quota, shown
from mailer.store.quota import Quota
from mailer.store.webinar import WebinarRecord
from mailer.web.form import sealed_fields
from mailer.web.origin import is_passed_on, network_of
from mailer.web.page import page
from mailer.web.public import address_form, form_purpose
from mailer.web.site import Site, asker
from mailer.web.visitor import visitor
from scheduler.model import Status

ANSWER_SECONDS = 0.2  # more than an answer takes, less than anybody minds
LONGEST_ADDRESS = 320
_HOUR = timedelta(hours=1)

_log = get_logger(__name__)


class Asking:
    """Takes wishes to subscribe."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._told_of_proxy = False

    async def show(self, request: Request) -> Response:
        """The form alone."""
        series = self._site.series_at(request)
        who = visitor(request, self._site.renderer, series)
        form = address_form(self._site, series, who)
        return page(self._site, series, who, "subscribe", public=True, form=form)

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
        loop = asyncio.get_running_loop()
        due = loop.time() + ANSWER_SECONDS
        site = self._site
        found = await sealed_fields(site, request, form_purpose(series, webinar))
        who = visitor(request, site.renderer, series)
        typed = found.get("address", "")[:LONGEST_ADDRESS]
        address = parse_address(typed)
        if address is None or is_own(address.key, site.config.series):
            form = address_form(site, series, who, webinar=webinar, typed=typed, wrong=True)
            return page(site, series, who, "subscribe", status=422, form=form)
        await self._count(request)
        await self._ask(request, series, webinar, address, who.language)
        # Each further span is as long, so that a busy moment tells no more than a quiet one.
        while (left := due - loop.time()) < 0:
            due += ANSWER_SECONDS
        await asyncio.sleep(left)
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

    async def _count(self, request: Request) -> None:
        """Refuse what is too much from one network; it says nothing about any address."""
        site = self._site
        network = network_of(request, site.settings.trusted_proxies)
        if is_passed_on(request, site.settings.trusted_proxies) and not self._told_of_proxy:
            self._told_of_proxy = True
            _log.warning(
                "a web server in front says for whom it asks, but web.trusted_proxies does not name"
                " it: all visitors count as one network",
                action="page.untrusted",
            )
        who = blake2b(network.encode(), key=site.secrets.hash_key, digest_size=16).hexdigest()
        limit = site.config.limits.forms_per_network_per_hour
        quotas = (Quota(scope=f"form:{who}", limit=limit, span=_HOUR),)
        if await site.store.write(lambda c: quota.take(c, quotas, site.clock.now())):
            site.meter.refused("limit")
            raise HTTPException(429, headers={"Retry-After": "3600"})
