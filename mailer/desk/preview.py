"""A mailing as its readers see it: drawn for nobody, and as a page of its own for a frame.

That page is the mail's: its styles are inline as mails have them, and so it has a policy of its own
in which nothing acts, nothing is loaded, and only we may frame it.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mailer import proof
from mailer.config.model import Series
from mailer.desk.organiser import at_series
from mailer.desk.place import Desk
from mailer.errors import TemplateFault
from mailer.message.letter import draw
from mailer.message.specimen import Specimen, specimen
from mailer.parts import Parts
from mailer.store import announcement
from mailer.store.announcement import Announcement
from mailer.store.engine import Connection

SECURITY = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
_MOST = 10**15


def number_of(request: Request) -> int:
    """The number that a path names; HTTPException 404 for one that cannot be."""
    number = request.path_params["number"]
    if not isinstance(number, int) or number > _MOST:
        raise HTTPException(404)
    return number


def language_of(desk: Desk, request: Request, series: Series) -> str:
    """The language of the reader whose copy is looked at."""
    asked = request.query_params.get("language", "")
    return asked if asked in desk.site.renderer.languages else series.language


async def copy_of(
    parts: Parts, connection: Connection, item: Announcement, language: str
) -> Specimen:
    """One copy of a mailing; raises TemplateFault."""
    letter = await proof.of_planned(parts, connection, item, language=language)
    now = parts.clock.now()
    return specimen(draw(letter, parts.drawing.renderer, kind=item.kind, date=now))


class Preview:
    """Serves what stands in the frame."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def mail(self, request: Request) -> Response:
        """The page of the mail."""
        _, series = await at_series(self._desk, request)
        number, language = number_of(request), language_of(self._desk, request, series)

        async def unit(connection: Connection) -> Specimen:
            item = await announcement.by_id(connection, number)
            if item is None or item.series_id != series.id:
                raise HTTPException(404)
            return await copy_of(self._desk.parts, connection, item, language)

        try:
            copy = await self._desk.site.store.read(unit)
        except TemplateFault:  # its words stand on the page around the frame
            raise HTTPException(404) from None
        return HTMLResponse(
            copy.html,
            headers={
                "Content-Security-Policy": SECURITY,
                "X-Frame-Options": "SAMEORIGIN",
                "Cache-Control": "no-store",
            },
        )
