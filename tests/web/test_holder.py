"""A link is for one purpose, one person and one series: each token at each other page (S12)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailer.message.address import Purpose
from mailer.store import programme
from mailer.store.people import Subscription
from mailer.store.webinar import WebinarRecord
from tests.dump import dump
from tests.web.place import WEDNESDAY, Place, config, opened_place
from tests.world import SERIES, content

PAGES = {
    "c": Purpose.CONFIRM,
    "u": Purpose.UNSUBSCRIBE,
    "p": Purpose.PREFERENCES,
    "r": Purpose.REGISTER,
    "j": Purpose.JOIN,
}
OTHER = replace(SERIES, id="patents", title="Patents", address="patents@lists.example.org")
CLICK = {"List-Unsubscribe": "One-Click"}


async def is_no_link(place: Place, path: str, *secrets: str) -> None:
    """Looking and clicking: the answer is that of any link that does not hold."""
    for answer in (await place.browser.get(path), await place.browser.post(path, CLICK)):
        assert answer.status == 404, path
        assert not any(one in answer.text for one in secrets), path


def every_token(
    place: Place, one: Subscription, webinar: WebinarRecord, but: Purpose
) -> list[tuple[Purpose, str]]:
    """A token of every other purpose, naming the same rows in every way there is to."""
    mint, day = place.parts.secrets.mint.mint, place.clock.now().date()
    return [
        (purpose, mint(purpose, subject=one.id, context=context, day=day))
        for purpose in Purpose
        if purpose is not but
        for context in {0, webinar.id, one.generation}
    ]


@pytest.mark.parametrize("page", PAGES)
async def test_a_token_for_anything_else_is_no_link(place: Place, page: str) -> None:
    ana, bob, webinar = await place.ana(), await place.bob(), await place.webinar()
    before = await dump(place.parts)
    for one in (ana, bob):
        for _, token in every_token(place, one, webinar, PAGES[page]):
            await is_no_link(place, f"/{page}/{token}", one.address.mailbox, "Content Code")
    assert await dump(place.parts) == before


@pytest.mark.parametrize("page", PAGES)
async def test_what_was_never_made_here_is_no_link(place: Place, page: str) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    token = place.token(PAGES[page], ana, webinar)
    changed = [
        token[:at] + ("b" if token[at] == "a" else "a") + token[at + 1 :] for at in range(26)
    ]
    for one in (*changed, token[:-1], f"{token}a", "x", "a" * 26, "%00", "..", "%2e%2e"):
        await is_no_link(place, f"/{page}/{one}", ana.address.mailbox)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "u"])  # see test_leaving.py
async def test_a_person_who_is_not_there_has_no_link(place: Place, page: str) -> None:
    ana, webinar = await place.ana(), await place.webinar()
    mint, day = place.parts.secrets.mint.mint, place.clock.now().date()
    for subject in (0, ana.id + 1, 2**48 - 1):
        token = mint(PAGES[page], subject=subject, context=webinar.id, day=day)
        await is_no_link(place, f"/{page}/{token}")


@pytest.mark.parametrize("page", ["r", "j"])
async def test_a_link_to_a_webinar_of_another_series_leads_nowhere(
    tmp_path: Path, page: str
) -> None:
    """Whose token names a webinar that is none of their series'."""
    settings = replace(config(f"sqlite:///{tmp_path}/m.db", tmp_path), series=(SERIES, OTHER))
    async with opened_place(settings) as place:
        ana, own = await place.ana(), await place.webinar()
        theirs = await place.parts.store.write(
            lambda c: programme.add(
                c,
                series_id=OTHER.id,
                slug="theirs",
                content=content(WEDNESDAY, "theirs", registration_url=""),
                draft=False,
                now=place.clock.now(),
            )
        )
        before = await dump(place.parts)
        for context in (theirs.id, 0, 2**32 - 1):
            token = place.parts.secrets.mint.mint(
                PAGES[page], subject=ana.id, context=context, day=place.clock.now().date()
            )
            await is_no_link(place, f"/{page}/{token}", "theirs")
        assert await dump(place.parts) == before
        holds = place.token(PAGES[page], ana, own)
        assert (await place.browser.get(f"/{page}/{holds}")).status == 200


@pytest.mark.parametrize("page", PAGES)
async def test_a_link_of_a_series_that_is_gone_leads_nowhere(tmp_path: Path, page: str) -> None:
    """One that the configuration does not name any more."""
    url = f"sqlite:///{tmp_path}/m.db"
    async with opened_place(config(url, tmp_path)) as place:
        ana, bob, webinar = await place.ana(), await place.bob(), await place.webinar()
        token = place.token(PAGES[page], bob if page == "c" else ana, webinar)
        assert (await place.browser.get(f"/{page}/{token}")).status == 200
    async with opened_place(replace(config(url, tmp_path), series=(OTHER,))) as place:
        before = await dump(place.parts)
        await is_no_link(place, f"/{page}/{token}", ana.address.mailbox)
        assert await dump(place.parts) == before
