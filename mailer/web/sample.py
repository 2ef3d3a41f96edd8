"""Every public page with made-up facts, in each of its states, to find out whether it can be made.

What a page may lack is left out in one of the samples, so that a template which asks for it fails
where it is examined and not when the first visitor comes. A test holds the names against those that
the pages are really made with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mailer.message.facts import Facts, Link, SeriesFacts, WebinarFacts
from mailer.message.presentable import presentable, presented
from mailer.message.sample import SECOND, WEBINAR, bare
from mailer.message.shown import Shown, Value
from mailer.web.page import everywhere
from mailer.web.visitor import Visitor

PAGE_URL = "https://webinars.example.org/talks/w/iscc"
_ADDRESS = "reader@example.org"
_SEALED: dict[str, Value] = {"seal_name": "seal", "seal": "made-up"}

Sample = tuple[str, dict[str, Value]]  # the name of a page, all that it knows


def samples(series: SeriesFacts, language: str, languages: tuple[str, ...]) -> Iterator[Sample]:
    """Every page of a series in this language."""
    who = Visitor(
        language=language, chosen=language, zone="America/New_York", query=f"?lang={language}"
    )
    shown = presentable(Facts(series=series, language=language, zone=who.zone)).series
    for name, public, facts in _pages(shown):
        known = everywhere(
            shown, who, languages, version="made-up", public=public, several=name == "front"
        )
        yield name, {**known, **facts}


def _pages(series: SeriesFacts) -> Iterator[tuple[str, bool, dict[str, Value]]]:
    yield "front", True, {"listed": (Shown(series=series, path="/talks"),)}
    for facts in _programmes():
        yield "series", True, facts
    for facts in _webinars():
        yield "webinar", True, facts
    for wrong in (False, True):
        yield "subscribe", True, {"form": _form(wrong=wrong)}
    yield "subscribed", False, {}
    for facts in _confirmations():
        yield "confirm", False, facts
    for facts in _departures():
        yield "leave", False, facts
    for facts in _preferences():
        yield "preferences", False, facts
    yield "erased", False, {}
    for facts in _registrations():
        yield "register", False, facts
    for code in (400, 403, 404, 429, 503):
        yield "problem", False, {"code": code}


def _form(*, registers: bool = False, wrong: bool = False) -> Shown:
    return Shown(
        action="/talks/subscribe",
        registers=registers,
        typed=_ADDRESS if wrong else "",
        wrong=wrong,
        **_SEALED,
    )


def _entry(webinar: WebinarFacts, *, cancelled: bool = False) -> Shown:
    return Shown(webinar=webinar, path="/talks/w/iscc", day="25", month="Nov", cancelled=cancelled)


def _programmes() -> Iterator[dict[str, Value]]:
    """Many webinars, and none."""
    full, empty = presented(WEBINAR), bare(presented(SECOND))
    assert empty is not None  # one was given
    common: dict[str, Value] = {
        "canonical": "https://webinars.example.org/talks",
        "webcal": "webcal://webinars.example.org/talks/calendar.ics",
        "form": _form(),
    }
    yield {
        **common,
        "coming": (_entry(full), _entry(empty, cancelled=True)),
        "past": (_entry(full),),
        "window": Shown(first=11, last=17, total=17, whole=False, before="?", after="?"),
        "structured": "{}",
    }
    none = Shown(first=1, last=0, total=0, whole=True, before="", after="")
    yield {**common, "coming": (), "past": (), "window": none, "structured": ""}


def _webinars() -> Iterator[dict[str, Value]]:
    """One that people register for here, one elsewhere, and those that are over or off."""
    full, elsewhere, least = presented(WEBINAR), presented(SECOND), bare(presented(WEBINAR))
    assert least is not None  # one was given
    told = replace(full, materials=(Link(title="Slides", url="https://www.example.org/s"),))
    common: dict[str, Value] = {
        "reason": "",
        "description": "What it is about.",
        "structured": "{}",
        "entry": "/talks/w/iscc.ics",
        "canonical": PAGE_URL,
        "zones": (),
        "choose": "?zone",
        "asked_language": "",
        "form": _form(),
    }
    zones = (Shown(name="Africa/Nairobi", shown="Africa/Nairobi", chosen=True),)
    yield {**common, "webinar": told, "form": _form(registers=True)}
    yield {**common, "webinar": elsewhere, "zones": zones, "asked_language": "fr"}
    yield {**common, "webinar": least}
    yield {**common, "webinar": replace(told, status="over")}
    yield {**common, "webinar": replace(least, status="cancelled"), "reason": "The speaker is ill."}
    yield {**common, "webinar": replace(least, status="cancelled")}


def _confirmations() -> Iterator[dict[str, Value]]:
    for stage in ("ask", "done", "already", "old"):
        for returning in (False, True):
            yield {"stage": stage, "returning": returning, "address": _ADDRESS, **_SEALED}


def _departures() -> Iterator[dict[str, Value]]:
    for stage, undo in (("ask", ""), ("done", "/c/made-up"), ("done", ""), ("gone", "")):
        yield {
            "stage": stage,
            "address": _ADDRESS,
            "field": "List-Unsubscribe",
            "click": "One-Click",
            "undo": undo,
            **_SEALED,
            "seal": "made-up" if undo else "",
        }


def _preferences() -> Iterator[dict[str, Value]]:
    common: dict[str, Value] = {
        "notice": "",
        "address": _ADDRESS,
        "state": "active",
        "is_active": True,
        "paused_until": "",
        "spoken": (Shown(tag="en", name="English", chosen=True),),
        "zones": (Shown(name="Africa/Nairobi", shown="Africa/Nairobi", chosen=False),),
        **_SEALED,
    }
    for notice in ("", "saved", "left", "wrong", "day", "sure"):
        yield {**common, "notice": notice}
    yield {**common, "paused_until": "2030-01-31T00:00:00+00:00"}
    for state in ("pending", "unsubscribed"):
        yield {**common, "state": state, "is_active": False}


def _registrations() -> Iterator[dict[str, Value]]:
    stages = ("registered", "waiting", "declined", "open", "elsewhere", "cancelled", "over")
    for stage in (*stages, "stranger"):
        for done in (False, True):
            yield {
                "webinar": presented(SECOND if stage == "elsewhere" else WEBINAR),
                "details": "/talks/w/iscc",
                "stage": stage,
                "done": done,
                "join": "/j/made-up" if done else "",
                **_SEALED,
            }
