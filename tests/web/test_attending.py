"""Registering and joining by a link: the address of the meeting is for who has a place alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.message.address import Purpose
from mailer.store import people
from mailer.store.people import Subscription
from mailer.store.registration import State as Choice
from mailer.store.webinar import WebinarRecord
from scheduler.model import Status
from tests.outbox_reader import templates
from tests.peers.browser import Answer
from tests.web.place import Place
from tests.world import revise

SECRET = "https://meet.example.org/secret"


async def press(
    place: Place, person: Subscription, webinar: WebinarRecord, do: str, page: str = "r"
) -> Answer:
    """Open the page and press a button."""
    purpose = Purpose.REGISTER if page == "r" else Purpose.JOIN
    path = f"/{page}/{place.token(purpose, person, webinar)}"
    opened = await place.browser.get(path)
    return await place.browser.post(path, {"seal": opened.hidden("seal"), "do": do})


async def test_a_place_is_taken_given_up_and_taken_again(either: Place) -> None:
    ana, webinar = await either.ana(), await either.webinar()
    answer = await press(either, ana, webinar, "register")
    assert (answer.status, "You are registered." in answer.words) == (200, True)
    assert await either.choice(ana, webinar) is Choice.REGISTERED
    assert "no more reminders" in (await press(either, ana, webinar, "skip")).words
    assert await either.choice(ana, webinar) is Choice.DECLINED
    await press(either, ana, webinar, "register")
    assert await either.choice(ana, webinar) is Choice.REGISTERED


async def test_looking_takes_no_place(place: Place) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    for page, purpose in (("r", Purpose.REGISTER), ("j", Purpose.JOIN)):
        path = f"/{page}/{place.token(purpose, ana, webinar)}"
        for method in ("GET", "HEAD"):
            await place.browser.ask(method, path)
    assert await place.choice(ana, webinar) is None
    assert await templates(place.parts) == []


async def test_the_link_to_join_leads_on_for_who_has_a_place(place: Place) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    path = f"/j/{place.token(Purpose.JOIN, ana, webinar)}"
    before = await place.browser.get(path)
    assert (before.status, SECRET in before.text) == (200, False)
    await press(place, ana, webinar, "register", "j")
    after = await place.browser.get(path)
    assert (after.status, after.headers["location"]) == (302, SECRET)
    assert after.headers["cache-control"] == "no-store"


async def test_the_link_stays_when_the_meeting_moves(place: Place) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    await press(place, ana, webinar, "register")
    path = f"/j/{place.token(Purpose.JOIN, ana, webinar)}"
    content = webinar.content
    moved = type(content)(
        **{name: getattr(content, name) for name in content.__dataclass_fields__}
        | {"join_url": "https://other.example.org/room"}
    )
    await place.parts.store.write(
        lambda c: revise(c, webinar, now=place.clock.now(), content=moved)
    )
    assert (await place.browser.get(path)).headers["location"] == "https://other.example.org/room"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "https:evil", "\\evil"])
async def test_no_link_leads_where_no_browser_should_go(place: Place, url: str) -> None:
    """S11: also for who has a place already."""
    ana, webinar = await place.ana(), await place.webinar()
    await press(place, ana, webinar, "register")
    path = f"/j/{place.token(Purpose.JOIN, ana, webinar)}?next=//evil.example"
    assert (await place.browser.get(path)).headers["location"] == SECRET
    bad = replace(webinar.content, join_url=url)
    await place.parts.store.write(lambda c: revise(c, webinar, now=place.clock.now(), content=bad))
    answer = await place.browser.get(path)
    assert (answer.status, "location" in answer.headers) == (200, False)
    assert await place.choice(ana, webinar) is Choice.REGISTERED


async def test_there_is_no_way_into_what_is_over_or_off(place: Place) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    await press(place, ana, webinar, "register")
    other = await place.webinar("other")
    await press(place, ana, other, "register")
    await place.parts.store.write(
        lambda c: revise(c, other, now=place.clock.now(), status=Status.CANCELLED)
    )
    off = await place.browser.get(f"/j/{place.token(Purpose.JOIN, ana, other)}")
    assert (off.status, "will not take place" in off.words) == (200, True)
    place.clock.advance_to(webinar.ends_at + timedelta(minutes=1))
    over = await place.browser.get(f"/j/{place.token(Purpose.JOIN, ana, webinar)}")
    assert (over.status, "This webinar is over." in over.words) == (200, True)


async def test_who_has_left_takes_no_place(place: Place) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    await press(place, ana, webinar, "register")
    await place.browser.post(
        f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}", {"List-Unsubscribe": "One-Click"}
    )
    answer = await place.browser.get(f"/j/{place.token(Purpose.JOIN, ana, webinar)}")
    assert (answer.status, "not subscribed any more" in answer.words) == (200, True)


async def test_registration_elsewhere_is_linked(place: Place) -> None:
    ana = await place.ana()
    webinar = await place.webinar(registration_url="https://example.org/register", join_url="")
    page = await place.browser.get(f"/r/{place.token(Purpose.REGISTER, ana, webinar)}")
    assert 'href="https://example.org/register"' in page.text


async def test_a_link_names_its_person_its_webinar_and_its_purpose(place: Place) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    register = place.token(Purpose.REGISTER, ana, webinar)
    join = place.token(Purpose.JOIN, ana, webinar)
    nothing = place.token(Purpose.REGISTER, ana)
    for path in (f"/j/{register}", f"/r/{join}", f"/r/{nothing}", f"/p/{join}", f"/u/{register}"):
        assert (await place.browser.get(path)).status == 404, path


@pytest.mark.parametrize("page", ["r", "j"])
async def test_no_button_works_without_the_seal(place: Place, page: str) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    purpose = Purpose.REGISTER if page == "r" else Purpose.JOIN
    path = f"/{page}/{place.token(purpose, ana, webinar)}"
    assert (await place.browser.post(path, {"do": "register"})).status == 403
    assert await place.choice(ana, webinar) is None


async def test_who_comes_when_all_places_are_taken_waits(either: Place) -> None:
    ana, bob = await either.ana(), await either.bob()
    await either.parts.store.write(lambda c: people.activate(c, bob.id, now=either.clock.now()))
    webinar = await either.webinar(capacity=1)
    await press(either, ana, webinar, "register")
    answer = await press(either, bob, webinar, "register")
    assert (answer.status, "You are on the waiting list" in answer.words) == (200, True)
    assert await either.choice(bob, webinar) is Choice.WAITING
    again = await either.browser.get(f"/j/{either.token(Purpose.JOIN, bob, webinar)}")
    assert (again.status, SECRET in again.text) == (200, False)
    await press(either, ana, webinar, "skip")
    assert await either.choice(bob, webinar) is Choice.REGISTERED
    moved = await either.browser.get(f"/j/{either.token(Purpose.JOIN, bob, webinar)}")
    assert (moved.status, moved.headers["location"]) == (302, SECRET)
