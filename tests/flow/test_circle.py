"""The whole circle in a real browser, as three people, against a real daemon and mail server: a
subscriber comes, registers, is told of a change and of news, and leaves; an organiser moves and
writes; a second one approves. What leads from page to page is a click, or a link from a mail.

Elements are found by what they are and not by their words, as the pages speak two languages here.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from playwright.async_api import Browser, Page

from tests.flow.daemon import Daemon, Home
from tests.flow.happenings import entry
from tests.outbox_reader import text
from tests.peers.browser import Browser as Provider
from tests.peers.sink import Sink
from tests.peers.trouble import Phase

ADA, BEA, ZOE = "ada@example.org", "bea@example.org", "zoe@example.net"
READERS = 20
ZURICH = ZoneInfo("Europe/Zurich")
START = datetime.combine(date.today() + timedelta(days=60), time(13), ZURICH)  # noqa: DTZ011
LATER = datetime.combine(START.date() + timedelta(days=1), time(15), ZURICH)
TITLE = "The International Standard Content Code"
NEWS = "What comes next year"
MORE = """\
settle = "1s"
approval = "other"
[web]
listen = "127.0.0.1:{port}"
base_url = "http://127.0.0.1:{port}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the three look at pages."""

    language: str
    direction: str
    width: int
    scripts: bool


@dataclass(kw_only=True)
class Person:
    """Somebody with a browser of their own and a mailbox."""

    address: str
    page: Page
    sink: Sink
    manner: Manner

    async def press(self, what: str, *, shows: str) -> None:
        """Click, and look at the page that follows, which is known by what it shows."""
        await self.page.locator(what).click()
        await self.page.locator(shows).wait_for()
        await self.look()

    async def go(self, url: str, *, shows: str) -> None:
        await self.page.goto(url)
        await self.page.locator(shows).wait_for()
        await self.look()

    async def look(self) -> None:
        """In their language, in its direction, and no wider than their window."""
        html = self.page.locator("html")
        spoken = (await html.get_attribute("lang"), await html.get_attribute("dir"))
        assert spoken == (self.manner.language, self.manner.direction), self.page.url
        wide = await self.page.evaluate("document.documentElement.scrollWidth")
        assert wide == self.manner.width, self.page.url

    async def ask_as(self, *, shows: str) -> None:
        """Type their address where a page asks for it."""
        await self.page.locator("form.ask input[type=email]").fill(self.address)
        await self.press("form.ask button", shows=shows)

    def mails(self) -> list[EmailMessage]:
        """What came, oldest first."""
        return [parsed(one.content) for one in self.sink.accepted if self.address in one.addresses]

    async def mail(self, holds: Callable[[EmailMessage], object]) -> EmailMessage:
        """The first mail of which something holds, once it has come."""
        await self.sink.wait_until(lambda: any(map(holds, self.mails())), seconds=20)
        return next(filter(holds, self.mails()))

    async def link(self, path: str) -> str:
        """The link of one kind that was mailed to them."""
        pattern = re.compile(rf"http://127\.0\.0\.1:\d+{path}[a-z2-7]+")
        found = pattern.search(text(await self.mail(lambda one: pattern.search(text(one)))))
        assert found
        return found[0]


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Everybody and everything there is. ``base`` is where the pages are."""

    home: Home
    sink: Sink
    base: str
    zoe: Person
    ada: Person
    bea: Person

    def stored(self, column: str, table: str) -> list[object]:
        return [value for (value,) in self.home.rows(f"SELECT {column} FROM {table}")]

    @property
    def zoe_is(self) -> list[object]:
        """The state of her subscription."""
        return self.stored(
            "state", f"subscription JOIN subscriber s ON s.id = subscriber_id AND mailbox = '{ZOE}'"
        )


async def made_home(folder: Path, sink: Sink, port: int) -> Home:
    """Two organisers, a webinar in two months, and readers who have heard nothing of it."""
    home = Home(folder, sink.port, more=MORE.format(port=port))
    config = folder / "config.toml"
    config.write_text(config.read_text().replace('"organiser@example.org"', f'"{ADA}", "{BEA}"'))
    people = "".join(f"reader{number}@example.net\n" for number in range(READERS))
    (folder / "people.csv").write_text("address\n" + people)
    webinar = ("--id", "iscc", "--title", TITLE, "--duration", "1h")
    starts = ("--starts", f"{START:%Y-%m-%dT%H:%M}", "--join-url", "https://meet.example.org/iscc")
    for words in (
        ("webinar", "add", *webinar, *starts),
        ("subscriber", "import", "people.csv", "--confirmed", "--consent", "asked for it"),
    ):
        code, _, error = await home.command(*words)
        assert code == 0, error
    return home


async def person(chromium: Browser, sink: Sink, address: str, manner: Manner) -> Person:
    context = await chromium.new_context(
        java_script_enabled=manner.scripts,
        locale=manner.language,
        viewport={"width": manner.width, "height": 800},
        accept_downloads=True,
    )
    context.set_default_timeout(20_000)
    return Person(address=address, page=await context.new_page(), sink=sink, manner=manner)


@pytest.mark.parametrize(
    "manner",
    [
        Manner(language="en", direction="ltr", width=1280, scripts=True),
        Manner(language="ar", direction="rtl", width=360, scripts=False),
    ],
    ids=lambda manner: f"{manner.language}-{manner.width}",
)
@pytest.mark.timeout(180)
async def test_three_people_go_the_whole_circle(
    tmp_path: Path, free_port: int, sink: Sink, chromium: Browser, manner: Manner
) -> None:
    home = await made_home(tmp_path, sink, free_port)
    zoe, ada, bea = [await person(chromium, sink, one, manner) for one in (ZOE, ADA, BEA)]
    base = f"http://127.0.0.1:{free_port}"
    circle = Circle(home=home, sink=sink, base=base, zoe=zoe, ada=ada, bea=bea)
    async with Daemon(home) as daemon:
        await subscribes(circle)
        await registers(circle)
        await signs_in(ada, base)
        await moves(circle)
        await writes(circle)
        await signs_in(bea, base)
        await approves(circle)
        await leaves(circle)
        assert await daemon.stop() == 0
        log = await daemon.complaint()
    assert "Traceback" not in log
    assert sink.violations == []


async def subscribes(circle: Circle) -> None:
    """On the page, and once more from the mail."""
    zoe = circle.zoe
    await zoe.go(f"{circle.base}/copyright?lang={zoe.manner.language}", shows="form.ask")
    await zoe.ask_as(shows=".notice.good")
    await zoe.go(await zoe.link("/c/"), shows="main form")
    assert circle.zoe_is == ["pending"]
    await zoe.press("main form button", shows=".notice.good")
    assert circle.zoe_is == ["active"]


async def registers(circle: Circle) -> None:
    """From the programme to the webinar, its calendar file and a place in it."""
    zoe = circle.zoe
    await zoe.press("main a[href^='/copyright']", shows=".entries")
    await zoe.press(".entries h3 a", shows="article h1")
    async with zoe.page.expect_download() as coming:
        await zoe.page.locator("main a.button[href$='.ics']").click()
    opened = Calendar.from_ical((await (await coming.value).path()).read_bytes())
    assert [(one["SUMMARY"], one.start) for one in opened.events] == [(TITLE, START)]
    await zoe.ask_as(shows=".notice.good")
    await zoe.go(await zoe.link("/r/"), shows="main form")
    assert circle.stored("state", "registration") == []
    await zoe.press("button[value=register]", shows=".notice.good")
    assert circle.stored("state", "registration") == ["registered"]


async def signs_in(organiser: Person, base: str) -> None:
    """From the first page, which nobody sees who is not signed in, by the mailed link."""
    await organiser.go(f"{base}/admin", shows="form.ask")
    await organiser.ask_as(shows="main a[href^='/admin/sign-in']")
    await organiser.go(await organiser.link("/admin/sign-in/"), shows="main form")
    await organiser.press("main form button", shows="nav.places")
    assert urlsplit(organiser.page.url).path == "/admin/copyright"


async def moves(circle: Circle) -> None:
    """Ada sees what her change does before it is stored; Zoe, who knew, is told of it alone."""
    ada = circle.ada
    await ada.press("nav.places a[href$='/programme']", shows=".entries")
    await ada.press(".entries h2 a", shows="main a[href$='/move']")
    await ada.press("main a[href$='/move']", shows="#starts")
    await ada.page.locator("#starts").fill(f"{LATER:%Y-%m-%dT%H:%M}")
    await ada.press("button[value=try]", shows="button[value=store]")
    assert await ada.page.locator("[aria-labelledby=told] li.corrects").count() == 1
    assert circle.stored("revision", "webinar") == [0]
    await ada.press("button[value=store]", shows=".notice.good")
    assert circle.stored("revision", "webinar") == [1]

    told = await circle.zoe.mail(lambda one: starts(one) == LATER)
    assert TITLE in str(told["Subject"])
    assert sum(starts(parsed(one.content)) == LATER for one in circle.sink.accepted) == 1


def starts(mail: EmailMessage) -> datetime | None:
    """When a mail's calendar entry begins."""
    found = entry(mail)
    return found.starts_at if found else None


async def writes(circle: Circle) -> None:
    """Ada's text waits for somebody else: she has no button to approve it."""
    ada = circle.ada
    await ada.press("nav.places a[href$='/announcements']", shows="a[href$='/announcements/new']")
    await ada.press("a[href$='/announcements/new']", shows="#subject")
    await ada.page.locator("#subject").fill(NEWS)
    await ada.page.locator("#text").fill("Dear all,\n\nwe go on in **January**.")
    await ada.press("button[value=queue]", shows=".state.waiting")
    assert await ada.page.locator("button[value=approve]").count() == 0


async def approves(circle: Circle) -> None:
    """Bea finds it, looks, and says yes; her page then follows it to the end by itself."""
    bea = circle.bea
    circle.sink.trouble(Phase.DOT, matching="reader7@", delay_seconds=3, times=1)
    await bea.press("nav.places a[href$='/announcements']", shows=".outgoing .state.waiting")
    await bea.press(".outgoing h3 a", shows="button[value=approve]")
    frame = bea.page.frame_locator("iframe.mail")
    assert await frame.locator("strong").first.inner_text() == "January"
    await bea.press("button[value=approve]", shows=".notice.good")
    await bea.page.locator(".head .state.done").wait_for()
    await bea.look()
    progress = bea.page.locator("progress")
    assert await progress.get_attribute("value") == str(READERS + 1)
    assert await progress.get_attribute("max") == str(READERS + 1)
    await circle.zoe.mail(lambda one: one["Subject"] == NEWS)


async def leaves(circle: Circle) -> None:
    """One click in the mail program, which her provider turns into a POST (RFC 8058)."""
    zoe = circle.zoe
    news = await zoe.mail(lambda one: one["Subject"] == NEWS)
    assert news["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.search(r"<(http://[^>]+)>", str(news["List-Unsubscribe"]))
    assert link
    where = urlsplit(link[1])
    assert where.port is not None
    answer = await Provider(where.port).post(where.path, {"List-Unsubscribe": "One-Click"})
    assert answer.status == 200
    assert circle.zoe_is == ["unsubscribed"]
    await zoe.go(link[1], shows="main h1")
