"""A file of people: looked at, then taken by a second button, then followed to its end."""

from __future__ import annotations

import pytest

from mailer.intake import importing
from mailer.store import page_deed, people, staging
from mailer.store.people import State
from tests.desk.filling import filled
from tests.desk.place import OURS, Desktop, Place
from tests.outbox_reader import queued
from tests.peers.browser import Answer
from tests.world import ANA, BOB, subscribed

IMPORT = "/admin/copyright/people/import"
PEOPLE = (
    "address,name\nana@example.net,Ana\nzoe@example.net,Zoe\nBob@example.com,\nzoe@example.net,\n"
)


async def upload(ada: Desktop, content: str = PEOPLE, **fields: str) -> Answer:
    sent = filled(await ada.get(IMPORT), IMPORT)
    return await ada.upload(IMPORT, {**sent, **fields}, name="people.csv", content=content.encode())


async def state(place: Place, key: str) -> State | None:
    found = await place.parts.store.read(lambda c: people.find(c, "copyright", key))
    return None if found is None else found.state


async def test_a_file_is_looked_at_before_anybody_is_taken(either: Place) -> None:
    place = either
    await subscribed(place.parts, ANA)
    await subscribed(place.parts, BOB)
    await place.parts.enrolling.remove(OURS, BOB)
    ada = await place.signed_in()
    page = await upload(ada)
    assert page.status == 200
    assert "people.csv 3 people Asked to confirm 1 Left as they are 1 Stay out 1" in page.words
    assert "Bob@example.com : an organiser removed them" in page.words
    assert await state(place, "zoe@example.net") is None

    action = f"{IMPORT}/1"
    answer = await ada.post(action, {**filled(page, action), "do": "take"})
    assert (answer.status, answer.headers["location"]) == (303, action)
    assert await state(place, "zoe@example.net") is State.PENDING
    done = await ada.get(action)
    assert "The file is worked off." in done.words
    assert "Asked to confirm 1 Left as they are 1 Stay out 1" in done.words
    assert "refresh" not in done.headers
    assert [one.recipient for one in await queued(place.parts)] == ["zoe@example.net"]
    (deed,) = await place.parts.store.read(lambda c: page_deed.latest(c, "copyright", limit=9))
    assert (deed.who, deed.act, deed.detail) == ("ada@example.org", "import", "3 people")

    again = await ada.post(action, {**filled(page, action), "do": "take"})
    assert again.status == 303  # decided once, however often the button is pressed
    assert len(await queued(place.parts)) == 1


async def test_bad_rows_are_named_and_left_out_only_when_asked(place: Place) -> None:
    ada = await place.signed_in()
    page = await upload(ada, "address\nzoe@example.net\nnobody\n")
    assert page.status == 422
    assert "line 3, address: found 'nobody'" in page.words
    assert "Leave the bad rows out, bring in 1 person" in page.words
    assert await state(place, "zoe@example.net") is None
    action = f"{IMPORT}/1"
    await ada.post(action, {**filled(page, action), "do": "take"})
    assert await state(place, "zoe@example.net") is State.PENDING


@pytest.mark.parametrize("content", ["", "address\nnobody\n", "colour\nred\n"])
async def test_a_file_with_nobody_in_it_leaves_nothing_behind(place: Place, content: str) -> None:
    page = await upload(await place.signed_in(), content)
    assert page.status == 422
    assert await place.parts.store.read(lambda c: staging.find(c, 1)) is None


async def test_a_stated_consent_needs_its_words_before_anything_is_staged(place: Place) -> None:
    ada = await place.signed_in()
    page = await upload(ada, how="confirmed")
    assert (page.status, "Please say when and how they consented" in page.words) == (422, True)
    assert await place.parts.store.read(lambda c: staging.find(c, 1)) is None
    page = await upload(ada, how="confirmed", consent="the list of 2024")
    assert "Subscribed at once 3" in page.words
    action = f"{IMPORT}/1"
    await ada.post(action, {**filled(page, action), "do": "take"})
    assert await state(place, "zoe@example.net") is State.ACTIVE


async def test_a_file_that_is_put_away_is_gone(place: Place) -> None:
    ada = await place.signed_in()
    page = await upload(ada)
    action = f"{IMPORT}/1"
    answer = await ada.post(action, {**filled(page, action), "do": "drop"})
    assert answer.headers["location"] == "/admin/copyright/people?done=dropped"
    assert await place.parts.store.read(lambda c: staging.find(c, 1)) is None
    assert (await ada.get(action)).status == 404


async def test_a_long_file_is_worked_off_by_the_service_and_followed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a slice: the page does not wait for it, and shows how far it is."""
    ada = await place.signed_in()
    rows = "".join(f"person{number}@example.org\n" for number in range(importing.SLICE + 1))
    page = await upload(ada, f"address\n{rows}")
    action = f"{IMPORT}/1"
    await ada.post(action, {**filled(page, action), "do": "take"})
    under_way = await ada.get(action)
    assert "0 of 501" in under_way.words
    assert under_way.headers["refresh"] == "2"
    await place.parts.importing.finish()
    assert "The file is worked off." in (await ada.get(action)).words


async def test_a_staged_file_is_decided_by_its_own_series_alone(place: Place) -> None:
    """S12: nor without the token that names it."""
    ada = await place.signed_in()
    page = await upload(ada)
    sent = filled(page, f"{IMPORT}/")
    assert (await ada.post(f"{IMPORT}/2", {**sent, "do": "take"})).status == 403
    assert (await ada.post("/admin/patents/people/import/1", {**sent, "do": "take"})).status == 404
    assert (await ada.get(f"{IMPORT}/1")).status == 404  # nothing is decided yet
    assert await state(place, "zoe@example.net") is None
