"""Answers that are kept are what would be made anew, at every instant and after every change."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from mailer.config.model import Templates
from mailer.errors import StoreUnavailable
from mailer.message.facts import Link
from mailer.store import programme
from mailer.store.engine import Store, open_store
from mailer.web.kept import GIVEN_AGAIN, Asked, Kept, Made
from mailer.web.routes import application
from mailer.web.seal import VALID_SECONDS
from scheduler.clock import VirtualClock
from scheduler.model import Status
from tests.web.place import WEDNESDAY, Place, config, health_of, opened_place, site_of
from tests.world import NOON, SERIES, content, revise, scheduled

JUST = timedelta(milliseconds=1)
PAGES = ("/copyright", "/copyright/w/iscc", "/copyright/subscribe")
FEEDS = ("/copyright/calendar.ics", "/copyright/feed.xml", "/copyright/w/iscc.ics")
LOOKS = (
    *((path, {"lang": lang, "zone": zone}) for path in PAGES[:2] for lang, zone in (
        ("en", ""), ("ar", "Asia/Tokyo"), ("fr", "Pacific/Kiritimati"))),
    ("/copyright", {"page": "2"}),
    ("/copyright/w/late", {}),
    ("/copyright/w/off", {"lang": "zh"}),
    *((path, {}) for path in FEEDS),
)  # fmt: skip


@dataclass(kw_only=True)
class Pages:
    """An application that is asked without a server; ``again`` is whether it made nothing."""

    app: ASGIApp
    again: bool = field(default=False)

    async def get(self, path: str, **query: str) -> tuple[object, bytes]:
        """Status and headers, and the body."""
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": urlencode(query).encode(),
            "headers": [],
        }
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError("a look at a page has no body")

        await self.app(scope, receive, send)
        self.again = GIVEN_AGAIN in scope
        return (sent[0]["status"], sent[0]["headers"]), b"".join(one["body"] for one in sent[1:])


def pages(place: Place) -> Pages:
    """Pages that have kept nothing yet."""
    return Pages(app=application(site_of(place), health_of(place), now=time.monotonic))


async def season(place: Place) -> list[datetime]:
    """Twelve webinars, one of them cancelled; the instants at which something may change."""
    made = [
        await scheduled(place.parts, wall, slug)
        for slug, wall in (
            ("iscc", WEDNESDAY),
            ("late", WEDNESDAY.replace(hour=23, minute=30)),
            ("off", WEDNESDAY + timedelta(days=1)),
            *((f"w{number}", WEDNESDAY - timedelta(days=30 + number)) for number in range(9)),
        )
    ]
    await place.parts.store.write(
        lambda c: revise(c, made[2], now=place.clock.now(), status=Status.CANCELLED)
    )
    far, tick = timedelta(days=2), datetime.resolution
    found = {NOON.replace(hour=13), NOON + timedelta(minutes=5)}
    for one in made[:4]:
        found |= {one.starts_at, one.ends_at, one.ends_at + timedelta(days=366)}
        found |= {one.starts_at - far, one.starts_at - far + tick, one.starts_at + far}
        midnight = one.starts_at.replace(hour=0, minute=0)
        found |= {midnight + timedelta(hours=hours) for hours in (-14, -9, -1, 0, 10, 15, 23)}
    return sorted(found)


@pytest.mark.properties
async def test_what_is_kept_is_what_would_be_made_at_every_instant(place: Place) -> None:
    """Just before something may change everything is asked for, and compared when it may have."""
    instants = await season(place)
    kept, again = pages(place), 0
    for instant in instants:
        before = max(place.clock.now(), instant - JUST)
        place.clock.advance_to(before)
        for path, query in LOOKS:
            await kept.get(path, **query)
        for _ in range(2):
            fresh = pages(place)
            for path, query in LOOKS:
                given = await kept.get(path, **query)
                again += kept.again
                assert given == await fresh.get(path, **query), (instant, path, query)
            place.clock.advance_to(instant)
    assert again > len(instants) * len(LOOKS)


async def test_a_change_is_seen_by_the_next_request_whoever_made_it(either: Place) -> None:
    """Another store stands for a command or another node: it shares nothing but the database."""
    webinar = await either.webinar()
    url = either.parts.config.database.url
    other = open_store(url)
    paths = (*PAGES[:2], *FEEDS)
    changes = (
        {"content": replace(webinar.content, title="Another title")},
        {"content": replace(webinar.content, abstract="About something else.")},
        {"status": Status.CANCELLED, "reason": "The speaker is ill."},
        {"status": Status.SCHEDULED, "materials": (Link(title="S", url="https://example.org/s"),)},
    )
    try:
        for given in changes:
            before = [await either.browser.get(path) for path in paths]
            assert before == [await either.browser.get(path) for path in paths]
            now = either.clock.now()
            webinar = await other.write(
                lambda c, given=given, now=now, of=webinar: revise(c, of, now=now, **given)
            )
            fresh = pages(either)
            after = [await either.browser.get(path) for path in paths]
            assert [one.body for one in after] == [(await fresh.get(path))[1] for path in paths]
            assert after != before
        await other.write(lambda c: _add(c, either.clock.now()))
        assert "A second one" in (await either.browser.get("/copyright")).words
        assert (await either.browser.get("/copyright/w/second")).status == 200
    finally:
        await other.dispose()


async def _add(connection, now):  # type: ignore[no-untyped-def]
    return await programme.add(
        connection,
        series_id=SERIES.id,
        slug="second",
        content=content(WEDNESDAY + timedelta(weeks=2), title="A second one"),
        draft=False,
        now=now,
    )


async def test_what_is_not_there_is_looked_for_again(place: Place) -> None:
    assert (await place.browser.get("/copyright/w/iscc")).status == 404
    await place.webinar()
    assert (await place.browser.get("/copyright/w/iscc")).status == 200


@pytest.mark.parametrize("path", [*PAGES, *FEEDS, "/"])
async def test_who_has_an_answer_already_is_told_so(place: Place, path: str) -> None:
    await place.webinar()
    first = await place.browser.get(path)
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{24}"', tag)
    for held in (tag, f"W/{tag}", f'"a", {tag}', "*"):
        again = await place.browser.get(path, if_none_match=held)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        for name in ("cache-control", "vary"):
            assert again.headers.get(name) == first.headers.get(name)
        assert {"content-length", "content-type", "content-language"}.isdisjoint(again.headers)
    for other in ('"a"', "", "W/", tag.strip('"'), tag[:-2]):
        assert (await place.browser.get(path, if_none_match=other)).body == first.body


@pytest.mark.parametrize("path", [*PAGES, *FEEDS])
async def test_asking_for_the_head_tells_the_same_without_the_body(place: Place, path: str) -> None:
    await place.webinar()
    for _ in range(2):  # made, and given again
        head = await place.browser.ask("HEAD", path)
        whole = await place.browser.get(path)
        assert (head.status, head.body) == (200, b"")
        assert _undated(head.headers) == _undated(whole.headers)
        assert head.headers["content-length"] == str(len(whole.body))
    tag = {"If-None-Match": whole.headers["etag"]}
    assert (await place.browser.ask("HEAD", path, headers=tag)).status == 304


def _undated(headers: object) -> dict[str, str]:
    assert isinstance(headers, dict)
    return {name: value for name, value in headers.items() if name != "date"}


async def test_each_language_and_zone_has_its_own(place: Place) -> None:
    await place.webinar()
    asked = [
        (path, language)
        for path in ("/copyright", "/copyright?zone=Asia/Tokyo", "/copyright?lang=ru")
        for language in ("en", "fr", "ar")
    ]
    first = [await place.browser.get(path, accept_language=one) for path, one in asked]
    assert [await place.browser.get(path, accept_language=one) for path, one in asked] == first
    assert len({one.headers["etag"] for one in first}) == 7  # ?lang=ru is the same for each


async def test_what_changes_nothing_makes_nothing(place: Place) -> None:
    await place.webinar()
    kept = pages(place)
    await kept.get("/copyright")
    for query in ({"utm_source": "x"}, {"page": "1"}, {"page": "01"}, {"zone": "No/Where"},
                  {"lang": "tlh"}, {"zone": ""}):  # fmt: skip
        await kept.get("/copyright", **query)
        assert kept.again, query
    await kept.get("/")
    assert kept.again
    await kept.get("/copyright/w/iscc")
    await kept.get("/copyright/w/iscc", zone="")  # with every zone to choose from
    assert not kept.again


async def test_a_form_that_was_kept_works_for_a_day(place: Place) -> None:
    place.clock.advance_to(NOON + timedelta(minutes=56))
    first = await place.browser.get("/copyright")
    place.clock.advance_to(NOON + timedelta(minutes=60) - JUST)
    last = await place.browser.get("/copyright")
    assert last.body == first.body
    place.clock.advance_to(NOON + timedelta(minutes=60) + timedelta(seconds=VALID_SECONDS - 1))
    form = {"seal": last.hidden("seal"), "address": "new@example.net"}
    assert (await place.browser.post("/copyright/subscribe", form)).status == 200


async def test_nobody_is_told_that_a_form_is_good_which_is_too_old(place: Place) -> None:
    first = await place.browser.get("/copyright")
    place.clock.advance_to(NOON + timedelta(hours=1))
    tag = first.headers["etag"]
    assert (await place.browser.get("/copyright", if_none_match=tag)).status == 200


async def test_new_templates_and_titles_are_taken_up_with_the_configuration(
    tmp_path: Path,
) -> None:
    settings = config(f"sqlite:///{tmp_path}/m.db", tmp_path)
    async with opened_place(settings) as place:
        before = await place.browser.get("/copyright")
    folder = tmp_path / "templates"
    (folder / "web").mkdir(parents=True)
    (folder / "web" / "series.html").write_text("{{ series.title }} {{ style }}\n")
    (folder / "web" / "style.css").write_text("body { color: teal; }\n")
    renamed = replace(SERIES, title="Renamed")
    settings = replace(settings, series=(renamed,), templates=Templates(folder=folder))
    async with opened_place(settings) as place:
        after = await place.browser.get("/copyright", if_none_match=before.headers["etag"])
    style = re.search(r"/static/style\.css\?v=\w+", before.text)
    assert style
    assert (after.status, after.text.startswith("Renamed")) == (200, True)
    assert style[0] not in after.text


# The memory itself


@dataclass(kw_only=True)
class Maker:
    """Makes answers of one size, and counts."""

    size: int = 1_000
    made: list[str] = field(default_factory=list)
    until: datetime | None = None

    def of(self, item: str) -> Callable[[datetime], Awaitable[Made]]:
        async def make(now: datetime) -> Made:
            self.made.append(item)
            await asyncio.sleep(0)
            return Made(content=item.encode() * self.size, headers={}, until=self.until)

        return make


def asked(item: str) -> Asked:
    return Asked(kind="x", series=SERIES.id, item=item)


def request() -> Request:
    return Request({"type": "http", "headers": []})


async def test_what_is_kept_is_bounded_in_bytes_and_what_nobody_wants_goes_first(
    place: Place,
) -> None:
    kept, maker = Kept(place.parts.store, place.clock, most_bytes=10_000), Maker()
    for item in "abcd":
        await kept.answer(request(), asked(item), maker.of(item))
        await kept.answer(request(), asked("a"), maker.of("a"))
    await kept.answer(request(), asked("b"), maker.of("b"))
    assert "".join(maker.made) == "abcd"
    await kept.answer(request(), asked("e"), maker.of("e"))  # no room for five of 2,500
    for item in "abe":
        await kept.answer(request(), asked(item), maker.of(item))
    assert "".join(maker.made) == "abcde"
    await kept.answer(request(), asked("c"), maker.of("c"))
    assert "".join(maker.made) == "abcdec"


async def test_what_is_larger_than_all_room_is_given_and_not_kept(place: Place) -> None:
    kept, maker = Kept(place.parts.store, place.clock, most_bytes=10_000), Maker(size=20_000)
    for _ in range(2):
        answer = await kept.answer(request(), asked("a"), maker.of("a"))
        assert len(answer.body) == 20_000
    assert maker.made == ["a", "a"]


async def test_all_who_ask_at_the_same_time_share_what_is_made(place: Place) -> None:
    kept, maker = Kept(place.parts.store, place.clock), Maker()
    answers = await asyncio.gather(
        *(kept.answer(request(), asked("a"), maker.of("a")) for _ in range(20))
    )
    assert maker.made == ["a"]
    assert {bytes(one.body) for one in answers} == {b"a" * 1_000}


async def test_who_gives_up_does_not_keep_the_others_from_it(place: Place) -> None:
    kept, maker = Kept(place.parts.store, place.clock), Maker()
    asking = [
        asyncio.create_task(kept.answer(request(), asked("a"), maker.of("a"))) for _ in range(4)
    ]
    await asyncio.sleep(0)
    asking[0].cancel()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {getattr(one, "status_code", one) for one in found[1:]} == {200}


@pytest.mark.parametrize("wrong", [NOON, NOON - timedelta(days=1)])
async def test_what_has_changed_already_is_not_given_again(place: Place, wrong: datetime) -> None:
    kept, maker = Kept(place.parts.store, place.clock), Maker(until=wrong)
    for _ in range(2):
        await kept.answer(request(), asked("a"), maker.of("a"))
    assert maker.made == ["a", "a"]


async def test_a_clock_that_was_set_back_makes_everything_anew(place: Place) -> None:
    ahead = VirtualClock(NOON + timedelta(minutes=1))
    clock = _Changed(ahead)
    kept, maker = Kept(place.parts.store, clock), Maker()
    await kept.answer(request(), asked("a"), maker.of("a"))
    clock.shown = VirtualClock(NOON)
    await kept.answer(request(), asked("a"), maker.of("a"))
    assert maker.made == ["a", "a"]


@dataclass
class _Changed:
    """A clock that somebody sets."""

    shown: VirtualClock

    def now(self) -> datetime:
        return self.shown.now()


async def test_a_database_that_is_away_is_told_to_everybody_and_asked_again(
    tmp_path: Path, place: Place
) -> None:
    file = tmp_path / "other.db"
    store = open_store(f"sqlite:///{file}")
    file.unlink(missing_ok=True)
    file.mkdir()
    kept, maker = Kept(store, place.clock), Maker()

    async def ask() -> object:
        return await kept.answer(request(), asked("a"), maker.of("a"))

    found = await asyncio.gather(*(ask() for _ in range(5)), return_exceptions=True)
    assert {type(one) for one in found} == {StoreUnavailable}
    assert maker.made == []
    file.rmdir()
    await _copied(place.parts.store, file)
    await ask()
    assert maker.made == ["a"]
    await store.dispose()


async def _copied(store: Store, file: Path) -> None:
    async def unit(connection):  # type: ignore[no-untyped-def]
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    await store.read(unit)
    source = store.sqlite_path
    assert source is not None
    file.write_bytes(source.read_bytes())
