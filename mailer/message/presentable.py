"""Facts as a template may show them: everything that came from outside made harmless.

Text loses controls and whatever looks like a mark; links that lead anywhere but http, https and
mailto are emptied; a speaker's address and, for who is not registered, the way in are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mailer.message.facts import Facts, Link, SeriesFacts, Speaker, WebinarFacts
from mailer.message.markdown import link_is_safe
from mailer.message.plaintext import safe_line, safe_text

_LONG_DETAILS = frozenset({"body", "reason"})


class Detail:
    """What only one template uses, by name; a name that is not given is undefined."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str | int | bool]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str | int | bool:
        return self._values[name]


def presentable(facts: Facts) -> Facts:
    """The same facts, safe to print."""
    joins = facts.registered
    return Facts(
        series=_series(facts.series),
        language=safe_line(facts.language),
        zone=safe_line(facts.zone),
        webinar=_webinar(facts.webinar, joins=joins) if facts.webinar else None,
        webinars=tuple(_webinar(webinar, joins=joins) for webinar in facts.webinars),
        items=tuple(replace(item, text=safe_line(item.text)) for item in facts.items),
        registered=facts.registered,
        detail={name: _detail(name, value) for name, value in facts.detail.items()},
    )


def presented(webinar: WebinarFacts) -> WebinarFacts:
    """One webinar, safe to print where everybody can read it."""
    return _webinar(webinar, joins=False)


def _series(series: SeriesFacts) -> SeriesFacts:
    return replace(
        series,
        title=safe_line(series.title),
        imprint=safe_text(series.imprint).strip(),
        base_url=_link(series.base_url),
    )


def _webinar(webinar: WebinarFacts, *, joins: bool) -> WebinarFacts:
    return replace(
        webinar,
        title=safe_line(webinar.title),
        abstract=safe_text(webinar.abstract).strip(),
        language=safe_line(webinar.language),
        speakers=tuple(map(_person, webinar.speakers)),
        hosts=tuple(map(_person, webinar.hosts)),
        links=_links(webinar.links),
        materials=_links(webinar.materials),
        registration_url=_link(webinar.registration_url),
        join_url=_link(webinar.join_url) if joins else "",
        page_url=_link(webinar.page_url),
    )


def _person(one: Speaker) -> Speaker:
    return Speaker(
        name=safe_line(one.name), affiliation=safe_line(one.affiliation), url=_link(one.url)
    )


def _links(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Those that lead somewhere; one without a title is called by its address."""
    safe = ((safe_line(link.title), _link(link.url)) for link in links)
    return tuple(Link(title=title or url, url=url) for title, url in safe if url)


def _link(url: str) -> str:
    url = safe_line(url)
    return url if link_is_safe(url) else ""


def _detail(name: str, value: str | int | bool) -> str | int | bool:
    if not isinstance(value, str):
        return value
    return safe_text(value).strip() if name in _LONG_DETAILS else safe_line(value)
