"""Confirming on a page (S2, S12): only the person's click confirms, and only with their link."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.message.address import Purpose
from mailer.store import people, renewal
from mailer.store.people import State
from mailer.store.renewal import Turn
from mailer.web.seal import Seal
from tests.outbox_reader import templates
from tests.web.place import Place


async def test_the_click_on_the_page_confirms(either: Place) -> None:
    bob = await either.bob()
    path = f"/c/{either.token(Purpose.CONFIRM, bob)}"
    asked = await either.browser.get(path)
    assert (asked.status, "Bob@example.com" in asked.words) == (200, True)
    answer = await either.browser.post(path, {"seal": asked.hidden("seal")})
    assert (answer.status, "Welcome!" in answer.words) == (200, True)
    assert (await either.again(bob)).state is State.ACTIVE
    assert await templates(either.parts) == ["welcome"]
    (consent,) = await either.parts.store.read(lambda c: people.consents(c, bob.id))
    assert (consent.channel, consent.evidence) == ("web", "the link of 2026-10-01")


async def test_a_scanner_that_opens_everything_confirms_nothing(place: Place) -> None:
    bob = await place.bob()
    path = f"/c/{place.token(Purpose.CONFIRM, bob)}"
    for method in ("GET", "HEAD", "OPTIONS"):
        for _ in range(20):
            await place.browser.ask(method, f"{path}?confirm=true")
    assert await place.again(bob) == bob
    seal = (await place.browser.get(path)).hidden("seal")
    assert (await place.browser.post(path, {"seal": seal})).status == 200
    assert (await place.again(bob)).state is State.ACTIVE


async def test_a_second_click_says_that_all_is_well(place: Place) -> None:
    bob = await place.bob()
    path = f"/c/{place.token(Purpose.CONFIRM, bob)}"
    seal = (await place.browser.get(path)).hidden("seal")
    await place.browser.post(path, {"seal": seal})
    again = await place.browser.post(path, {"seal": seal})
    assert (again.status, "You are subscribed" in again.words) == (200, True)
    assert "You are subscribed" in (await place.browser.get(path)).words
    assert await templates(place.parts) == ["welcome"]


async def test_a_link_that_is_too_old_confirms_nothing(place: Place) -> None:
    bob = await place.bob()
    path = f"/c/{place.token(Purpose.CONFIRM, bob)}"
    place.clock.advance_to(place.clock.now() + timedelta(days=9))
    assert (await place.browser.get(path)).status == 410
    seal = place_seal(place, path)
    assert (await place.browser.post(path, {"seal": seal})).status == 410
    assert (await place.again(bob)).state is State.PENDING


async def test_a_link_from_before_they_left_confirms_nothing(place: Place) -> None:
    bob = await place.bob()
    path = f"/c/{place.token(Purpose.CONFIRM, bob)}"
    await place.browser.post(
        f"/u/{place.token(Purpose.UNSUBSCRIBE, bob)}", {"List-Unsubscribe": "One-Click"}
    )
    assert (await place.browser.get(path)).status == 410
    assert (await place.browser.post(path, {"seal": place_seal(place, path)})).status == 410


def place_seal(place: Place, path: str) -> str:
    """The seal that a page opened before would have."""
    return Seal(place.parts.secrets.hash_key, place.clock).make(f"confirm {path[3:]}")


@pytest.mark.parametrize(
    ("seal", "headers"),
    [
        ("", {}),
        ("forged.seal", {}),
        (None, {"origin": "https://evil.example"}),
        (None, {"sec_fetch_site": "cross-site"}),
        (None, {"sec_fetch_site": "same-site"}),
        (None, {"sec_fetch_site": "same-origin", "origin": "http://webinars.example.org"}),
    ],
)
async def test_without_seal_or_from_elsewhere_it_is_refused(
    place: Place, seal: str | None, headers: dict[str, str]
) -> None:
    bob = await place.bob()
    path = f"/c/{place.token(Purpose.CONFIRM, bob)}"
    own = (await place.browser.get(path)).hidden("seal")
    answer = await place.browser.post(path, {"seal": own if seal is None else seal}, **headers)
    assert answer.status == 403
    assert await place.again(bob) == bob


@pytest.mark.parametrize("headers", [{"origin": "https://webinars.example.org"},
                                     {"origin": "null", "sec_fetch_site": "same-origin"},
                                     {"origin": "null"}])  # fmt: skip
async def test_what_browsers_say_of_our_own_page_is_taken(
    place: Place, headers: dict[str, str]
) -> None:
    bob = await place.bob()
    path = f"/c/{place.token(Purpose.CONFIRM, bob)}"
    seal = (await place.browser.get(path)).hidden("seal")
    assert (await place.browser.post(path, {"seal": seal}, **headers)).status == 200


async def test_the_seal_of_another_page_is_none(place: Place) -> None:
    bob, ana = await place.bob(), await place.ana()
    seal = (await place.browser.get(f"/p/{place.token(Purpose.PREFERENCES, ana)}")).hidden("seal")
    path = f"/c/{place.token(Purpose.CONFIRM, bob)}"
    assert (await place.browser.post(path, {"seal": seal})).status == 403


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.MESSAGE])
async def test_a_link_for_something_else_is_no_link(place: Place, purpose: Purpose) -> None:
    bob = await place.bob()
    path = f"/c/{place.token(purpose, bob)}"
    assert (await place.browser.get(path)).status == 404
    assert (await place.browser.post(path, {"seal": place_seal(place, path)})).status == 404
    assert await place.again(bob) == bob


async def test_the_link_of_the_yearly_question_says_yes_with_a_click(either: Place) -> None:
    ana = await either.ana()
    path = f"/c/{either.token(Purpose.CONFIRM, ana)}"
    assert "You are subscribed" in (await either.browser.get(path)).words
    now = either.clock.now()
    await either.parts.store.write(lambda c: renewal.asked(c, ana.id, Turn.FIRST, now=now))
    opened = await either.browser.get(path)
    assert "Yes, send me the invitations" in opened.words
    answer = await either.browser.post(path, {"seal": opened.hidden("seal")})
    assert (answer.status, "You are subscribed" in answer.words) == (200, True)
    assert not await either.parts.store.read(lambda c: renewal.waits(c, ana.id))
