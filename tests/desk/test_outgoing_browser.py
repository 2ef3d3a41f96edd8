"""A real chromium: an organiser's way from the mailed link to the last click, and for everybody.

Scripts are off where a person is to get along without, on where the browser is to find something.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser
from sqlalchemy import update

from mailer.store import setting, written
from mailer.store.announcement import State
from mailer.store.schema import outbox
from tests.desk.looking import looked_at, sign_in
from tests.desk.place import Place
from tests.desk.writing import write
from tests.outbox_reader import mails, text
from tests.world import ANA, send_all, subscribed

PHONE = {"width": 360, "height": 780}


def url(place: Place, path: str) -> str:
    """Where a path is."""
    return f"http://127.0.0.1:{place.port}{path}"


async def every_page(place: Place) -> dict[str, str]:
    """A path of each page about what goes out, with something on it."""
    await subscribed(place.parts, ANA)
    await place.webinar(title="The International Standard Content Code (ISCC)")
    waiting = await write(place, "What comes next year", at="2026-12-01T09:00")
    gone = await write(place, "Gone out", queue=True)
    await place.parts.planner.tick()
    await place.parts.store.write(
        lambda c: c.execute(
            update(outbox).values(state="failed", reason="refused (RCPT)", reply="550 5.1.1 none")
        )
    )
    here = "/admin/copyright/announcements"
    return {
        "sign in": "/admin/sign-in",
        "timeline": "/admin/copyright",
        "list": here,
        "write": f"{here}/new",
        "change": f"{here}/{waiting.id}/edit",
        "waiting": f"{here}/{waiting.id}?done=kept",
        "on a phone": f"{here}/{waiting.id}?look=phone",
        "as text": f"{here}/{waiting.id}?look=text",
        "gone out": f"{here}/{gone.id}?done=refused",
    }


async def test_an_organiser_gets_along_without_scripts(local: Place, chromium: Browser) -> None:
    """From the address to the mail that is out, by the buttons alone (S2, S10, S23)."""
    await subscribed(local.parts, ANA)
    context = await chromium.new_context(java_script_enabled=False, viewport=PHONE)
    page = await context.new_page()
    await page.goto(url(local, "/admin"))
    await page.get_by_label("Your mail address").fill("ada@example.org")
    await page.get_by_role("button", name="Send me a link").click()
    await page.get_by_role("heading", name="Please look into your mailbox").wait_for()

    await send_all(local.parts)
    (mail,) = mails(local.parts.config.outbound.maildir)
    (link,) = [word for word in text(mail).split() if "/admin/sign-in/" in word]
    await page.goto(link)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Timeline").wait_for()

    await page.get_by_role("link", name="Write to subscribers").click()
    await page.get_by_label("Subject").fill("What comes next year")
    await page.get_by_label("Text", exact=True).fill("Dear all,\n\nwe go on in **January**.")
    await page.get_by_role("button", name="Keep and look at it").click()
    await page.get_by_text("Nothing goes out before it is approved.").wait_for()
    shown = page.frame_locator("iframe").get_by_text("we go on in")
    assert await shown.inner_text() == "we go on in January."
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("Approved.").wait_for()
    await local.parts.planner.tick()

    await page.get_by_role("link", name="Timeline").click()
    await page.get_by_text("0 of 1 sent").wait_for()
    await page.get_by_role("link", name="Stop all").click()  # the page would reload itself
    await page.get_by_role("button", name="Yes, stop all sending").click()
    await page.get_by_role("heading", name="All sending is stopped").wait_for()
    assert await local.parts.store.read(lambda c: setting.get(c, setting.STOPPED)) is not None
    await page.get_by_role("button", name="Let it go on").click()
    await page.get_by_role("heading", name="Sending is on").wait_for()

    await page.get_by_role("link", name="What comes next year", exact=True).click()
    await page.get_by_role("link", name="Cancel").click()
    await page.get_by_role("button", name="Yes, stop it for good").click()
    await page.get_by_text("Nothing more of it goes out.").wait_for()
    item = await local.parts.store.read(lambda c: written.by_id(c, 1))
    assert item is not None
    assert item.state is State.CANCELLED

    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_text("You are signed out.").wait_for()
    answer = await page.goto(url(local, "/admin/copyright"))
    assert answer is not None
    assert answer.status == 401


async def test_nothing_in_a_preview_can_act(local: Place, chromium: Browser) -> None:
    """S9: what is shown in the frame has no script, no form, no way out of it."""
    told: list[str] = []
    page = await sign_in(local, chromium)
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    item = await write(local, "<script>alert(1)</script>")
    await page.goto(url(local, f"/admin/copyright/announcements/{item.id}"))
    await page.frame_locator("iframe").get_by_text("our next series").wait_for()
    assert told == []
    frame = page.frames[1]
    assert await frame.evaluate("self.origin") == "null"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_and_every_page_fits(
    local: Place, chromium: Browser, scheme: str, tmp_path: Path
) -> None:
    page = await sign_in(local, chromium, scheme=scheme)
    for name, path in (await every_page(local)).items():
        await page.goto(url(local, path))
        await looked_at(page, picture=tmp_path / f"outgoing-{name.replace(' ', '-')}-{scheme}")


async def test_no_page_breaks_its_own_policy(local: Place, chromium: Browser) -> None:
    told: list[str] = []
    page = await sign_in(local, chromium)
    page.on("console", lambda message: told.append(message.text))
    for path in (await every_page(local)).values():
        await page.goto(url(local, path))
    assert told == []
