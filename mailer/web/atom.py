"""The series as an Atom feed (RFC 4287): one entry for each webinar, newest change first.

Pure. An entry's id is made of the webinar's identity, so that a moved webinar is the same entry,
changed. No join address stands in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from mailer.message import moment
from mailer.message.facts import SeriesFacts, WebinarFacts
from mailer.message.markdown import to_html

_ATOM = "http://www.w3.org/2005/Atom"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_EMPTY = datetime(1970, 1, 1, tzinfo=UTC)  # of a feed in which nothing was ever written


def atom(series: SeriesFacts, webinars: Sequence[WebinarFacts]) -> bytes:
    """The feed's bytes; the same facts give the same."""
    page = f"{series.base_url}/{series.id}"
    ordered = sorted(webinars, key=lambda one: (one.stamp, one.number), reverse=True)
    feed = Xml.Element("feed", {"xmlns": _ATOM, _LANGUAGE: series.language})
    _add(feed, "id", page)
    _add(feed, "title", series.title)
    _add(feed, "updated", _time(ordered[0].stamp if ordered else _EMPTY))
    _add(feed, "link", href=page, rel="alternate", type="text/html")
    _add(feed, "link", href=f"{page}/feed.xml", rel="self", type="application/atom+xml")
    author = _add(feed, "author")
    _add(author, "name", series.title)
    _add(author, "email", series.address)
    for webinar in ordered:
        _add_entry(feed, webinar, series.language)
    content: bytes = Xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return content


def _add_entry(feed: Xml.Element, webinar: WebinarFacts, language: str) -> None:
    entry = _add(feed, "entry")
    entry.set(_LANGUAGE, webinar.language)
    _add(entry, "id", f"urn:uuid:{webinar.uid}")
    _add(entry, "title", webinar.title)
    _add(entry, "updated", _time(webinar.stamp))
    _add(entry, "link", href=webinar.page_url, rel="alternate", type="text/html")
    for speaker in webinar.speakers:
        _add(_add(entry, "author"), "name", speaker.name)
    _add(entry, "summary", moment.when(webinar, language))
    if webinar.abstract:
        _add(entry, "content", to_html(webinar.abstract), type="html")


def _add(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
    child = Xml.SubElement(parent, name, attributes)
    if text:
        child.text = text
    return child


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
