"""A programme file: tried before it is stored, all or nothing, and again is harmless."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from mailer.store import journal, page_deed, programme
from tests.desk.filling import filled
from tests.desk.place import COOKIE, OURS, THEIRS, Desktop, Place, config, opened_place
from tests.peers.browser import Answer

THERE = "/admin/copyright/programme"
IMPORT = f"{THERE}/import"
SEASON = """[[webinar]]
id = "iscc"
title = "The Code"
starts = 2026-12-02T13:00:00
duration = "1h"

[[webinar]]
id = "scale"
title = "Matching at scale"
starts = 2026-12-16T13:00:00
duration = "1h"
"""


async def upload(ada: Desktop, content: str, *, name: str = "season.toml") -> Answer:
    seal = filled(await ada.get(IMPORT), IMPORT)["seal"]
    return await ada.upload(IMPORT, {"seal": seal}, name=name, content=content.encode())


async def slugs(place: Place) -> list[str]:
    found = await place.parts.store.read(lambda c: programme.listing(c, series_id="copyright"))
    return [one.slug for one in found]


async def test_a_file_is_shown_row_by_row_and_stored_by_a_second_button(either: Place) -> None:
    place = either
    await place.webinar(title="The Code")
    ada = await place.signed_in()
    page = await upload(ada, SEASON)
    assert page.status == 200
    assert "season.toml New 1 Changed 1 As stored 0" in page.words
    assert "Start Wednesday, 25 November 2026, 13:00 Zurich time → Wednesday, 2 December" in (
        page.words
    )
    assert await slugs(place) == ["iscc"]

    sent = filled(page, f"{IMPORT}/")
    action = f"{IMPORT}/1"
    answer = await ada.post(action, sent)
    assert (answer.status, answer.headers["location"]) == (303, f"{THERE}?done=imported")
    assert await slugs(place) == ["iscc", "scale"]
    (deed,) = await place.parts.store.read(lambda c: page_deed.latest(c, "copyright", limit=9))
    assert (deed.who, deed.act, deed.detail) == ("ada@example.org", "import", "2 webinars")

    again = await upload(ada, SEASON)
    assert "New 0 Changed 0 As stored 2" in again.words
    assert "Store it" not in again.words


async def test_every_fault_is_told_and_nothing_is_stored(place: Place) -> None:
    ada = await place.signed_in()
    broken = SEASON.replace("2026-12-02T13:00:00", '"soon"').replace('"Matching at scale"', '""')
    page = await upload(ada, broken)
    assert page.status == 422
    assert "line 4, starts: found 'soon'" in page.words
    assert "line 9, title: found nothing" in page.words
    assert await slugs(place) == []
    page = await upload(ada, SEASON, name="season.exe")
    assert (page.status, "file name: found 'season.exe'" in page.words) == (422, True)
    assert (await upload(ada, "")).status == 422


async def test_a_file_that_was_not_looked_at_is_not_stored(place: Place) -> None:
    """The token names the file; what is kept is gone after an hour."""
    ada = await place.signed_in()
    page = await upload(ada, SEASON)
    sent = filled(page, f"{IMPORT}/")
    assert (await ada.post(f"{IMPORT}/2", sent)).status == 403
    eve = await place.signed_in()
    assert (await eve.post(f"{IMPORT}/1", sent)).status == 403
    assert await slugs(place) == []
    place.clock.advance_to(place.clock.now() + timedelta(hours=2))
    now = place.clock.now()
    await place.parts.store.write(lambda c: journal.sweep(c, before=now, now=now))
    assert (await ada.post(f"{IMPORT}/1", sent)).status == 404


async def test_a_file_is_stored_in_the_series_that_it_was_looked_at_for(tmp_path: Path) -> None:
    """S12: what is kept names no series, so the form's token has to."""
    both = (OURS, replace(THEIRS, organisers=OURS.organisers))
    settings = config(f"sqlite:///{tmp_path}/mailer.db", tmp_path, series=both)
    async with opened_place(settings) as place:
        ada = await place.signed_in()
        sent = filled(await upload(ada, SEASON), f"{IMPORT}/")
        elsewhere = f"{IMPORT}/1".replace("copyright", "patents")
        assert (await ada.post(elsewhere, sent)).status == 403
        assert await place.parts.store.read(programme.listing) == ()
        assert (await ada.post(f"{IMPORT}/1", sent)).status == 303
        assert await slugs(place) == ["iscc", "scale"]


async def test_what_is_too_large_is_refused(place: Place) -> None:
    """The bound of this page is its own; other pages keep theirs."""
    ada = await place.signed_in()
    seal = filled(await ada.get(IMPORT), IMPORT)["seal"]
    answer = await place.browser.ask(
        "POST",
        IMPORT,
        body=f"seal={seal}".encode(),
        headers={
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": "5500001",
            "Cookie": f"{COOKIE}={ada.secret}",
        },
    )
    assert answer.status == 413
    answer = await place.browser.post("/copyright/subscribe", {"address": "x" * 20_000})
    assert answer.status == 413
