"""The form that asks for the series' mails: the same answer for known and unknown (S14).

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
from mailer.message.command import Subscribe
from mailer.store import quota
from mailer.store.quota import Quota
from mailer.web.form import sealed_fields
from mailer.web.origin import is_passed_on, network_of
from mailer.web.page import page
from mailer.web.public import subscribe_form
from mailer.web.site import Site, asker
from mailer.web.visitor import visitor

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
        form = subscribe_form(self._site, series, who)
        return page(self._site, series, who, "subscribe", public=True, form=form)

    async def take(self, request: Request) -> Response:
        """Ask the owner of the mailbox to confirm, and say so to whoever typed the address."""
        loop = asyncio.get_running_loop()
        due = loop.time() + ANSWER_SECONDS
        site, series = self._site, self._site.series_at(request)
        found = await sealed_fields(site, request, f"subscribe {series.id}")
        who = visitor(request, site.renderer, series)
        typed = found.get("address", "")[:LONGEST_ADDRESS]
        address = parse_address(typed)
        if address is None or is_own(address.key, site.config.series):
            form = subscribe_form(site, series, who, typed=typed, wrong=True)
            return page(site, series, who, "subscribe", status=422, form=form)
        await self._ask(request, series, address, who.language)
        # Each further span is as long, so that a busy moment tells no more than a quiet one.
        while (left := due - loop.time()) < 0:
            due += ANSWER_SECONDS
        await asyncio.sleep(left)
        return page(site, series, who, "subscribed")

    async def _ask(self, request: Request, series: Series, address: Address, language: str) -> None:
        network = network_of(request, self._site.settings.trusted_proxies)
        await self._count(request, network)
        wanted = None if language == series.language else language
        await self._site.intake.command(
            series,
            asker(f"form, from {network or 'an unknown network'}", address, language),
            Subscribe(language=wanted),
        )

    async def _count(self, request: Request, network: str) -> None:
        """Refuse what is too much from one network; it says nothing about any address."""
        site = self._site
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
