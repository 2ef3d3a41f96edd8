"""One-click unsubscribe (RFC 8058; U1–U5, S2, S12, F39)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mailer.message.address import Purpose
from mailer.message.facts import Speaker
from mailer.store.people import State
from mailer.store.schema import outbox
from tests.outbox_reader import mails, queued
from tests.web.place import Place, config, opened_place
from tests.world import SERIES, send_all

CLICK = {"List-Unsubscribe": "One-Click"}
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
)


async def test_one_click_ends_the_subscription_and_nothing_is_mailed(either: Place) -> None:
    ana = await either.ana()
    token = either.token(Purpose.UNSUBSCRIBE, ana)
    answer = await either.browser.post(f"/u/{token}", CLICK)
    assert (answer.status, "location" in answer.headers) == (200, False)
    assert "You have left" in answer.words
    assert (await either.again(ana)).state is State.UNSUBSCRIBED
    assert await queued(either.parts) == []


async def test_the_click_may_come_as_multipart(place: Place) -> None:
    ana = await place.ana()
    answer = await place.browser.ask(
        "POST",
        f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}",
        body=MULTIPART,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status == 200
    assert (await place.again(ana)).state is State.UNSUBSCRIBED


@pytest.mark.parametrize("foreign", [{"origin": "https://evil.example"}, {"origin": "null"}, {}])
async def test_it_asks_for_no_cookie_no_token_and_no_origin(
    place: Place, foreign: dict[str, str]
) -> None:
    ana = await place.ana()
    token = place.token(Purpose.UNSUBSCRIBE, ana)
    answer = await place.browser.post(f"/u/{token}", CLICK, sec_fetch_site="cross-site", **foreign)
    assert (answer.status, answer.headers.get("set-cookie")) == (200, None)
    assert (await place.again(ana)).state is State.UNSUBSCRIBED


async def test_a_second_click_is_as_good_as_the_first(place: Place) -> None:
    ana = await place.ana()
    path = f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}"
    first = await place.browser.post(path, CLICK)
    left = await place.again(ana)
    second = await place.browser.post(path, CLICK)
    assert (first.status, second.status) == (200, 200)
    assert (await place.again(ana)) == left


async def test_the_button_of_an_old_mail_works_for_who_was_erased(place: Place) -> None:
    ana = await place.ana()
    path = f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}"
    await place.parts.person_changes.forget(ana.address)
    answers = [await place.browser.post(path, CLICK), await place.browser.get(path)]
    assert [(one.status, "Nothing about you is kept here" in one.text) for one in answers] == [
        (200, True),
        (200, True),
    ]


async def test_a_hundred_clicks_at_once_are_one_change(place: Place) -> None:
    ana = await place.ana()
    path = f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}"
    answers = await asyncio.gather(*(place.browser.post(path, CLICK) for _ in range(100)))
    assert {one.status for one in answers} == {200}
    assert (await place.again(ana)).generation == ana.generation + 1


async def test_looking_changes_nothing_however_often(place: Place) -> None:
    ana = await place.ana()
    path = f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}"
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        for _ in range(20):
            await place.browser.ask(method, path)
    assert await place.again(ana) == ana
    assert (await place.browser.post(path, CLICK)).status == 200  # and the person's click works


async def test_what_is_no_click_changes_nothing(place: Place) -> None:
    ana = await place.ana()
    path = f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}"
    for fields in ({}, {"List-Unsubscribe": "no"}, {"a": "b"}):
        assert (await place.browser.post(path, fields)).status == 400
    as_json = {"Content-Type": "application/json"}
    body = b'{"List-Unsubscribe": "One-Click"}'
    assert (await place.browser.ask("POST", path, body=body, headers=as_json)).status == 400
    assert await place.again(ana) == ana


async def test_every_changed_letter_makes_it_no_link(place: Place) -> None:
    ana = await place.ana()
    token = place.token(Purpose.UNSUBSCRIBE, ana)
    for at in range(len(token)):
        other = "b" if token[at] == "a" else "a"
        changed = token[:at] + other + token[at + 1 :]
        assert (await place.browser.post(f"/u/{changed}", CLICK)).status == 404, changed
    assert await place.again(ana) == ana


@pytest.mark.parametrize("purpose", [Purpose.CONFIRM, Purpose.PREFERENCES, Purpose.BOUNCE])
async def test_a_link_for_something_else_is_no_link(place: Place, purpose: Purpose) -> None:
    ana = await place.ana()
    token = place.token(purpose, ana)
    assert (await place.browser.post(f"/u/{token}", CLICK)).status == 404
    assert (await place.browser.get(f"/u/{token}")).status == 404
    assert await place.again(ana) == ana


async def test_upper_case_is_the_same_link(place: Place) -> None:
    ana = await place.ana()
    token = place.token(Purpose.UNSUBSCRIBE, ana).upper()
    assert (await place.browser.post(f"/u/{token}", CLICK)).status == 200
    assert (await place.again(ana)).state is State.UNSUBSCRIBED


async def test_a_slash_behind_it_leads_nowhere(place: Place) -> None:
    ana = await place.ana()
    answer = await place.browser.post(f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}/", CLICK)
    assert (answer.status, "location" in answer.headers) == (404, False)


async def test_the_page_offers_the_way_back(place: Place) -> None:
    ana = await place.ana()
    left = await place.browser.post(f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}", CLICK)
    back = left.text.split('action="')[1].split('"')[0]
    answer = await place.browser.post(back, {"seal": left.hidden("seal")})
    assert (answer.status, "Welcome back!" in answer.words) == (200, True)
    assert (await place.again(ana)).state is State.ACTIVE


async def test_who_left_by_the_button_of_a_mail_program_finds_the_way_back_behind_the_link(
    place: Place,
) -> None:
    ana = await place.ana()
    path = f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}"
    await place.browser.post(path, CLICK)
    later = await place.browser.get(path)
    back = later.text.split('action="')[1].split('"')[0]
    assert (await place.again(ana)).state is State.UNSUBSCRIBED
    assert (await place.browser.post(back, {"seal": later.hidden("seal")})).status == 200
    assert (await place.again(ana)).state is State.ACTIVE


async def test_who_never_confirmed_is_offered_no_way_back(place: Place) -> None:
    bob = await place.bob()
    left = await place.browser.post(f"/u/{place.token(Purpose.UNSUBSCRIBE, bob)}", CLICK)
    assert (left.status, 'action="' in left.text) == (200, False)
    assert (await place.again(bob)).state is State.UNSUBSCRIBED


async def test_a_speaker_wants_no_more_with_one_click(either: Place) -> None:
    speaker = Speaker(name="Eve", address="eve@example.com")
    webinar = await either.webinar(speakers=(speaker,))
    either.clock.advance_to(webinar.starts_at - timedelta(days=1))
    await either.parts.planner.tick()
    await send_all(either.parts)
    (mail,) = mails(either.parts.config.outbound.maildir)
    link = str(mail["List-Unsubscribe"]).partition(">")[0].removeprefix("<")
    path = "/" + link.split("/", 3)[3]
    asked = await either.browser.get(path)
    assert (asked.status, "eve@example.com" in asked.words) == (200, True)
    for _ in range(2):
        answer = await either.browser.post(path, CLICK)
        assert (answer.status, "You have left" in answer.words) == (200, True)
    either.clock.advance_to(webinar.starts_at - timedelta(hours=1))
    await either.parts.planner.tick()
    assert await send_all(either.parts) == 0


async def test_a_speakers_link_is_for_one_thing_and_one_series(tmp_path: Path) -> None:
    """S12: who has no subscription is named by the mail they got."""
    url = f"sqlite:///{tmp_path / 'mailer.db'}"
    async with opened_place(config(url, tmp_path)) as place:
        webinar = await place.webinar(speakers=(Speaker(name="Eve", address="eve@example.com"),))
        place.clock.advance_to(webinar.starts_at - timedelta(days=1))
        await place.parts.planner.tick()
        (row,) = await place.parts.store.read(lambda c: c.scalars(select(outbox.c.id)))
        mint, day = place.parts.secrets.mint.mint, place.clock.now().date()
        token = {one: mint(one, subject=0, context=row, day=day) for one in Purpose}
        holds = {
            one
            for one in Purpose
            if (await place.browser.get(f"/u/{token[one]}")).status == 200
            or (await place.browser.post(f"/u/{token[one]}", {})).status != 404
        }
        assert holds == {Purpose.UNSUBSCRIBE}
    other = replace(SERIES, id="patents", address="patents@lists.example.org")
    async with opened_place(replace(config(url, tmp_path), series=(other,))) as place:
        path = f"/u/{token[Purpose.UNSUBSCRIBE]}"
        assert (await place.browser.get(path)).status == 404
        assert (await place.browser.post(path, CLICK)).status == 404


async def test_a_token_of_nobody_leads_nowhere(place: Place) -> None:
    mint, day = place.parts.secrets.mint, place.clock.now().date()
    for row in (0, 77):
        token = mint.mint(Purpose.UNSUBSCRIBE, subject=0, context=row, day=day)
        assert (await place.browser.post(f"/u/{token}", CLICK)).status == 404
