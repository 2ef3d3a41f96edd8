"""How much comes from one network, and answers that leave at the same time whatever there was to
do (S1, S14): for the forms that anybody can send.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import blake2b

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.log import get_logger
from mailer.store import quota
from mailer.store.quota import Quota
from mailer.web.origin import is_passed_on, network_of
from mailer.web.site import Site

ANSWER_SECONDS = 0.2  # more than an answer takes, less than anybody minds
_HOUR = timedelta(hours=1)

_log = get_logger(__name__)


class Crowd:
    """Counts the forms of each network."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._told_of_proxy = False

    async def count(self, request: Request) -> None:
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


@asynccontextmanager
async def evenly() -> AsyncIterator[None]:
    """Takes the same time for every block; one that takes longer takes a multiple of it, so that a
    busy moment tells no more than a quiet one."""
    loop = asyncio.get_running_loop()
    due = loop.time() + ANSWER_SECONDS
    yield
    while (left := due - loop.time()) < 0:
        due += ANSWER_SECONDS
    await asyncio.sleep(left)
