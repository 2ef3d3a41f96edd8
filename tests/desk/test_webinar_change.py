"""Changing the programme by its forms: tried first, stored by a second button, signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mailer.config.model import Config, Slots
from mailer.message.facts import Link, Speaker
from mailer.store import page_deed, programme
from mailer.store.webinar import WebinarRecord
from scheduler.model import Status
from tests.desk.filling import filled
from tests.desk.place import ADA, EVE, OURS, THEIRS, Desktop, Place, config, opened_place
from tests.peers.browser import Answer
from tests.world import (
    ANA,
    revise,
    scheduled,
    send_all,
    subscribed,
)

THERE = "/admin/copyright/programme"
SOON = datetime(2026, 10, 11, 13)  # noqa: DTZ001 - on the clock of the series
FIRST_SLOT = datetime(2026, 10, 7, 13)  # noqa: DTZ001


async def stored(place: Place, slug: str = "iscc") -> WebinarRecord:
    found = await place.parts.store.read(lambda c: programme.find(c, "copyright", slug))
    assert found is not None
    return found


def standing(page: Answer) -> dict[str, str]:
    """What a browser would send of the page's form as it stands."""
    return filled(page, f"{THERE}/")


async def tried(ada: Desktop, kind: str, **more: str) -> Answer:
    """Load a form, fill some of it in, and press the button that tries."""
    page = await ada.get(f"{THERE}/1/{kind}")
    return await ada.post(f"{THERE}/1/{kind}", {**standing(page), "do": "try", **more})


async def pressed(ada: Desktop, effect: Answer, kind: str, do: str = "store") -> Answer:
    """Press a button of the page that shows the effect."""
    return await ada.post(f"{THERE}/1/{kind}", {**standing(effect), "do": do})


async def test_a_move_is_shown_before_it_is_stored_and_told_after_the_window(
    either: Place,
) -> None:
    place = either
    webinar = await scheduled(place.parts, SOON, "iscc", registration_url="")
    await subscribed(place.parts, ANA, since=place.clock.now() - timedelta(days=1))
    await place.parts.planner.tick()
    await send_all(place.parts)
    ada = await place.signed_in()

    effect = await tried(ada, "move", starts="2026-10-12T13:00")
    assert effect.status == 200
    assert "Start Sunday, 11 October 2026, 13:00 Zurich time" in effect.words
    assert "→ Monday, 12 October 2026, 13:00 Zurich time" in effect.words
    assert "Update , Thursday, 1 October 2026, 14:15 Zurich time" in effect.words
    assert "To 1 person: those who were told otherwise." in effect.words
    assert await stored(place) == webinar

    answer = await pressed(ada, effect, "move")
    assert (answer.status, answer.headers["location"]) == (303, f"{THERE}/1?done=move")
    assert (await stored(place)).wall_start == datetime(2026, 10, 12, 13)  # noqa: DTZ001
    page = await ada.get(answer.headers["location"])
    assert "Who was told otherwise gets an update on Thursday, 1 October 2026, 14:15" in page.words
    about = page_deed.webinar(webinar.id)
    deeds = await place.parts.store.read(
        lambda c: page_deed.latest(c, "copyright", about=about, limit=9)
    )
    assert [(one.who, one.act, one.detail) for one in deeds] == [
        (ADA.mailbox, "move", "revision 1")
    ]


async def test_an_edit_keeps_what_another_organiser_changed_meanwhile(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    page = await ada.get(f"{THERE}/1/edit")
    record = await stored(place)
    other = replace(record.content, abstract="Words of another organiser.")
    await place.parts.store.write(lambda c: revise(c, record, content=other, now=place.clock.now()))

    sent = {**standing(page), "abstract": "Words of another organiser.", "title": "A new title"}
    effect = await ada.post(f"{THERE}/1/edit", {**sent, "do": "store"})
    assert effect.status == 200  # asked once more, for it was shown another one
    assert "Somebody else changed this webinar in the meantime" in effect.words
    assert (await stored(place)).title == "CAPASSO"
    assert (await pressed(ada, effect, "edit")).status == 303
    found = await stored(place)
    assert (found.title, found.abstract) == ("A new title", "Words of another organiser.")


async def test_what_was_typed_is_kept_and_each_fault_is_told(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    page = await tried(ada, "edit", title="", abstract="Kept.", join_url="javascript:alert(1)")
    assert page.status == 422
    assert "Please give a title of one line" in page.words
    assert "Please give an address that begins with https:// or http://." in page.words
    assert page.text.count('aria-invalid="true"') == 2
    assert "Kept.</textarea>" in page.text
    assert 'value="javascript:alert(1)"' in page.text
    assert (await stored(place)).revision == 0


async def test_hosts_are_checked_shown_and_stored_as_speakers_are(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    given = {"hosts_1_name": "Bo Example", "hosts_1_address": "nobody"}
    refused = await tried(ada, "edit", **given)
    assert refused.status == 422
    assert "Please give a mail address such as name@example.org." in refused.words
    assert 'value="Bo Example"' in refused.text

    effect = await tried(ada, "edit", **given | {"hosts_1_address": "bo@example.org"})
    assert "Hosts nothing → Bo Example <bo@example.org>" in effect.words
    assert (await pressed(ada, effect, "edit")).status == 303
    bo = Speaker(name="Bo Example", address="bo@example.org")
    assert (await stored(place)).hosts == (bo,)
    page = await ada.get(f"{THERE}/1/edit")
    assert standing(page)["hosts_1_address"] == "bo@example.org"


async def test_the_way_back_from_the_effect_keeps_what_was_typed(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    effect = await tried(ada, "edit", title="Another <b>title</b>")
    page = await pressed(ada, effect, "edit", do="back")
    assert page.status == 200
    assert 'value="Another &lt;b&gt;title&lt;/b&gt;"' in page.text


async def test_more_rows_come_with_a_button_and_nothing_is_lost(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    page = await tried(ada, "edit", title="Typed", speakers_1_name="Ada", do="rows")
    assert (page.status, "Speaker 6" in page.words, "Speaker 7" in page.words) == (200, True, False)
    assert 'value="Typed"' in page.text


async def test_nothing_different_is_said_and_makes_no_revision(place: Place) -> None:
    await place.webinar()
    page = await tried(await place.signed_in(), "edit")
    assert page.status == 422
    assert "Nothing is different from what is stored." in page.words
    assert (await stored(place)).revision == 0


async def test_a_slip_into_the_past_has_to_be_meant(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    page = await tried(ada, "move", starts="2025-11-25T13:00", do="store")
    assert page.status == 422
    assert "This lies in the past." in page.words
    meant = {**standing(page), "past": "yes", "do": "store"}
    assert (await ada.post(f"{THERE}/1/move", meant)).status == 303
    assert (await stored(place)).wall_start.year == 2025


async def test_a_cosmetic_edit_is_told_only_when_asked(place: Place) -> None:
    await scheduled(place.parts, SOON, "iscc", registration_url="")
    await subscribed(place.parts, ANA, since=place.clock.now() - timedelta(days=1))
    await place.parts.planner.tick()
    await send_all(place.parts)
    ada = await place.signed_in()
    quiet = await tried(ada, "edit", abstract="Other words.")
    assert "Update" not in quiet.words
    asked = await tried(ada, "edit", abstract="Other words.", notify="yes")
    assert "Update" in asked.words


async def test_a_webinar_is_cancelled_with_a_reason_and_revived(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    effect = await tried(ada, "cancel", reason="The speaker is ill.")
    assert "Status Scheduled → Cancelled" in effect.words
    assert (await pressed(ada, effect, "cancel")).status == 303
    found = await stored(place)
    assert (found.status, found.reason) == (Status.CANCELLED, "The speaker is ill.")
    page = await ada.get(f"{THERE}/1")
    assert "Reason: The speaker is ill." in page.words

    effect = await ada.get(f"{THERE}/1/publish")
    assert "Status Cancelled → Scheduled" in effect.words
    assert (await stored(place)).status is Status.CANCELLED
    assert (await pressed(ada, effect, "publish")).status == 303
    assert (await stored(place)).status is Status.SCHEDULED


async def test_what_is_over_is_not_revived(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    await pressed(ada, await tried(ada, "cancel"), "cancel")
    place.clock.advance_to(place.clock.now() + timedelta(days=5))
    ada = await place.signed_in()
    await tried(ada, "move", starts="2026-10-02T13:00")
    page = await tried(ada, "move", starts="2026-10-02T13:00", past="yes")
    await pressed(ada, page, "move")
    page = await ada.get(f"{THERE}/1/publish")
    assert "This cannot be done as things stand: iscc would be over: move it first" in page.words
    assert 'value="store"' not in page.text


async def test_materials_are_put_and_replaced(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    slides = {"materials_1_title": "Slides", "materials_1_url": "https://example.org/slides.pdf"}
    assert (await pressed(ada, await tried(ada, "materials", **slides), "materials")).status == 303
    found = await stored(place)
    assert found.materials == (Link(title="Slides", url="https://example.org/slides.pdf"),)
    gone = {"materials_1_title": "", "materials_1_url": ""}
    assert (await pressed(ada, await tried(ada, "materials", **gone), "materials")).status == 303
    assert (await stored(place)).materials == ()


def with_slots(folder: Path) -> Config:
    slots = Slots(
        rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", start=FIRST_SLOT, duration=timedelta(hours=1)
    )
    return config(
        f"sqlite:///{folder / 'mailer.db'}", folder, series=(replace(OURS, slots=slots), THEIRS)
    )


async def test_a_new_webinar_is_proposed_at_the_next_free_slot(tmp_path: Path) -> None:
    async with opened_place(with_slots(tmp_path)) as place:
        await scheduled(place.parts, FIRST_SLOT, "taken")
        ada = await place.signed_in()
        page = await ada.get(f"{THERE}/new")
        assert 'value="2026-10-21T13:00"' in page.text
        picked = await ada.get(f"{THERE}/new?start=2026-11-04T13:00")
        assert 'value="2026-11-04T13:00"' in picked.text
        effect = await ada.post(
            f"{THERE}/new",
            {**standing(page), "title": "Matching", "draft": "yes", "do": "try"},
        )
        assert "Nobody: it is a draft." in effect.words
        answer = await ada.post(f"{THERE}/new", {**standing(effect), "do": "store"})
        assert answer.headers["location"] == f"{THERE}/2?done=new"
        found = await stored(place, "matching")
        assert (found.status, found.wall_start) == (
            Status.DRAFT,
            datetime(2026, 10, 21, 13),  # noqa: DTZ001
        )


async def test_a_taken_id_is_told_at_its_field(place: Place) -> None:
    await place.webinar()
    ada = await place.signed_in()
    page = await ada.get(f"{THERE}/new")
    new = {"title": "Matching", "starts": "2026-12-09T13:00", "duration": "1h", "id": "iscc"}
    answer = await ada.post(f"{THERE}/new", {**standing(page), **new, "do": "try"})
    assert (answer.status, 'id="id-wrong"' in answer.text) == (422, True)


@pytest.mark.parametrize("kind", ["edit", "move", "cancel", "publish", "materials"])
async def test_a_form_without_its_token_does_nothing(place: Place, kind: str) -> None:
    """S10: nor with the token of another form, or of another organiser."""
    record = await place.webinar()
    if kind == "publish":
        cancelled = Status.CANCELLED
        await place.parts.store.write(
            lambda c: revise(c, record, status=cancelled, now=place.clock.now())
        )
    before = await stored(place)
    ada = await place.signed_in()
    fields = {
        "starts": "2026-12-02T13:00",
        "duration": "1h",
        "revision": str(before.revision),
        "do": "store",
    }
    other = standing(await ada.get(f"{THERE}/1/{'move' if kind != 'move' else 'edit'}"))
    eve = standing(await (await place.signed_in(EVE)).get(f"{THERE}/1/{kind}"))
    for seal in ("", other["seal"], eve["seal"]):
        answer = await ada.post(f"{THERE}/1/{kind}", {**fields, "seal": seal})
        assert answer.status == 403
    assert await stored(place) == before


async def test_another_series_has_none_of_these_pages(place: Place) -> None:
    """S12: by number or by series, what is not theirs is not there."""
    await place.webinar()
    ada = await place.signed_in()
    paths = ["/1", "/1/edit", "/1/publish", "/1/registrations.csv", "/new", "/import", ""]
    for path in paths:
        assert (await ada.get(f"/admin/patents/programme{path}")).status == 404, path
    for path in ("/2", "/2/edit", "/1/new", "/1/other", f"/{2**70}"):
        assert (await ada.get(f"{THERE}{path}")).status == 404, path
