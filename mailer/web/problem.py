"""Answers for what cannot be done: plain words, the same for every link that does not hold.

The cause is in the log; a page never shows a message of the program's, nor anything that was sent.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer.config.model import Series
from mailer.log import get_logger
from mailer.web.page import page
from mailer.web.site import Site
from mailer.web.visitor import visitor

RETRY_SECONDS = 30

_log = get_logger(__name__)


class Problems:
    """Makes a page of what was raised."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def refused(self, request: Request, error: Exception) -> Response:
        """What a page refused on purpose."""
        assert isinstance(error, HTTPException)
        if error.status_code == 403:
            self._site.meter.refused("foreign or stale")
        return self._page(request, error.status_code, error.headers)

    async def unavailable(self, request: Request, error: Exception) -> Response:
        """The database is away: nothing was changed, and it is worth trying again."""
        _log.warning("a page needs the database", action="page.deferred", cause=str(error))
        return self._page(request, 503, {"Retry-After": str(RETRY_SECONDS)})

    async def failed(self, request: Request, error: Exception) -> Response:
        """A fault of ours. As little as possible is done here, for the templates may be it."""
        return PlainTextResponse(
            "Something went wrong here. Please try again later.\n", status_code=500
        )

    def _page(self, request: Request, status: int, headers: Mapping[str, str] | None) -> Response:
        site, series = self._site, self._series(request)
        who = visitor(request, site.renderer, series)
        return page(site, series, who, "problem", status=status, headers=headers, code=status)

    def _series(self, request: Request) -> Series:
        """The one that the path names, if it does."""
        named = request.url.path.split("/")[1:2]
        return self._site.series(named[0] if named else "") or self._site.config.series[0]
