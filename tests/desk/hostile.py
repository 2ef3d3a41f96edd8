"""A world in which every text that came from outside is as hostile as it can be, and its pages.

Rows are made the usual way and then overwritten, column by column, past every check at the doors:
what is left to keep a page harmless is the page itself. Each text begins with a word of its own, so
that a test can tell which of them a page shows.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import quote

from sqlalchemy import insert, select, update

from mailer.intake.context import hash_address
from mailer.message.address import Purpose
from mailer.message.bounce_brake import LEAST
from mailer.message.command import Channel
from mailer.message.facts import Link, Speaker
from mailer.store import (
    examination,
    first_run,
    node,
    page_deed,
    people,
    programme,
    registration,
    suppression,
    trouble,
    wave,
)
from mailer.store.engine import Connection
from mailer.store.examination import Examination, Seen
from mailer.store.people import Act
from mailer.store.registration import State as Choice
from mailer.store.schema import metadata
from mailer.store.suppression import Reason
from mailer.store.trouble import Trouble
from mailer.store.wave import Wave
from mailer.store.written import Written
from scheduler.model import Status
from tests.desk.filling import filled
from tests.desk.place import Desktop, Place
from tests.desk.season import season
from tests.desk.writing import write
from tests.peers.browser import Answer
from tests.vectors import ALL, VECTORS
from tests.world import ANA, SERIES, letter, mail_in, revise, scheduled, subscribed

THERE = "/admin/copyright"
SETUP = "abcdefghijklmnopqrstuvwxyz234567"
FRAMED = "mail.html"
# Every column that holds text, and what stands in it: words of others, shown somewhere; or nothing
# that others choose, or nothing that a page shows. A new column has to be put into one of the two.
OTHERS_WORDS = {
    "webinar": ("title", "abstract", "reason", "registration_url", "join_url"),
    "subscriber": ("mailbox", "name"),
    "consent": ("evidence",),
    "suppression": ("detail",),
    "announcement": ("subject", "content", "reason"),
    "written": ("writer",),
    "approval": ("organiser",),
    "deed": ("who",),
    "outbox": ("reason", "reply"),
    "bounce": ("status", "detail"),
    "inbound": ("recipient", "outcome"),
    "page_deed": ("who", "act", "detail"),
    "import_row": ("mailbox",),
}
UNSHOWN = {
    "setting": ("key", "value"),  # rows of it are made hostile below
    "node": ("id",),
    "series": ("id", "title", "address", "settings"),  # pages read the configuration
    "webinar": ("series_id", "slug", "language", "wall_start", "zone", "status", "uid",
                "speakers", "hosts", "links", "materials"),  # the last four are made hostile below
    "webinar_facts": ("status", "title", "zone", "registration_url", "join_url", "abstract",
                      "speakers", "hosts", "links", "materials"),
    "subscriber": ("address_key", "language", "timezone"),
    "subscription": ("series_id", "state"),
    "consent": ("act", "channel"),
    "registration": ("state",),
    "suppression": ("scope", "reason"),
    "announcement": ("key", "series_id", "notice_id", "kind", "audience", "state", "paused_from"),
    "written": ("digest", "language"),
    "deed": ("act",),
    "skeleton": ("language", "zone", "digest", "content"),
    "outbox": ("series_id", "kind", "template", "recipient", "recipient_key", "language", "zone",
               "message_id", "data", "answered", "state", "lease_owner"),
    "bounce": ("class", "source"),
    "inbound": ("source", "series_id", "author_key", "message_id", "command"),
    "errand": ("key",),
    "sign_in": ("organiser",),
    "visit": ("organiser", "language"),
    "page_deed": ("series_id", "about"),
    "answer_count": ("scope",),
    "import_batch": ("series_id", "evidence", "channel"),
    "import_row": ("address_key", "name", "language", "timezone", "outcome"),
}  # fmt: skip

LEAVING = """"onclick=alert(1) 'onclick=alert(1) ><script>alert(1)</script>"""

Say = Callable[[str], str]


def harmless(word: str) -> str:
    """A text by which a field is known."""
    return f"field-{word}"


def hostile(word: str) -> str:
    """The same with everything behind it that could do harm; first what leaves an attribute, for
    where there is little room the rest is cut off."""
    return f"field-{word} {LEAVING} {ALL}"


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """A world with something of everything, and who looks at it."""

    place: Place
    ada: Desktop
    say: Say
    paths: tuple[str, ...]  # pages that a GET shows, for an organiser who is signed in


async def furnished(place: Place, say: Say) -> Furnished:
    """Something of everything, with these texts in it."""
    ana = await subscribed(place.parts)
    await season(place.parts)
    await place.parts.planner.tick()
    numbers = await _programme(place, say)
    item = await write(place)
    await mail_in(place.parts, letter("ana@example.net", SERIES.address, "help"))
    await _ledger(place, say, ana, item)
    ada = await place.signed_in()
    await _imports(ada)
    await place.parts.store.write(lambda c: _overwrite(c, say))
    webinar = await place.parts.store.read(lambda c: programme.by_number(c, SERIES.id, numbers[0]))
    assert webinar is not None
    day = place.clock.now().date()
    mint = place.parts.secrets.mint.mint
    tokens = {
        "c": mint(Purpose.CONFIRM, subject=ana.id, context=ana.generation, day=day),
        "u": mint(Purpose.UNSUBSCRIBE, subject=ana.id, day=day),
        "p": mint(Purpose.PREFERENCES, subject=ana.id, day=day),
        "r": mint(Purpose.REGISTER, subject=ana.id, context=webinar.id, day=day),
        "j": mint(Purpose.JOIN, subject=ana.id, context=webinar.id, day=day),
    }
    announcements = await place.parts.store.read(
        lambda c: c.scalars(select(metadata.tables["announcement"].c.id))
    )
    sent = [f"{THERE}/announcements/{one}" for one in announcements]
    paths = (
        *(f"/{page}/{token}" for page, token in tokens.items()),
        *(f"/copyright{rest}" for rest in ("", "/feed.xml", "/subscribe")),
        *(f"/copyright/w/v{n}" for n in range(len(numbers))),
        *(f"{THERE}{rest}" for rest in ("", "?still&sure", "/reports", "/health", "/announcements",
          "/announcements/new", f"/announcements/{item.id}/edit", "/programme/new",
          "/programme/import", "/people", "/people/add", "/people/import", "/people/import/1",
          f"/people/{ana.id}")),
        *(f"{THERE}/programme?show={group}" for group in ("coming", "drafts", "cancelled", "past")),
        *sent,
        *(f"{one}?look=text&still&sure" for one in sent[:1]),
        *(f"{one}/{FRAMED}" for one in sent),
        *(f"{THERE}/programme/{n}{rest}" for n in numbers for rest in (
          "", "/edit", "/move", "/cancel", "/materials", "/publish")),
        *(f"/admin/first/{SETUP}/{step}" for step in (
          "connect", "prove", "webinar", "invite", "live")),
    )  # fmt: skip
    return Furnished(place=place, ada=ada, say=say, paths=paths)


async def _programme(place: Place, say: Say) -> list[int]:
    """A webinar that comes, one elsewhere, a draft, a cancelled one and one that was; their
    numbers."""
    now = place.clock.now()
    persons = (
        Speaker(
            name=say("speaker-name"),
            affiliation=say("speaker-affiliation"),
            address=say("speaker-address"),
        ),
        *(Speaker(name="S", url=vector) for vector in VECTORS),
    )
    hosts = (Speaker(name=say("host-name"), affiliation=say("host-affiliation")),)
    links = (
        Link(title=say("link-title"), url="https://example.org/"),
        *(Link(title=vector, url="https://example.org/") for vector in VECTORS),
        *(Link(title="L", url=vector) for vector in VECTORS),
    )
    wall = (now + timedelta(days=60)).replace(tzinfo=None)
    starts = (wall, wall + timedelta(days=1), wall + timedelta(days=2), wall + timedelta(days=3),
              wall - timedelta(days=100))  # fmt: skip
    made = [
        await scheduled(place.parts, start, f"v{number}", registration_url="", speakers=persons,
                        hosts=hosts, links=links)
        for number, start in enumerate(starts)
    ]  # fmt: skip
    materials = (Link(title=say("material-title"), url="https://example.org/"), *links)
    for number, status in enumerate((None, None, Status.DRAFT, Status.CANCELLED, None)):
        await place.parts.store.write(
            lambda c, n=number, s=status: revise(  # type: ignore[misc]
                c, made[n], now=now, status=s, materials=materials, reason="x" if s else None
            )
        )
    return [one.number for one in made]


async def _ledger(place: Place, say: Say, ana: people.Subscription, item: Written) -> None:
    """Rows of every table that a page tells of."""
    now, key = place.clock.now(), place.parts.secrets.hash_key
    webinar = await place.parts.store.read(lambda c: programme.find(c, SERIES.id, "v0"))
    assert webinar is not None

    async def unit(connection: Connection) -> None:
        await people.note_consent(
            connection, ana.id, act=Act.CONFIRMED, channel=Channel.WEB, evidence="x", now=now
        )
        await suppression.add(
            connection,
            address_hash=hash_address(key, ANA),
            scope=SERIES.id,
            reason=Reason.BOUNCE,
            now=now,
        )
        await registration.choose(
            connection, ana.subscriber_id, webinar.id, Choice.REGISTERED, now=now
        )
        for about in (page_deed.subscription(ana.id), page_deed.webinar(webinar.id)):
            await page_deed.note(
                connection, series_id=SERIES.id, who="x", act="x", about=about, now=now
            )
        rows = Seen(
            topic=say("finding-topic"),
            subject=say("finding-subject"),
            verdict="fault",
            found=say("finding-found"),
            expected=say("finding-expected"),
            advice=say("finding-advice"),
        )
        await examination.put(connection, Examination(at=now, rows=(rows,)))
        await node.arrive(connection, "a", now=now)
        said = Trouble(since=now, phase="connect", code=None, cause=say("trouble"), alarm=True)
        await trouble.put(connection, "a", said)
        domain = say("domain")
        for _ in range(LEAST):
            await wave.count(connection, domain, now=now)
        await wave.put(connection, Wave(domain=domain, people=1, counted_at=now, since=now))
        until = now + first_run.LINK_LIVES_FOR
        await first_run.begin(connection, SETUP, until=until)
        state = await first_run.current(connection)
        assert state is not None
        await first_run.put(
            connection, replace(state, examined=True, invited=ana.id, server=say("server"))
        )
        await connection.execute(
            insert(metadata.tables["approval"]).values(
                announcement_id=item.id,
                version=item.version,
                organiser="x",
                may_approve=True,
                asked_at=now,
            )
        )
        # One of those that came back was to her.
        outbox, bounce = metadata.tables["outbox"], metadata.tables["bounce"]
        which = await connection.scalar(select(bounce.c.outbox_id).limit(1))
        await connection.execute(
            update(outbox)
            .where(outbox.c.id == which)
            .values(recipient_key=ANA.key, subscription_id=ana.id)
        )
        await connection.execute(
            update(bounce).where(bounce.c.outbox_id == which).values(subscription_id=ana.id)
        )

    await place.parts.store.write(unit)


async def _imports(ada: Desktop) -> None:
    """A file of people that was taken; who stays out of it is told."""
    path = f"{THERE}/people/import"
    page = await ada.upload(
        path,
        filled(await ada.get(path), path),
        name="people.csv",
        content=b"address\nana@example.net\nzoe@example.net\n",
    )
    await ada.post(f"{path}/1", {**filled(page, f"{path}/1"), "do": "take"})


async def _overwrite(connection: Connection, say: Say) -> None:
    for name, columns in OTHERS_WORDS.items():
        values = {column: say(f"{name}-{column}") for column in columns}
        await connection.execute(update(metadata.tables[name]).values(values))
    # A file's people that stay out say why; an announcement that failed does.
    rows, announcements = metadata.tables["import_row"], metadata.tables["announcement"]
    await connection.execute(update(rows).values(outcome="suppressed"))
    last = await connection.scalar(
        select(announcements.c.id).where(announcements.c.webinar_id.is_not(None)).limit(1)
    )
    await connection.execute(
        update(announcements).where(announcements.c.id == last).values(state="failed")
    )
    # Who registers here has no address elsewhere.
    webinars = metadata.tables["webinar"]
    await connection.execute(
        update(webinars).where(webinars.c.slug == "v0").values(registration_url="")
    )


async def sent_pages(world: Furnished) -> AsyncIterator[tuple[str, Answer]]:
    """Every page that answers a form and shows what was typed or uploaded."""
    ada, say, place = world.ada, world.say, world.place
    typed = {
        f"{THERE}/people/add": ("address", "name", "language", "timezone", "how", "consent"),
        f"{THERE}/announcements/new": ("subject", "text", "at", "expires", "audience", "webinar",
                                       "language"),
        f"{THERE}/programme/new": ("title", "starts", "duration", "language", "abstract",
                                   "join_url", "registration_url", "capacity", "id"),
    }  # fmt: skip
    for path, names in typed.items():
        seal = filled(await ada.get(path), path)["seal"]
        fields = {name: say(f"typed-{name}") for name in names}
        yield path, await ada.post(path, {"seal": seal, **fields})
    (person,) = [one for one in world.paths if re.fullmatch(rf"{THERE}/people/\d+", one)]
    seal = (await ada.get(person)).seal(person)
    for do in ("change", "forget"):
        fields = {"do": do, "address": say("typed-other")}
        yield f"{person} {do}", await ada.post(person, {"seal": seal, **fields})
    yield "search", await ada.get(f"{THERE}/people?q={quote(say('search')[:100])}")
    async for one in _uploads(ada, say):
        yield one
    browser = place.browser
    for path in ("/admin/sign-in", "/copyright/subscribe"):
        page = await browser.get(path)
        fields = {"seal": page.hidden("seal"), "address": say("typed-address")}
        yield path, await browser.post(path, fields)
    for step, names in {
        "connect": ("host", "port", "security", "username", "password"),
        "webinar": ("title", "starts", "duration", "join_url", "registration_url"),
        "invite": ("address",),
    }.items():
        path = f"/admin/first/{SETUP}/{step}"
        for name in names:  # one at a time: there is not much room in these forms
            seal = (await browser.get(path)).hidden("seal")
            fields = {**dict.fromkeys(names, "x"), name: say(f"first-{name}"), "seal": seal}
            yield path, await browser.post(path, fields)


async def _uploads(ada: Desktop, say: Say) -> AsyncIterator[tuple[str, Answer]]:
    """Files with everything in their names, headers and cells."""
    path = f"{THERE}/people/import"
    seal = filled(await ada.get(path), path)["seal"]
    name = say("file-name").translate(str.maketrans({'"': "%22", "\r": "", "\n": "", "\0": ""}))
    quoted = str.maketrans({'"': '""', "\0": "", "\n": " ", "\t": " ", "\u2028": " "})
    cell, header = (f'"{say(one).translate(quoted)}"' for one in ("cell", "header"))
    consent = {"how": "confirmed", "consent": say("typed-consent")[:500]}
    for content in (
        f"{header}\nx\n",
        f"address,name\n{cell},x\nzoe@example.net,{cell}\nmia@example.net,\n",
    ):
        yield (
            path,
            await ada.upload(path, {"seal": seal, **consent}, name=name, content=content.encode()),
        )
    path = f"{THERE}/programme/import"
    seal = filled(await ada.get(path), path)["seal"]
    for file in (f"{name[:200]}.toml", f"{name[:200]}.csv", name):
        toml = f"[[webinar]]\ntitle = '''{say('row-title').replace(chr(0), '')}'''\nstarts = 'x'\n"
        content = toml if file.endswith("toml") else f"{header}\n{cell}\n"
        yield path, await ada.upload(path, {"seal": seal}, name=file, content=content.encode())
    starts = 'starts = 2026-12-02T13:00:00\nduration = "1h"\n'
    title = " ".join(VECTORS).replace("\0", "").replace("\u2028", " ").replace("\t", " ")[:150]
    toml = f"[[webinar]]\nid = 'v9'\ntitle = '''{say('')[:6]} {title}'''\n{starts}"
    yield path, await ada.upload(path, {"seal": seal}, name="x.toml", content=toml.encode())


class _Vocabulary(HTMLParser):
    """The elements and attributes of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: set[tuple[str, str]] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words.add((tag, ""))
        for name, value in attrs:
            self.words.add((tag, name))
            if name in ("href", "src", "action", "formaction"):
                self.addresses.add(value or "")

    def handle_comment(self, data: str) -> None:
        self.words.add(("!--", ""))


def vocabulary(page: Answer) -> tuple[set[tuple[str, str]], set[str]]:
    """The elements with their attributes that a page is made of, and the addresses in it."""
    found = _Vocabulary()
    found.feed(page.text)
    found.close()
    return found.words, found.addresses


OURS = re.compile(r"(?:https?://|mailto:|webcal:|/(?!/)|[?#]|$)")


def data_in(page: Answer) -> list[str]:
    """What stands in a page as data for search engines."""
    return re.findall(r'(?s)<script type="application/ld\+json">(.*?)</script>', page.text)
