"""The list of people: found by state, or by a part of address or name, and exported."""

from __future__ import annotations

import pytest

from mailer.message.address import Address
from mailer.store import people
from tests.desk.place import Place
from tests.world import ANA, BOB, subscribed

THERE = "/admin/copyright/people"


def address(number: int) -> Address:
    text = f"person{number}@example.org"
    return Address(key=text, mailbox=text)


async def test_people_are_found_by_state_and_by_a_part_of_their_address(either: Place) -> None:
    place = either
    await subscribed(place.parts, ANA)
    await place.parts.store.write(
        lambda c: people.ask(
            c, series_id="copyright", address=BOB, language=None, now=place.clock.now()
        )
    )
    ada = await place.signed_in()
    page = await ada.get(THERE)
    assert "Everybody 2 Asked to confirm 1 Subscribed 1 Left 0" in page.words
    assert page.words.index("Bob@example.com") < page.words.index("ana@example.net")
    for query, found in {
        "?state=pending": ["Bob@example.com"],
        "?state=active": ["ana@example.net"],
        "?q=BOB@EX": ["Bob@example.com"],
        "?q=example": ["Bob@example.com", "ana@example.net"],
        "?q=example&state=active": ["ana@example.net"],
        "?q=%25": [],
        "?q=nobody": [],
    }.items():
        words = (await ada.get(f"{THERE}{query}")).words
        listed = [one for one in ("Bob@example.com", "ana@example.net") if one in words]
        assert listed == found, query


async def test_there_are_fifty_on_a_page_and_the_question_goes_along(place: Place) -> None:
    for number in range(52):
        await subscribed(place.parts, address(number))
    ada = await place.signed_in()
    first = await ada.get(f"{THERE}?q=person")
    assert "1 – 50 of 52" in first.words
    assert 'rel="next" href="?page=2&amp;q=person"' in first.text
    second = await ada.get(f"{THERE}?q=person&page=2")
    assert ("51 – 52 of 52" in second.words, "person0@example.org" in second.words) == (True, True)


@pytest.mark.parametrize("query", ["?page=2", "?page=x", "?state=gone"])
async def test_what_is_no_page_is_not_there(place: Place, query: str) -> None:
    assert (await (await place.signed_in()).get(f"{THERE}{query}")).status == 404


async def test_people_of_another_series_are_not_among_them(place: Place) -> None:
    """S12."""
    await subscribed(place.parts, ANA)
    await place.parts.store.write(
        lambda c: people.ask(
            c, series_id="patents", address=BOB, language=None, now=place.clock.now()
        )
    )
    ada = await place.signed_in()
    page = await ada.get(f"{THERE}?q=example")
    assert ("Everybody 1" in page.words, "Bob" in page.words) == (True, False)
    assert "Bob" not in (await ada.get(f"{THERE}/export.csv?state=")).text
    for path in ("", "/export.csv", "/add", "/import", "/import/1", "/1"):
        assert (await ada.get(f"/admin/patents/people{path}")).status == 404, path


async def test_an_export_is_a_safe_spreadsheet(either: Place) -> None:
    """S19: what could be a formula is none."""
    place = either
    formula = Address(key="=1+1@example.org", mailbox="=1+1@example.org")
    await subscribed(place.parts, ANA)
    await subscribed(place.parts, formula)
    answer = await (await place.signed_in()).get(f"{THERE}/export.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="copyright-active.csv"'
    assert answer.text.splitlines() == [
        '"address","name","language","timezone"',
        '"ana@example.net","","",""',
        '"\'=1+1@example.org","","",""',
    ]
