"""Calendars and the Atom feed: whole, unchanged while nothing changed, without anything secret."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree as Xml

import icalendar
import pytest

from scheduler.model import Status
from tests.web.place import Place
from tests.world import revise

FEEDS = ("/copyright/calendar.ics", "/copyright/feed.xml", "/copyright/w/iscc.ics")
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.mark.parametrize("path", FEEDS)
async def test_asking_again_costs_nothing_while_nothing_changed(place: Place, path: str) -> None:
    webinar = await place.webinar()
    first = await place.browser.get(path)
    tag = first.headers["etag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await place.browser.get(path, if_none_match=held)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    later = place.clock.now() + timedelta(minutes=1)
    await place.parts.store.write(lambda c: revise(c, webinar, now=later, status=Status.CANCELLED))
    changed = await place.browser.get(path, if_none_match=tag)
    assert (changed.status, changed.headers["etag"] == tag) == (200, False)


async def test_the_calendar_is_published_with_what_programs_need(either: Place) -> None:
    await either.webinar()
    answer = await either.browser.get("/copyright/calendar.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    calendar = icalendar.Calendar.from_ical(answer.text)
    page = "https://webinars.example.org/copyright"
    assert calendar["METHOD"] == "PUBLISH"
    assert calendar["NAME"] == "Copyright Infrastructure Webinars"
    assert (calendar["URL"], calendar["SOURCE"]) == (page, f"{page}/calendar.ics")
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=12)
    (event,) = calendar.walk("VEVENT")
    assert (event["SUMMARY"], event["STATUS"], "ATTENDEE" in event) == (
        "CAPASSO",
        "CONFIRMED",
        False,
    )


async def test_an_entry_is_a_file_for_the_calendar(place: Place) -> None:
    await place.webinar()
    answer = await place.browser.get("/copyright/w/iscc.ics")
    assert answer.headers["content-disposition"] == 'attachment; filename="iscc.ics"'
    assert answer.text.count("BEGIN:VEVENT") == 1


async def test_the_feed_is_atom_with_one_entry_for_each_webinar(place: Place) -> None:
    await place.webinar()
    answer = await place.browser.get("/copyright/feed.xml")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = Xml.fromstring(answer.body)
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "CAPASSO"
    assert entry.findtext(f"{ATOM}summary", "").startswith("Wednesday, 25 November 2026, 13:00")
    links = {one.get("rel"): one.get("href") for one in feed.findall(f"{ATOM}link")}
    assert links["self"] == "https://webinars.example.org/copyright/feed.xml"


async def test_a_feed_without_webinars_is_whole(place: Place) -> None:
    assert Xml.fromstring((await place.browser.get("/copyright/feed.xml")).body).findtext(
        f"{ATOM}updated"
    ) == ("1970-01-01T00:00:00Z")
    calendar = icalendar.Calendar.from_ical(
        (await place.browser.get("/copyright/calendar.ics")).text
    )
    assert calendar.walk("VEVENT") == []


async def test_what_is_long_past_leaves_the_feeds(place: Place) -> None:
    webinar = await place.webinar()
    place.clock.advance_to(webinar.ends_at + timedelta(days=367))
    assert "CAPASSO" not in (await place.browser.get("/copyright/calendar.ics")).text
    assert "CAPASSO" in (await place.browser.get("/copyright")).words


@pytest.mark.parametrize("path", FEEDS)
async def test_feeds_of_a_series_that_is_not_there(place: Place, path: str) -> None:
    assert (await place.browser.get(path.replace("copyright", "other"))).status == 404
