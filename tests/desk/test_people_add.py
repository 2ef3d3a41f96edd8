"""Bringing one person in: asked, or subscribed on an organiser's word, or kept out."""

from __future__ import annotations

import pytest

from mailer.store import page_deed, people
from mailer.store.people import Act, State, Subscription
from tests.desk.filling import filled
from tests.desk.place import OURS, Desktop, Place
from tests.outbox_reader import queued
from tests.peers.browser import Answer
from tests.world import ANA, subscribed

ADD = "/admin/copyright/people/add"


async def added(ada: Desktop, **fields: str) -> Answer:
    sent = filled(await ada.get(ADD), ADD)
    return await ada.post(ADD, {**sent, "address": "zoe@example.net", **fields})


async def zoe(place: Place) -> Subscription | None:
    return await place.parts.store.read(lambda c: people.find(c, "copyright", "zoe@example.net"))


async def test_they_are_asked_to_confirm_and_it_is_kept_who_brought_them(either: Place) -> None:
    place = either
    ada = await place.signed_in()
    answer = await added(ada, name="Zoë", language="fr", timezone="Europe/Paris")
    found = await zoe(place)
    assert found is not None
    there = f"/admin/copyright/people/{found.id}"
    assert (answer.status, answer.headers["location"]) == (303, f"{there}?done=asked")
    assert (found.state, found.name, found.language) == (State.PENDING, "Zoë", "fr")
    assert [(one.kind, one.recipient) for one in await queued(place.parts)] == [
        ("confirmation", "zoe@example.net")
    ]
    (consent,) = await place.parts.store.read(lambda c: people.consents(c, found.id))
    assert (consent.act, consent.channel, consent.evidence) == (
        Act.ASKED,
        "web",
        "added by an organiser; by ada@example.org",
    )
    about = page_deed.subscription(found.id)
    deeds = await place.parts.store.read(
        lambda c: page_deed.latest(c, "copyright", about=about, limit=9)
    )
    assert [(one.who, one.act) for one in deeds] == [("ada@example.org", "add")]
    page = await ada.get(f"{there}?done=asked")
    assert "They are asked to confirm by mail." in page.words


async def test_a_stated_consent_needs_its_words(place: Place) -> None:
    ada = await place.signed_in()
    answer = await added(ada, how="confirmed", name="Zoe")
    assert answer.status == 422
    assert "Please say when and how they consented" in answer.words
    assert 'value="Zoe"' in answer.text
    assert await zoe(place) is None
    answer = await added(ada, how="confirmed", consent="at the stand, 12 May 2026")
    found = await zoe(place)
    assert found is not None
    assert (answer.status, found.state) == (303, State.ACTIVE)
    assert await queued(place.parts) == []
    (consent,) = await place.parts.store.read(lambda c: people.consents(c, found.id))
    assert consent.evidence == "at the stand, 12 May 2026; by ada@example.org"


async def test_who_must_not_be_mailed_stays_out_and_it_is_said_why(place: Place) -> None:
    await subscribed(place.parts, ANA)
    await place.parts.enrolling.remove(OURS, ANA)
    answer = await added(await place.signed_in(), address="ana@example.net")
    assert answer.status == 422
    assert "They stay out: an organiser removed them." in answer.words


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("address", "nobody"),
        ("address", "webinars@lists.example.org"),
        ("name", "x" * 301),
        ("language", "english"),
        ("timezone", "Moon/Crater"),
    ],
)
async def test_each_fault_is_told_at_its_field(place: Place, field: str, text: str) -> None:
    answer = await added(await place.signed_in(), **{field: text})
    assert answer.status == 422
    assert "Please look at the marked fields." in answer.words
    assert await zoe(place) is None


async def test_a_form_without_its_token_brings_in_nobody(place: Place) -> None:
    ada = await place.signed_in()
    assert (await ada.post(ADD, {"address": "zoe@example.net"})).status == 403
    assert await zoe(place) is None
