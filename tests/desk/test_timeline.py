"""The timeline: what goes out when and to whom, and the switch for all of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailer.desk import entries
from mailer.message.address import parse_address
from mailer.store import page_deed, registration, setting
from mailer.store.registration import State as Choice
from mailer.store.schema import announcement, outbox
from tests.desk.place import EVE, Desktop, Place
from tests.desk.writing import write
from tests.world import ANA, BOB, send_all, subscribed

HERE = "/admin/copyright"


async def reader(place: Place, number: int) -> None:
    """Somebody who is subscribed."""
    address = parse_address(f"r{number}@example.net")
    assert address is not None
    await subscribed(place.parts, address)


async def stopped(place: Place) -> bool:
    """Whether all sending is halted."""
    value = await place.parts.store.read(lambda c: setting.get(c, setting.STOPPED))
    return value is not None


async def planned(place: Place) -> list[int]:
    """The ids of what is planned, by when it is due."""
    rows = await place.parts.store.read(
        lambda c: c.execute(
            select(announcement.c.id)
            .where(announcement.c.state == "planned")
            .order_by(announcement.c.due_at)
        )
    )
    return [row.id for row in rows]


async def test_everything_that_goes_out_is_there_in_its_order(either: Place) -> None:
    await subscribed(either.parts, ANA)
    await either.webinar(title="The Content Code")
    await write(either, "What comes next", at="2026-11-20T09:00", queue=True)
    await either.parts.planner.tick()
    page = await (await either.signed_in()).get(HERE)
    told = page.words
    wanted = [
        "The Content Code Planned Wednesday, 11 November 2026, 09:00 Zurich time in 6 weeks"
        " Announcement · one subscriber",
        "What comes next Planned Friday, 20 November 2026, 09:00 Zurich time in 7 weeks"
        " Message · one subscriber",
        "The Content Code Planned Tuesday, 24 November 2026, 13:00 Zurich time in 8 weeks"
        " Reminder · one subscriber",
        "The Content Code Planned Wednesday, 25 November 2026, 12:00 Zurich time in 8 weeks"
        " Reminder · 0 people who are registered",
    ]
    places = [told.index(line) for line in wanted]
    assert places == sorted(places)
    assert "refresh" not in page.headers


async def test_the_countdown_runs(place: Place) -> None:
    await write(place, at="2026-10-03T09:00", queue=True)
    said = []
    for span in (timedelta(), timedelta(hours=40, minutes=30), timedelta(hours=2)):
        place.later(span)
        page = await (await place.signed_in()).get(HERE)
        said.append(page.words.partition("Zurich time ")[2].partition(" Message")[0])
    assert said == ["in 43 hours", "in 150 minutes", "in 30 minutes"]


async def test_a_long_plan_comes_page_by_page(place: Place) -> None:
    for number in range(12):
        await write(place, f"Text {number}", at=f"2026-10-{number + 10}T09:00")
    desktop = await place.signed_in()
    first, second = await desktop.get(HERE), await desktop.get(f"{HERE}?page=2")
    assert ("1 – 10 of 12" in first.words, "11 – 12 of 12" in second.words) == (True, True)
    assert "Text 11" not in first.words
    assert "Text 11" in second.words
    found = [(await desktop.get(f"{HERE}?page={one}")).status for one in ("3", "0", "x", "-1")]
    assert found == [404, 404, 404, 404]


async def test_what_is_under_way_is_followed(place: Place) -> None:
    """Live progress by a header, which can be turned off (WCAG 2.2.2)."""
    for number in range(4):
        await reader(place, number)
    item = await write(place, "Under way", queue=True)
    await place.parts.planner.tick()
    await place.parts.store.write(
        lambda c: c.execute(
            update(outbox)
            .where(outbox.c.recipient_key.in_(["r0@example.net", "r1@example.net"]))
            .values(state="sent")
        )
    )
    desktop = await place.signed_in()
    one = f"{HERE}/announcements/{item.id}"
    for path, seconds in ((HERE, "10"), (one, "5")):
        page = await desktop.get(path)
        assert page.headers["refresh"] == seconds
        assert "2 of 4 sent" in page.words
        still = await desktop.get(f"{path}?still")
        assert ("refresh" in still.headers, "2 of 4 sent" in still.words) == (False, True)
    assert "Going out now Under way" in (await desktop.get(HERE)).words
    await send_all(place.parts)
    for path in (HERE, one):
        page = await desktop.get(path)
        assert ("refresh" in page.headers, "4 of 4 sent" in page.words) == (False, True)


async def test_what_is_due_is_followed_before_it_is_let_go(place: Place) -> None:
    """Who has just approved sees it begin."""
    item = await write(place, "About to go", queue=True)
    desktop = await place.signed_in()
    for path, seconds in ((HERE, "10"), (f"{HERE}/announcements/{item.id}", "5")):
        assert (await desktop.get(path)).headers["refresh"] == seconds


async def act(desktop: Desktop, number: int, do: str) -> str:
    """Press a button on the timeline; what the next page says of it."""
    path = f"{HERE}/announcements/{number}"
    answer = await desktop.post(path, {"seal": (await desktop.get(HERE)).seal(path), "do": do})
    assert answer.status == 303
    return answer.headers["location"].partition("done=")[2]


async def test_a_mailing_is_paused_goes_on_and_is_cancelled(either: Place) -> None:
    await subscribed(either.parts, ANA)
    await either.webinar()
    await either.parts.planner.tick()
    number, *others = await planned(either)
    desktop = await either.signed_in(EVE)
    assert await act(desktop, number, "pause") == "paused"
    assert await planned(either) == others
    assert "Paused" in (await desktop.get(HERE)).words
    assert await act(desktop, number, "resume") == "resumed"
    assert await planned(either) == [number, *others]
    assert await act(desktop, number, "cancel") == "cancelled"
    await either.parts.planner.tick()  # the rules do not bring it back
    assert await planned(either) == others
    page = await desktop.get(f"{HERE}/announcements/{number}")
    deeds = page.words.partition("Who did what")[2]
    assert re.findall(r"Eve@example.org , (\w+ it(?: go on)?)", deeds) == [
        "paused it",
        "let it go on",
        "cancelled it",
    ]


async def test_what_cannot_be_done_any_more_is_told(place: Place) -> None:
    await subscribed(place.parts, ANA)
    item = await write(place, queue=True)
    desktop = await place.signed_in()
    path = f"{HERE}/announcements/{item.id}"
    seal = (await desktop.get(HERE)).seal(path)
    await place.parts.planner.tick()
    await send_all(place.parts)
    for do in ("pause", "resume", "cancel"):
        answer = await desktop.post(path, {"seal": seal, "do": do})
        assert answer.headers["location"] == f"{path}?done=refused"
    page = await desktop.get(f"{path}?done=refused")
    assert "cannot be done any more" in page.words
    assert (await desktop.post(path, {"seal": seal, "do": "burn"})).status == 400


async def test_all_sending_is_stopped_and_let_go_on(either: Place) -> None:
    await subscribed(either.parts, ANA)
    await write(either, queue=True)
    await either.parts.planner.tick()
    desktop = await either.signed_in(EVE)
    answer = await desktop.press(HERE, HERE, {"do": "stop"})
    assert (answer.status, answer.headers["location"]) == (303, f"{HERE}?done=stopped")
    assert await stopped(either)
    assert "All sending is stopped" in (await desktop.get(HERE)).words
    answer = await desktop.press(HERE, HERE, {"do": "go"})
    assert answer.headers["location"] == f"{HERE}?done=going"
    assert not await stopped(either)
    noted = await either.parts.store.read(lambda c: page_deed.latest(c, "copyright", limit=5))
    assert [(one.who, one.act) for one in noted] == [
        ("Eve@example.org", "sending going"),
        ("Eve@example.org", "sending stopped"),
    ]
    assert (await desktop.press(HERE, HERE, {"do": "burn"})).status == 400


async def test_nothing_planned_says_what_to_do(place: Place) -> None:
    page = await (await place.signed_in()).get(HERE)
    assert "Nothing is planned. Add webinars" in page.words


async def test_of_a_large_series_a_list_says_roughly_how_many(
    either: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own page counts to the person all the same."""
    monkeypatch.setattr(entries, "COUNTED", 1)
    ana = await subscribed(either.parts, ANA)
    await subscribed(either.parts, BOB)
    record = await either.webinar(title="The Content Code")
    now = either.clock.now()
    await either.parts.store.write(
        lambda c: registration.choose(c, ana.subscriber_id, record.id, Choice.REGISTERED, now=now)
    )
    gone = await write(either, "Gone out", queue=True)
    await either.parts.planner.tick()
    desktop = await either.signed_in()
    told = (await desktop.get(HERE)).words
    assert told.count("≈ 2 subscribers") == 2
    assert "≈ one person who is registered" in told
    assert "Message · 2 subscribers" in told  # that is known
    (number, *_) = await planned(either)
    assert "To 2 subscribers" in (await desktop.get(f"{HERE}/announcements/{number}")).words
    assert "To 2 subscribers" in (await desktop.get(f"{HERE}/announcements/{gone.id}")).words
