"""Around every answer: headers for safety, a bound on what may be sent, one line in the log (at
`debug` where nothing had to be made: the line would cost more than the answer).

Nothing inline, nothing from elsewhere, no frame around us (S9, S13). The log names the page and
never the token in its path. What a page dies of ends here: it is told once, with its cause.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailer.log import get_logger
from mailer.web.form import MOST_BYTES, MOST_BYTES_HERE
from mailer.web.kept import GIVEN_AGAIN
from mailer.web.meter import Meter

CONTENT_SECURITY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
UNTOLD = frozenset({"/healthz", "/readyz", "/metrics"})  # asked for all day long
PERSONAL = frozenset("cujpr")  # first parts of paths with a token behind
PERSONAL_BELOW = frozenset({("admin", "sign-in"), ("admin", "first")})  # first two parts of others
_BAD_REQUEST = 400

_log = get_logger(__name__)


class Guard:
    """The outermost layer of the pages."""

    def __init__(
        self, app: ASGIApp, *, meter: Meter, now: Callable[[], float], over_tls: bool
    ) -> None:
        self._app = app
        self._meter = meter
        self._now = now
        headers = {**HEADERS, **(OVER_TLS if over_tls else {})}
        self._headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._now(), 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message["headers"]
                names = {name for name, _ in given}
                message["headers"] = [
                    *given,
                    *(header for header in self._headers if header[0] not in names),
                ]
            await send(message)

        try:
            await self._app(scope, _bounded(scope, receive), guarded)
        except ClientDisconnect:
            status = status or _BAD_REQUEST
        except Exception:
            _log.exception("a page failed", action="page.failed", page=shown_path(scope["path"]))
        spent = self._now() - began
        self._meter.served(_route(scope), scope["method"], status, spent)
        is_usual = scope["path"] in UNTOLD or GIVEN_AGAIN in scope
        tell = _log.debug if is_usual else _log.info
        tell(
            "served a page",
            action="page.served",
            method=scope["method"],
            page=shown_path(scope["path"]),
            status=status,
            milliseconds=round(spent * 1000),
        )


def shown_path(path: str) -> str:
    """A path as it may be told: without a token, and not without end."""
    parts = path.split("/")
    if len(parts) > 2 and parts[1] in PERSONAL:
        return f"/{parts[1]}/…"
    if len(parts) > 3 and tuple(parts[1:3]) in PERSONAL_BELOW:
        return f"/{parts[1]}/{parts[2]}/…"
    return path[:200]


def _route(scope: Scope) -> str:
    """The pattern that answered, of which there are few; empty for what no page has."""
    route = scope.get("route")
    return str(getattr(route, "path", "")) if route is not None else ""


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """What comes in, up to the bound; a longer body is refused as soon as that is known. A page
    that knows whom it is for may raise the bound before it reads."""
    came = 0

    async def bounded() -> Message:
        nonlocal came
        declared = Headers(scope=scope).get("content-length", "")
        most = scope.get(MOST_BYTES_HERE, MOST_BYTES)
        if declared.isdecimal() and int(declared[:12]) > most:
            raise HTTPException(413)
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            raise HTTPException(413)
        return message

    return bounded
