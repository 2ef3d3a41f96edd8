"""The list of webinars: by what has become of them, ten a page."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mailer.store import programme
from scheduler.model import Status
from tests.desk.place import ADA, Place
from tests.world import (
    revise,
    scheduled,
)

THERE = "/admin/copyright/programme"
FIRST = datetime(2026, 11, 4, 13)  # noqa: DTZ001 - on the clock of the series


async def test_each_webinar_stands_where_it_belongs(either: Place) -> None:
    place = either
    for number, slug in enumerate(("one", "two", "three")):
        await scheduled(place.parts, FIRST + timedelta(days=number), slug, title=slug.capitalize())
    await scheduled(place.parts, datetime(2026, 9, 2, 13), "past", title="Past")  # noqa: DTZ001
    two = await place.parts.store.read(lambda c: programme.find(c, "copyright", "two"))
    assert two is not None
    await place.parts.store.write(
        lambda c: revise(c, two, status=Status.CANCELLED, now=place.clock.now())
    )
    ada = await place.signed_in()
    page = await ada.get(THERE)
    assert "Coming up 2 Drafts 0 Cancelled 1 Past 1" in page.words
    assert page.words.index("One") < page.words.index("Three")
    assert "Two" not in page.words
    assert "Two" in (await ada.get(f"{THERE}?show=cancelled")).words
    assert "Past Wednesday, 2 September 2026" in (await ada.get(f"{THERE}?show=past")).words
    assert "None of these." in (await ada.get(f"{THERE}?show=drafts")).words


async def test_there_are_ten_on_a_page(place: Place) -> None:
    for number in range(12):
        await scheduled(place.parts, FIRST + timedelta(days=number), f"w{number}")
    ada = await place.signed_in()
    first = await ada.get(f"{THERE}?show=coming")
    assert (first.text.count('class="entry"'), "1 – 10 of 12" in first.words) == (10, True)
    second = await ada.get(f"{THERE}?page=2")
    assert (second.text.count('class="entry"'), "11 – 12 of 12" in second.words) == (2, True)


@pytest.mark.parametrize("query", ["?page=2", "?page=x", "?show=all", "?show=coming&page=0"])
async def test_what_is_no_page_is_not_there(place: Place, query: str) -> None:
    ada = await place.signed_in()
    assert (await ada.get(f"{THERE}{query}")).status == 404


async def test_a_webinar_without_a_link_is_marked(place: Place) -> None:
    await scheduled(place.parts, FIRST, "bare", registration_url="")
    assert "No link yet" in (await (await place.signed_in()).get(THERE)).words


async def test_a_stranger_is_asked_to_sign_in(place: Place) -> None:
    assert (await place.browser.get(THERE)).status == 401
    assert (await (await place.signed_in(ADA)).get("/admin/patents/programme")).status == 404
