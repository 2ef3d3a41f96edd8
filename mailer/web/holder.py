"""Whose link it is: a token is bound to one purpose, one person and one series (S12).

A token for another purpose, of a person who is gone, or with a letter changed is no link at all:
404, the same for each.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.config.model import Series
from mailer.message.address import Purpose
from mailer.message.token import Token
from mailer.store import people
from mailer.store.engine import Connection
from mailer.store.people import Subscription
from mailer.web.site import Site
from mailer.web.visitor import Visitor, visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person at a page of theirs. ``text`` is the token as it stands in the address."""

    text: str
    token: Token
    subscription: Subscription
    series: Series
    who: Visitor

    @property
    def evidence(self) -> str:
        """What is kept with a consent."""
        return f"the link of {self.token.day.isoformat()}"


async def holder_of(site: Site, request: Request, purpose: Purpose) -> Holder:
    """Who holds the link that was asked for; HTTPException 404 for one that does not hold."""
    text = request.path_params["token"].lower()
    token = site.secrets.mint.read(purpose, text)
    if token is None:
        raise HTTPException(404)
    found = await site.store.read(lambda c: _subscription(c, token))
    series = None if found is None else site.series(found.series_id)
    if found is None or series is None:
        raise HTTPException(404)
    return Holder(
        text=text,
        token=token,
        subscription=found,
        series=series,
        who=visitor(request, site.renderer, series, found),
    )


async def _subscription(connection: Connection, token: Token) -> Subscription | None:
    return await people.by_id(connection, token.subject)
