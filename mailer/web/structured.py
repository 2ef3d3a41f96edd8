"""A webinar as search engines and link previews read it: schema.org's Event as JSON-LD.

Data in a page, not a script: nothing in it can end the element it stands in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from markupsafe import Markup

from mailer.message.facts import SeriesFacts, WebinarFacts
from mailer.message.markdown import to_text

DESCRIPTION_CHARS = 300
_STATUS = {"cancelled": "https://schema.org/EventCancelled"}
_SCHEDULED = "https://schema.org/EventScheduled"
# What could end a <script> element or begin a comment in it.
_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})

_Value = str | dict[str, "_Value"] | list["_Value"]


def events(webinars: Sequence[WebinarFacts], series: SeriesFacts) -> Markup:
    """The webinars as the content of a `<script type="application/ld+json">`."""
    found: list[_Value] = [_event(one, series) for one in webinars]
    text = json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False)
    return Markup(text.translate(_ESCAPED))  # noqa: S704 - every < in it is escaped


def description(webinar: WebinarFacts) -> str:
    """The beginning of the abstract, as one line."""
    text = " ".join(to_text(webinar.abstract).split())
    if len(text) <= DESCRIPTION_CHARS:
        return text
    return text[:DESCRIPTION_CHARS].rpartition(" ")[0] + "…"


def _event(webinar: WebinarFacts, series: SeriesFacts) -> _Value:
    page = webinar.page_url
    organizer: _Value = {
        "@type": "Organization",
        "name": series.title,
        "url": f"{series.base_url}/{series.id}",
    }
    event: dict[str, _Value] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": webinar.title,
        "startDate": webinar.starts_at.isoformat(),
        "endDate": webinar.ends_at.isoformat(),
        "eventStatus": _STATUS.get(webinar.status, _SCHEDULED),
        "eventAttendanceMode": "https://schema.org/OnlineEventAttendanceMode",
        "location": {"@type": "VirtualLocation", "url": page},
        "organizer": organizer,
        "inLanguage": webinar.language,
        "url": page,
    }
    if webinar.abstract:
        event["description"] = description(webinar)
    if webinar.speakers:
        event["performer"] = [_person(one.name, one.affiliation) for one in webinar.speakers]
    return event


def _person(name: str, affiliation: str) -> _Value:
    person: dict[str, _Value] = {"@type": "Person", "name": name}
    if affiliation:
        person["affiliation"] = {"@type": "Organization", "name": affiliation}
    return person
