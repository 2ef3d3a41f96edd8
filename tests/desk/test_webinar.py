"""The page of a webinar: what goes out about it, who comes, and its list for spreadsheets."""

from __future__ import annotations

import re

from mailer.message.facts import Speaker
from mailer.store import registration
from mailer.store.registration import State
from tests.desk.place import Place
from tests.web.test_public import VECTORS
from tests.world import ANA, BOB, subscribed

THERE = "/admin/copyright/programme"


async def registered(place: Place, webinar_id: int) -> None:
    for address, state in ((ANA, State.REGISTERED), (BOB, State.DECLINED)):
        person = await subscribed(place.parts, address)
        await place.parts.store.write(
            lambda c, person=person, state=state: registration.choose(  # type: ignore[misc]
                c, person.subscriber_id, webinar_id, state, now=place.clock.now()
            )
        )


async def test_it_says_everything(either: Place) -> None:
    place = either
    speaker = Speaker(name="Ada Example", affiliation="Institute", address="ada@example.net")
    webinar = await place.webinar(speakers=(speaker,), capacity=40)
    await registered(place, webinar.id)
    page = await (await place.signed_in()).get(f"{THERE}/1")
    assert page.status == 200
    assert "Announcement , Wednesday, 11 November 2026, 09:00 Zurich time" in page.words
    assert "To 1 person: everybody subscribed." in page.words  # who does not come is not told
    assert "Registered 1 / 40 Do not come 1" in page.words
    assert "ana@example.net Registered 1 October 2026" in page.words
    assert "Bob@example.com Does not come 1 October 2026" in page.words
    assert "Ada Example, Institute · ada@example.net" in page.words
    assert "https://meet.example.org/secret (told to registered people only)" in page.words


async def test_the_list_of_who_comes_is_a_safe_spreadsheet(place: Place) -> None:
    """S19."""
    webinar = await place.webinar()
    await registered(place, webinar.id)
    answer = await (await place.signed_in()).get(f"{THERE}/1/registrations.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="iscc-registrations.csv"'
    assert answer.text.splitlines() == [
        '"address","name","state","at"',
        '"ana@example.net","","registered","2026-10-01T12:00:00Z"',
        '"Bob@example.com","","declined","2026-10-01T12:00:00Z"',
    ]


async def test_nothing_that_was_typed_is_ever_run(place: Place) -> None:
    """S9: everything stands there as text."""
    ada = await place.signed_in()
    for number, vector in enumerate(VECTORS, start=1):
        speaker = Speaker(name=vector, affiliation=vector)
        await place.webinar(f"w{number}", title=vector, abstract=vector, speakers=(speaker,))
        for path in ("", "/edit", "/move"):
            page = await ada.get(f"{THERE}/{number}{path}")
            assert page.status == 200
            assert not re.search(r"<(script|img|svg|!--)|(?:href|src)=\"javascript:", page.text)
