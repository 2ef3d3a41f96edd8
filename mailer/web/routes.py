"""Every page there is, by path and method, and the application made of them.

The one-click link takes its POST by itself (RFC 8058); every other POST has a form's token. What is
not listed is not there. The organisers' pages below `/admin` come as an `Annex`, from above.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mailer.errors import StoreUnavailable
from mailer.message.render import builtin_templates
from mailer.web.asking import Asking
from mailer.web.attending import Attending
from mailer.web.confirming import Confirming
from mailer.web.feeds import Feeds
from mailer.web.guard import Guard
from mailer.web.health import Health
from mailer.web.kept import Kept
from mailer.web.leaving import Leaving
from mailer.web.meter import Meter
from mailer.web.page import style_text
from mailer.web.preferring import Preferring
from mailer.web.problem import Problems
from mailer.web.public import Public
from mailer.web.site import Site

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # its address names a version
_ROBOTS = "User-agent: *\n" + "".join(
    f"Disallow: /{path}\n" for path in ("c/", "u/", "p/", "r/", "j/", "admin", "metrics")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annex:
    """Pages beside ours, all at or below ``place``, and what they answer to somebody whom they do
    not know."""

    place: str = "/admin"
    routes: Sequence[Route] = ()
    unknown: Callable[[Request, Exception], Awaitable[Response]] | None = None


NO_ANNEX = Annex()


def application(
    site: Site, health: Health, *, now: Callable[[], float], annex: Annex = NO_ANNEX
) -> ASGIApp:
    """All pages behind their guard; ``now`` is a clock for spans."""
    problems = Problems(site)
    ours = _pages(routes(site, health), problems, problems.refused)
    theirs = _pages(annex.routes, problems, annex.unknown or problems.refused)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        # So that nobody's page waits until the table of the other has been looked through.
        is_theirs = f"{scope['path']}/".startswith(f"{annex.place}/")
        await (theirs if is_theirs else ours)(scope, receive, send)

    over_tls = site.settings.base_url.startswith("https:")
    return Guard(either, meter=site.meter, now=now, over_tls=over_tls)


def _pages(
    table: Sequence[Route],
    problems: Problems,
    unknown: Callable[[Request, Exception], Awaitable[Response]],
) -> ASGIApp:
    async def other_method(request: Request, _: Exception) -> Response:
        allowed = {"Allow": _allowed(table, request.scope)}
        return await problems.refused(request, HTTPException(405, headers=allowed))

    pages = Starlette(
        routes=table,
        exception_handlers={
            401: unknown,
            405: other_method,
            HTTPException: problems.refused,
            StoreUnavailable: problems.unavailable,
            Exception: problems.failed,
        },
    )
    pages.router.redirect_slashes = False  # one click is never led elsewhere (RFC 8058 §3.1)
    return pages


def _allowed(table: Sequence[Route], scope: Scope) -> str:
    """Every method that a path answers to, by whichever route (RFC 9110 §15.5.6)."""
    there = [route for route in table if route.matches(scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in there for method in route.methods or ()}))


def metrics_alone(health: Health, meter: Meter, *, now: Callable[[], float]) -> ASGIApp:
    """The metrics for a listener of their own."""
    return Guard(Starlette(routes=_metrics(health)), meter=meter, now=now, over_tls=False)


def _metrics(health: Health) -> list[Route]:
    return [_get("/metrics", health.metrics)]


def routes(site: Site, health: Health) -> list[Route]:
    """The table; the first that fits answers."""
    kept = Kept(site.store, site.clock)
    public, feeds, asking = Public(site, kept), Feeds(site, kept), Asking(site)
    confirming, leaving = Confirming(site), Leaving(site)
    preferring, attending = Preferring(site), Attending(site)
    return [
        _get("/healthz", health.alive),
        _get("/readyz", health.ready),
        *([] if site.settings.metrics_listen else _metrics(health)),
        _get("/robots.txt", _robots),
        # What everybody asks for comes before the tokens: no series is named as one of their paths.
        _get("/", public.front),
        _get("/{series}", public.programme),
        _get("/{series}/", public.slashed),
        _get("/{series}/calendar.ics", feeds.calendar),
        _get("/{series}/feed.xml", feeds.atom),
        _get("/{series}/subscribe", public.subscribe),
        _post("/{series}/subscribe", asking.take),
        _get("/{series}/w/{webinar}.ics", feeds.entry),
        _get("/{series}/w/{webinar}", public.webinar),
        _post("/{series}/w/{webinar}/register", asking.register),
        _get("/static/style.css", _file(style_text(site), "text/css")),
        _get("/static/icon.svg", _file(_icon(), "image/svg+xml")),
        _get("/c/{token}", confirming.show),
        _post("/c/{token}", confirming.take),
        _get("/u/{token}", leaving.show),
        _post("/u/{token}", leaving.take),
        _get("/p/{token}", preferring.show),
        _post("/p/{token}", preferring.take),
        _get("/r/{token}", attending.show),
        _post("/r/{token}", attending.take),
        _get("/j/{token}", attending.join),
        _post("/j/{token}", attending.register_to_join),
    ]


def _get(path: str, endpoint: Callable[[Request], object]) -> Route:
    return Route(path, endpoint, methods=["GET"])


def _post(path: str, endpoint: Callable[[Request], object]) -> Route:
    return Route(path, endpoint, methods=["POST"])


def _file(content: str, media_type: str) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        return Response(content, media_type=media_type, headers=_FOR_EVER)

    return answer


async def _robots(request: Request) -> Response:
    return PlainTextResponse(_ROBOTS)


def _icon() -> str:
    return (builtin_templates() / "web" / "icon.svg").read_text(encoding="utf-8")
