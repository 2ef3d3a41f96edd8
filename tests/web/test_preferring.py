"""The page on which a person decides about their mails and data (S10, S12, S19)."""

from __future__ import annotations

import json

import pytest

from mailer.message.address import Purpose
from mailer.store import people
from mailer.store.people import State, Subscription
from tests.outbox_reader import queued
from tests.peers.browser import Answer
from tests.web.place import Place


async def send(place: Place, person: Subscription, **fields: str) -> Answer:
    """Open the page and press one of its buttons."""
    path = f"/p/{place.token(Purpose.PREFERENCES, person)}"
    opened = await place.browser.get(path)
    return await place.browser.post(path, {"seal": opened.hidden("seal"), **fields})


async def test_language_and_zone_are_saved_and_nothing_is_mailed(either: Place) -> None:
    ana = await either.ana()
    answer = await send(either, ana, do="settings", language="fr", timezone="Africa/Nairobi")
    assert (answer.status, answer.headers["content-language"]) == (200, "fr")
    now = await either.again(ana)
    assert (now.language, now.timezone) == ("fr", "Africa/Nairobi")
    assert await queued(either.parts) == []


@pytest.mark.parametrize("fields", [{"language": "tlh"}, {"timezone": "Mars/Crater"}])
async def test_what_is_not_known_is_not_saved(place: Place, fields: dict[str, str]) -> None:
    ana = await place.ana()
    assert (await send(place, ana, do="settings", **fields)).status == 422
    assert await place.again(ana) == ana


async def test_a_pause_begins_and_ends(place: Place) -> None:
    ana = await place.ana()
    assert (
        "You get no mail until 1 December 2026."
        in (await send(place, ana, do="pause", until="2026-12-01")).words
    )
    assert (await place.again(ana)).paused_until is not None
    assert (await send(place, ana, do="resume")).status == 200
    assert (await place.again(ana)).paused_until is None


@pytest.mark.parametrize("until", ["", "2020-01-01", "tomorrow", "2026-13-45"])
async def test_a_pause_needs_a_day_that_comes(place: Place, until: str) -> None:
    ana = await place.ana()
    assert (await send(place, ana, do="pause", until=until)).status == 422
    assert await place.again(ana) == ana


async def test_leaving_works_here_too_and_is_not_mailed(place: Place) -> None:
    ana = await place.ana()
    answer = await send(place, ana, do="leave")
    assert (answer.status, "You have left." in answer.words) == (200, True)
    assert (await place.again(ana)).state is State.UNSUBSCRIBED
    assert await queued(place.parts) == []


async def test_everything_kept_can_be_taken_along(either: Place) -> None:
    ana = await either.ana()
    answer = await send(either, ana, do="download")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    data = json.loads(answer.body)
    assert data["address"] == "ana@example.net"
    assert [one["subscription"]["state"] for one in data["subscriptions"]] == ["active"]
    assert "hash" not in answer.text


async def test_erasing_asks_once_more_and_leaves_nothing(either: Place) -> None:
    ana = await either.ana()
    path = f"/p/{either.token(Purpose.PREFERENCES, ana)}"
    assert (await send(either, ana, do="erase")).status == 422
    assert await either.again(ana) == ana
    assert (await send(either, ana, do="erase", sure="yes")).status == 200
    assert await either.parts.store.read(lambda c: people.by_id(c, ana.id)) is None
    assert (await either.browser.get(path)).status == 404


@pytest.mark.parametrize("do", ["settings", "pause", "resume", "leave", "download", "erase"])
async def test_no_button_works_without_the_seal(place: Place, do: str) -> None:
    ana = await place.ana()
    path = f"/p/{place.token(Purpose.PREFERENCES, ana)}"
    fields = {"do": do, "sure": "yes", "language": "fr", "until": "2026-12-01"}
    assert (await place.browser.post(path, fields)).status == 403
    assert await place.again(ana) == ana


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.CONFIRM, Purpose.STATUS])
async def test_a_link_for_something_else_shows_nothing(place: Place, purpose: Purpose) -> None:
    ana = await place.ana()
    answer = await place.browser.get(f"/p/{place.token(purpose, ana)}")
    assert (answer.status, "ana@example.net" in answer.text) == (404, False)


async def test_the_page_is_in_the_persons_language_and_zone(place: Place) -> None:
    ana = await place.ana()
    await send(place, ana, do="settings", language="ar", timezone="Asia/Tokyo")
    page = await place.browser.get(f"/p/{place.token(Purpose.PREFERENCES, ana)}")
    assert '<html lang="ar" dir="rtl">' in page.text
    assert '<option value="Asia/Tokyo" selected>' in page.text


async def test_who_has_left_can_still_see_and_erase(place: Place) -> None:
    ana = await place.ana()
    await send(place, ana, do="leave")
    page = await place.browser.get(f"/p/{place.token(Purpose.PREFERENCES, ana)}")
    assert ('value="settings"' in page.text, 'value="erase"' in page.text) == (False, True)
    assert (await send(place, ana, do="settings", language="fr")).status == 422
