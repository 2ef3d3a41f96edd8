"""Makes the answer with a page in it: the facts that all pages have, and those of this one.

`page` is for one person or one occasion and is kept by nobody; `public_page` is the same for all
who read it in one language and zone (`kept`). Never looks at a token or changes anything. Headers
for safety are set for every answer in `guard`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from starlette.responses import HTMLResponse, Response

from mailer.config.model import Series
from mailer.message import moment
from mailer.message.facts import Facts, SeriesFacts
from mailer.message.presentable import presentable
from mailer.message.shown import Shown, Value
from mailer.web.kept import Made
from mailer.web.site import Site
from mailer.web.visitor import Visitor

STYLE = "web/style.css"
FRESH_SECONDS = 60  # how long a browser may keep a public page


def page(
    site: Site,
    series: Series,
    who: Visitor,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **facts: Value,
) -> Response:
    """The named page of a series, for this visitor alone."""
    return HTMLResponse(
        _filled(site, series, who, name, public=False, facts=facts),
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Language": who.language,
            "X-Robots-Tag": "noindex, nofollow",
            **(headers or {}),
        },
    )


def public_page(
    site: Site, series: Series, who: Visitor, name: str, *, until: datetime | None, **facts: Value
) -> Made:
    """The named page of a series as everybody may see it; ``until`` is when one of these facts
    changes by itself."""
    html = _filled(site, series, who, name, public=True, facts=facts)
    return Made(
        content=html.encode(),
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": f"public, max-age={FRESH_SECONDS}",
            "Content-Language": who.language,
            "Vary": "Accept-Language",
        },
        until=until,
    )


def _filled(
    site: Site, series: Series, who: Visitor, name: str, *, public: bool, facts: Mapping[str, Value]
) -> str:
    known = everywhere(
        shown_series(site, series, who),
        who,
        site.renderer.languages,
        version=version(site),
        public=public,
        several=len(site.config.series) > 1,
    )
    return site.renderer.fill(f"web/{name}.html", series.id, who.language, {**known, **facts})


def everywhere(
    series: SeriesFacts,
    who: Visitor,
    languages: tuple[str, ...],
    *,
    version: str,
    public: bool,
    several: bool,
) -> dict[str, Value]:
    """What every page knows (docs/pages.md)."""
    return {
        "series": series,
        "language": who.language,
        "direction": moment.direction(who.language),
        "languages": tuple(_languages(languages, who)),
        "zone": who.zone or series.zone,
        "query": who.query,
        "home": f"/{series.id}{who.query}",
        "style": f"/static/style.css?v={version}",
        "public": public,
        "several": several,
    }


def shown_series(site: Site, series: Series, who: Visitor) -> SeriesFacts:
    """A series as templates may show it."""
    facts = Facts(series=site.facts(series), language=who.language, zone=who.zone)
    return presentable(facts).series


def style_text(site: Site) -> str:
    """The style sheet, ours or the one that overrides it."""
    return site.renderer.source(STYLE)


def version(site: Site) -> str:
    """What changes when the style sheet does."""
    return _digest(style_text(site))


@lru_cache(maxsize=4)
def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _languages(languages: tuple[str, ...], who: Visitor) -> list[Shown]:
    """The same page in each language, named as its speakers do."""
    zone = f"&zone={who.zone}" if "zone=" in who.query else ""
    return [
        Shown(
            tag=tag,
            name=moment.language_name(tag, tag).capitalize(),
            url=f"?lang={tag}{zone}",
            current=tag == who.language,
        )
        for tag in languages
    ]
