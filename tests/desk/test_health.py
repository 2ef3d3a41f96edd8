"""Health: whether mail leaves, in one sentence, with what keeps it and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Browser

from mailer.config.model import Outbound, Security, TransportKind
from mailer.message.bounce_brake import LEAST
from mailer.store import examination, node, page_deed, setting, trouble, wave
from mailer.store.engine import Connection
from mailer.store.trouble import Trouble
from mailer.store.wave import Wave
from scheduler.pace import WarmUp
from tests.desk.looking import looked_at, sign_in
from tests.desk.place import Place, config, opened_place
from tests.desk.season import season
from tests.world import NOON, subscribed

HEALTH = "/admin/copyright/health"
AWAY = Trouble(since=NOON, phase="connect", code=None, cause="refused <here>", alarm=False)


async def lives(place: Place) -> None:
    """A daemon gives a sign of life."""
    await place.parts.store.write(lambda c: node.arrive(c, "a", now=place.clock.now()))


async def wave_held(place: Place) -> None:
    """A domain of which suddenly all comes back."""
    now = place.clock.now()
    held = Wave(domain="example.net", people=9, counted_at=now, since=now)

    async def unit(connection: Connection) -> None:
        for _ in range(LEAST):
            await wave.count(connection, "example.net", now=now)
        await wave.put(connection, held)

    await place.parts.store.write(unit)


async def state(place: Place) -> str:
    ada = await place.signed_in()
    return (await ada.get(HEALTH)).words


async def test_without_a_daemon_nothing_leaves(place: Place) -> None:
    assert "No daemon has given a sign of life for a minute" in await state(place)


async def test_each_state_is_said_the_heaviest_first(either: Place) -> None:
    store = either.parts.store
    await lives(either)
    assert "Mail leaves." in await state(either)
    await store.write(lambda c: setting.put(c, setting.HELD, "first.run"))
    assert "mail to many waits until the first set-up" in await state(either)
    await store.write(lambda c: trouble.put(c, "a", AWAY))
    said = await state(either)
    assert "the mail server is away" in said
    assert "at connect, the mail server said: refused <here>" in said
    await store.write(lambda c: trouble.put(c, "a", replace(AWAY, alarm=True, code=535)))
    said = await state(either)
    assert "waiting will not help" in said
    assert "said: 535 refused <here>" in said
    await store.write(lambda c: setting.put(c, setting.STOPPED, "yes"))
    assert "All sending is stopped by hand." in await state(either)


async def test_what_waits_and_what_was_done_last(place: Place) -> None:
    await lives(place)
    await season(place.parts)
    said = await state(place)
    assert "Queued 0 Put off 0 Under way 0 In doubt 0 Sent 46 Refused 3" in said
    assert "No mail to many that is due waits." in said
    assert "It last took a mail Thursday, 24 September 2026" in said


async def test_the_way_out_and_its_pace(tmp_path: Path) -> None:
    outbound = Outbound(
        transport=TransportKind.SMTP,
        host="smtp.example.org",
        port=587,
        security=Security.STARTTLS,
        username="ana",
        password="open sesame",
        messages_per_second=2.5,
        domains={"example.net": 0.5, "*": 10.0, "example.com": 0.0},
        warm_up=WarmUp(start=datetime(2026, 10, 1, tzinfo=UTC)),
    )
    settings = config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, outbound=outbound)
    async with opened_place(settings) as place:
        said = await state(place)
    assert "Mail leaves by smtp.example.org:587" in said
    assert "Security STARTTLS, signed in" in said
    assert "Pace 2.5 mails a second" in said
    assert "To each other domain 600 mails a minute" in said
    assert "To example.net 30 mails a minute" in said
    assert "example.com" not in said
    assert "Warm-up, today 0 of 500 mails" in said
    assert "sesame" not in said


async def test_an_examination_is_kept_for_everybody(place: Place) -> None:
    ada = await place.signed_in()
    answer = await ada.press(HEALTH, f"{HEALTH}/examine")
    assert (answer.status, answer.headers["location"]) == (303, f"{HEALTH}?done=examined")
    found = await place.parts.store.read(examination.last)
    assert found is not None
    assert {"configuration", "database", "mail server", "disk"} <= {one.topic for one in found.rows}
    assert "Examine again" in await state(place)
    deeds = await place.parts.store.read(lambda c: page_deed.latest(c, "copyright", limit=1))
    assert [(one.who, one.act) for one in deeds] == [("ada@example.org", "examined the set-up")]


async def test_what_is_held_back_can_be_let_count(place: Place) -> None:
    await subscribed(place.parts)
    await wave_held(place)
    ada = await place.signed_in()
    assert "20 mails came back within a day, held since" in (await ada.get(HEALTH)).words
    answer = await ada.press(HEALTH, f"{HEALTH}/accept", {"domain": "example.net"})
    assert answer.status == 303
    assert "accepted until" in (await ada.get(HEALTH)).words
    again = await ada.press(HEALTH, f"{HEALTH}/accept", {"domain": "example.com"})
    assert again.status == 409


async def test_nothing_is_done_without_the_forms_token(place: Place) -> None:
    ada = await place.signed_in()
    for act in ("examine", "accept"):
        assert (await ada.post(f"{HEALTH}/{act}", {"domain": "*"})).status == 403
    assert await place.parts.store.read(examination.last) is None


async def test_health_is_readable_for_everybody(
    local: Place, chromium: Browser, tmp_path: Path
) -> None:
    await lives(local)
    await local.parts.store.write(lambda c: trouble.put(c, "a", AWAY))
    await wave_held(local)
    page = await sign_in(local, chromium)
    await page.goto(f"http://127.0.0.1:{local.port}{HEALTH}")
    await page.get_by_role("button", name="Examine").click()
    await page.get_by_role("heading", name="Found on").wait_for()
    await looked_at(page, picture=tmp_path / "health")
