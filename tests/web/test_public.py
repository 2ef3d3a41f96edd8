"""The programme for everybody: what comes, what was, ten a page, nothing that is secret."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from mailer.message.facts import Link, Speaker
from mailer.store import programme
from scheduler.model import Status
from tests.peers.browser import Answer
from tests.web.place import WEDNESDAY, Place, config, opened_place
from tests.world import (
    SERIES,
    content,
    revise,
    scheduled,
)

VECTORS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    "{{ 7*7 }}",
    "<!--<script>",
    "\u2028<svg/onload=alert(1)>",
)


def events(page: Answer) -> object:
    """The structured data of a page."""
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text)
    assert found
    return json.loads(found[1])


def titles(page: Answer) -> list[str]:
    """The webinars that a page lists, in order."""
    return re.findall(r'<h3><a href="/copyright/w/([^"?]+)', page.text)


async def seventeen(place: Place) -> None:
    """Seven that come and ten that were."""
    for number in range(17):
        wall = WEDNESDAY + timedelta(weeks=2 * number)
        await scheduled(place.parts, wall, f"w{number}")
    place.clock.advance_to(place.clock.now() + timedelta(days=55 + 14 * 9 + 2))


async def test_what_comes_stands_first_and_then_what_was_ten_a_page(either: Place) -> None:
    await seventeen(either)
    first = await either.browser.get("/copyright")
    assert titles(first) == ["w10", "w11", "w12", "w13", "w14", "w15", "w16", "w9", "w8", "w7"]
    assert "1 – 10 of 17" in first.words
    second = await either.browser.get("/copyright?page=2")
    assert titles(second) == ["w6", "w5", "w4", "w3", "w2", "w1", "w0"]
    assert "11 – 17 of 17" in second.words


@pytest.mark.parametrize("number", ["0", "-1", "3", "x", "1e3", "99999999999", "٢"])
async def test_a_page_that_is_not_there_is_not_found(place: Place, number: str) -> None:
    await seventeen(place)
    assert (await place.browser.get(f"/copyright?page={quote(number)}")).status == 404


async def test_the_only_series_is_the_front_page(place: Place) -> None:
    await place.webinar()
    assert titles(await place.browser.get("/")) == ["iscc"]
    slashed = await place.browser.get("/copyright/")
    assert (slashed.status, slashed.headers["location"]) == (308, "/copyright")


async def test_a_slash_too_many_keeps_language_and_zone(place: Place) -> None:
    slashed = await place.browser.get("/copyright/?lang=fr&zone=Asia/Tokyo&next=//evil.example")
    assert slashed.headers["location"] == "/copyright?lang=fr&zone=Asia%2FTokyo"


async def test_several_series_are_listed(tmp_path: Path) -> None:
    other = replace(SERIES, id="other", title="Other Webinars", address="other@lists.example.org")
    settings = replace(config(f"sqlite:///{tmp_path}/m.db", tmp_path), series=(SERIES, other))
    async with opened_place(settings) as place:
        front = await place.browser.get("/")
        assert re.findall(r'<h2><a href="([^"]+)"', front.text) == ["/copyright", "/other"]


async def test_drafts_are_nowhere(place: Place) -> None:
    await place.parts.store.write(
        lambda c: programme.add(
            c,
            series_id=SERIES.id,
            slug="draft",
            content=content(WEDNESDAY),
            draft=True,
            now=place.clock.now(),
        )
    )
    for path in ("/copyright", "/copyright/calendar.ics", "/copyright/feed.xml"):
        assert "CAPASSO" not in (await place.browser.get(path)).text
    assert (await place.browser.get("/copyright/w/draft")).status == 404
    assert (await place.browser.get("/copyright/w/draft.ics")).status == 404


async def test_a_webinar_shows_all_there_is_to_it(place: Place) -> None:
    webinar = await place.webinar(
        abstract="What **it** is.",
        speakers=(Speaker(name="Ada Example", address="ada@example.org"),),
        links=(Link(title="Paper", url="https://example.org/p"),),
    )
    await place.parts.store.write(
        lambda c: revise(
            c,
            webinar,
            now=place.clock.now(),
            materials=(Link(title="Slides", url="https://example.org/s"),),
        )
    )
    page = await place.browser.get("/copyright/w/iscc?zone=America/New_York")
    for words in ("Ada Example", "What it is.", "Paper", "Slides", "07:00–08:00 New York time"):
        assert words in page.words
    assert "ada@example.org" not in page.text
    (one,) = [events(page)]
    assert isinstance(one, dict)
    assert (one["@type"], one["startDate"]) == ("Event", "2026-11-25T12:00:00+00:00")


async def test_the_way_in_is_on_no_public_page(place: Place) -> None:
    await place.webinar()
    for path in ("/", "/copyright/w/iscc", "/copyright/w/iscc.ics", "/copyright/calendar.ics",
                 "/copyright/feed.xml"):  # fmt: skip
        answer = await place.browser.get(path)
        assert (answer.status, "meet.example.org" in answer.text) == (200, False), path


async def test_a_cancelled_webinar_says_so(place: Place) -> None:
    webinar = await place.webinar()
    await place.parts.store.write(
        lambda c: revise(
            c, webinar, now=place.clock.now(), status=Status.CANCELLED, reason="The speaker is ill."
        )
    )
    page = await place.browser.get("/copyright/w/iscc")
    assert "will not take place. The speaker is ill." in page.words
    assert "EventCancelled" in page.text
    assert "Cancelled" in (await place.browser.get("/copyright")).words


@pytest.mark.parametrize("vector", VECTORS)
async def test_what_organisers_write_is_text_in_every_place(place: Place, vector: str) -> None:
    """S9, S26; what a browser makes of it is in test_browser."""
    await place.webinar(
        title=vector,
        abstract=vector,
        speakers=(Speaker(name=vector, affiliation=vector, url=vector),),
        links=(Link(title=vector, url=vector),),
    )
    for path in ("/copyright", "/copyright/w/iscc", "/copyright/feed.xml"):
        page = await place.browser.get(path)
        rest = re.sub(r'(?s)<script type="application/ld\+json">[^<]*</script>', "", page.text)
        assert not re.search(r"<(script|img|svg|!--)|(?:href|src)=\"javascript:", rest), path


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("de, zh-TW;q=0.5", "zh"),
        ("tlh", "en"),
        ("en;q=0.1, ar;q=0.9", "ar"),
        ("*;q=x,,;;=" * 60, "en"),
    ],
)
async def test_a_page_is_in_the_language_of_the_browser(
    place: Place, header: str, language: str
) -> None:
    page = await place.browser.get("/copyright", accept_language=header)
    assert (page.headers["content-language"], page.headers["vary"]) == (language, "Accept-Language")


async def test_the_language_that_was_chosen_goes_along(place: Place) -> None:
    await place.webinar()
    page = await place.browser.get("/copyright?lang=ar", accept_language="fr")
    assert 'dir="rtl"' in page.text
    assert 'href="/copyright/w/iscc?lang=ar"' in page.text


async def test_the_reason_why_it_is_empty_is_said(place: Place) -> None:
    assert "No webinar is planned right now." in (await place.browser.get("/copyright")).words
