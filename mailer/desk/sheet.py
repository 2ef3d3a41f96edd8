"""Makes the answer with an organisers' page in it, and the way on after a form (303).

A page is a template below `web/desk`, which extends `web/desk/_layout.html`; the first word of its
name is the place in the navigation that it belongs to. Nobody keeps a copy of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.config.model import Series
from mailer.desk.form import seal
from mailer.desk.organiser import Organiser
from mailer.desk.place import Desk
from mailer.message import moment
from mailer.message.shown import Shown, Value
from mailer.web.form import SEAL
from mailer.web.page import shown_series, version
from mailer.web.visitor import Visitor

PLACES = ("timeline", "programme", "announcements", "people", "reports", "health")


def sheet(
    desk: Desk,
    organiser: Organiser,
    name: str,
    *,
    series: Series | None,
    status: int = 200,
    refresh: int = 0,
    headers: Mapping[str, str] | None = None,
    shared: Mapping[str, Value] | None = None,
    **facts: Value,
) -> Response:
    """The named page, for an organiser and as a rule for one of their series. ``refresh`` is after
    how many seconds a browser asks for it again, 0 for never; ``shared`` has facts beside those
    that are named."""
    theirs: dict[str, Value] = {
        "organiser": organiser.address.mailbox,
        "choices": tuple(_choices(organiser, series)),
        "places": tuple(_places(series, name.partition("-")[0])) if series else (),
        "leave_seal": seal(desk, organiser, "sign out"),
        "speak_seal": seal(desk, organiser, "speak"),
    }
    if series is not None:
        theirs["series"] = shown_series(desk.site, series, organiser.who)
        theirs["here"] = f"/admin/{series.id}"
    again = {"Refresh": str(refresh)} if refresh else {}
    return _answer(
        desk,
        organiser.who,
        name,
        series=series,
        status=status,
        headers={**again, **(headers or {})},
        facts={**theirs, **(shared or {}), **facts},
    )


def cover(
    desk: Desk,
    who: Visitor,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **facts: Value,
) -> Response:
    """The named page for somebody who is not signed in."""
    nobody: dict[str, Value] = {
        "organiser": "",
        "choices": (),
        "places": (),
        "query": who.query,
    }
    return _answer(
        desk, who, name, series=None, status=status, headers=headers or {}, facts=nobody | facts
    )


def go_to(path: str, *, done: str = "", **more: str | int) -> Response:
    """On to a page that shows what happened; ``done`` is a word that the page knows. Only paths of
    our own are gone to (S11)."""
    assert path.startswith("/admin")
    said = {"done": done, **more} if done else more
    query = f"?{urlencode(said)}" if said else ""
    return RedirectResponse(f"{path}{query}", 303, headers={"Cache-Control": "no-store"})


def _answer(
    desk: Desk,
    who: Visitor,
    name: str,
    *,
    series: Series | None,
    status: int,
    headers: Mapping[str, str],
    facts: Mapping[str, Value],
) -> Response:
    site = desk.site
    everywhere: dict[str, Value] = {
        "language": who.language,
        "direction": moment.direction(who.language),
        "languages": tuple(
            Shown(
                tag=tag,
                name=moment.language_name(tag, tag).capitalize(),
                current=tag == who.language,
            )
            for tag in site.renderer.languages
        ),
        "style": f"/static/style.css?v={version(site)}",
        "seal_name": SEAL,
    }
    owner = series.id if series else site.config.series[0].id
    html = site.renderer.fill(f"web/desk/{name}.html", owner, who.language, {**everywhere, **facts})
    return HTMLResponse(
        html,
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Language": who.language,
            "X-Robots-Tag": "noindex, nofollow",
            **headers,
        },
    )


def _choices(organiser: Organiser, current: Series | None) -> list[Shown]:
    """The series of an organiser, for going from one to the other."""
    return [Shown(id=one.id, title=one.title, current=one is current) for one in organiser.series]


def _places(series: Series, current: str) -> list[Shown]:
    return [
        Shown(
            name=one,
            url=f"/admin/{series.id}" + ("" if one == PLACES[0] else f"/{one}"),
            current=one == current,
        )
        for one in PLACES
    ]
