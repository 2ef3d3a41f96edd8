"""Whom a page is for: the language it is written in and the zone in which it tells times as well.

Chosen by the address of the page (`?lang=fr&zone=Asia/Tokyo`), which every link then carries on, so
that no cookie is needed; else by what the person told us or their browser says (RFC 9110 §12.5.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from urllib.parse import urlencode

from starlette.requests import Request

from mailer.config.model import Series
from mailer.message.render import Renderer
from mailer.store.people import Subscription
from scheduler.recurrence import zone_names

_LONGEST = 500  # characters of Accept-Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """``chosen`` is the language that the address names, ``zone`` the zone it names or the person
    prefers, each empty if there is none; ``query`` is what links of ours carry on."""

    language: str
    chosen: str
    zone: str
    query: str


def visitor(
    request: Request, renderer: Renderer, series: Series, person: Subscription | None = None
) -> Visitor:
    """Who looks at a page of a series; ``person`` when their token says so."""
    asked = request.query_params.get("lang", "")
    chosen = asked if asked in renderer.languages else ""
    zone = request.query_params.get("zone", "")
    zone = zone if zone in zone_names() else ""
    query = urlencode({key: value for key, value in (("lang", chosen), ("zone", zone)) if value})
    preferred = (person.language or "") if person else ""
    spoken = () if person else accepted(request.headers.get("accept-language", "")[:_LONGEST])
    language = chosen or renderer.nearest(*filter(None, (preferred, *spoken, series.language)))
    known = (person.timezone or "") if person else ""
    return Visitor(
        language=language,
        chosen=chosen,
        zone=zone or known,
        query=f"?{query}" if query else "",
    )


@lru_cache(maxsize=256)
def accepted(header: str) -> tuple[str, ...]:
    """The languages of an Accept-Language field, the most wanted first."""
    ranked = sorted(_ranges(header), key=lambda pair: -pair[1])
    return tuple(tag for tag, weight in ranked if weight > 0 and tag != "*")


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weight = 0.0
        if tag.strip():
            yield tag.strip().lower(), weight


@cache
def zones() -> tuple[str, ...]:
    """The zones that a page offers: one or more for each country."""
    listed = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines()
    return ("UTC", *sorted(line.split("\t")[2] for line in listed if not line.startswith("#")))
