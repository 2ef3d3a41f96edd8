"""Who is signed in, asked anew at each request: a visit that lasts, of an address that is one of
the configured organisers. A series that is not theirs is not there (404), as one that is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.config.model import Config, Series
from mailer.desk import cookie
from mailer.desk.place import Desk
from mailer.intake import announcing
from mailer.message.address import Address, parse_address
from mailer.store import visit
from mailer.store.engine import Connection
from mailer.store.visit import Visit
from mailer.web.visitor import Visitor

_NOTE_EVERY = timedelta(minutes=5)  # that somebody is still there
# RFC 9110 §15.5.2 wants one; browsers know none for a link by mail, and ask nothing.
_CHALLENGE = {"WWW-Authenticate": 'Mailed-Link realm="organisers"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organiser:
    """Who is signed in. ``session`` is what forms are bound to, never the cookie's own value;
    ``who`` says in which language pages are."""

    address: Address
    series: tuple[Series, ...]
    session: str
    visit_id: int
    who: Visitor


async def organiser_of(desk: Desk, request: Request) -> Organiser:
    """Who is signed in in this browser; HTTPException 401 if that is nobody."""
    digest = cookie.read(request, desk.site.settings.base_url)
    found = None if digest is None else await _visit(desk, digest)
    if digest is None or found is None:
        raise HTTPException(401, headers=_CHALLENGE)
    address = parse_address(found.organiser)
    theirs = () if address is None else series_of(desk.site.config, address)
    if address is None or not theirs:
        await desk.site.store.write(lambda c: visit.end(c, found.id))
        raise HTTPException(401, headers=_CHALLENGE)
    named = announcing.organiser(theirs[0], address) or address
    return Organiser(
        address=named,
        series=theirs,
        session=digest.hex(),
        visit_id=found.id,
        who=speaker(desk, found.language),
    )


async def at_series(desk: Desk, request: Request) -> tuple[Organiser, Series]:
    """Who is signed in, and the series that the path names; HTTPException 404 if it is not
    theirs."""
    organiser = await organiser_of(desk, request)
    wanted = request.path_params["series"]
    for series in organiser.series:
        if series.id == wanted:
            return organiser, series
    raise HTTPException(404)


def series_of(config: Config, address: Address) -> tuple[Series, ...]:
    """The series that somebody looks after."""
    return tuple(one for one in config.series if announcing.organiser(one, address) is not None)


def speaker(desk: Desk, language: str) -> Visitor:
    """Somebody who reads in this language, or the nearest there is."""
    return Visitor(language=desk.site.renderer.nearest(language), chosen="", zone="", query="")


async def _visit(desk: Desk, digest: bytes) -> Visit | None:
    now = desk.site.clock.now()

    async def note(connection: Connection) -> None:
        assert found is not None
        await visit.seen(connection, found.id, now=now)

    found = await desk.site.store.read(lambda c: visit.find(c, digest, now=now))
    if found is not None and now - found.seen_at >= _NOTE_EVERY:
        await desk.site.store.write(note)
    return found
