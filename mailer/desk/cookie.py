"""The one cookie there is: a random secret that stands for a visit (RFC 6265bis §4.1.3).

`SameSite=Lax`: a link in a mail leads to a page and not to the sign-in, and a GET changes nothing.
Over https its name begins with `__Host-`, so that no other host can put one in its place.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from mailer.store.visit import LASTS_FOR

_NAME = "mailer-desk"
_OCTETS = 32
_LONGEST = 100  # characters that are looked at


def _name(base_url: str) -> str:
    return f"__Host-{_NAME}" if base_url.startswith("https:") else _NAME


def new() -> str:
    """A secret for a new visit."""
    return secrets.token_urlsafe(_OCTETS)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret, and looked up: who reads the database cannot use it."""
    return sha256(secret.encode()).digest()


def read(request: Request, base_url: str) -> bytes | None:
    """The digest of the secret that a browser sends, None if it sends none."""
    secret = request.cookies.get(_name(base_url), "")
    return digest_of(secret) if 0 < len(secret) <= _LONGEST else None


def give(response: Response, base_url: str, secret: str) -> None:
    """Hand a browser its secret."""
    response.set_cookie(
        _name(base_url),
        secret,
        max_age=int(LASTS_FOR.total_seconds()),
        path="/",
        secure=base_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def take_back(response: Response, base_url: str) -> None:
    """Make a browser forget its secret."""
    response.delete_cookie(
        _name(base_url),
        path="/",
        secure=base_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
