"""The made-up season that the pictures of the pages show: webinars, people, mailings, a first run.

It is made with what the tests of the pages use. Everybody in it is of example.org and its kin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from mailer.config.model import Config, Outbound, Slots, TransportKind, Web
from mailer.message.address import Purpose
from mailer.message.command import Channel
from mailer.message.facts import Link, Speaker
from mailer.parts import make_transport
from mailer.store import first_run, node, people, registration, visit
from mailer.store.engine import Connection
from mailer.store.people import Act, Subscription
from mailer.store.registration import State as Choice
from mailer.store.webinar import WebinarRecord
from scheduler.model import Status
from tests.desk.place import ADA, OURS, THEIRS, Place, config
from tests.desk.season import came, mailing
from tests.desk.writing import write
from tests.web.place import ANYWHERE
from tests.world import ANA, BOB, NOON, revise, scheduled, subscribed

HOST = "webinars.example.org"
FIRST_RUN = "k7qzj4m2v5x3n6p8r2t4w6y7ab"
SOON = datetime(2026, 10, 14, 13)  # noqa: DTZ001 - on the clock of the series
ABSTRACT = """What a short code can say of a text, a song or a film, made from the content itself:
how it is made, what it is compared with, and what it cannot tell. With time for questions."""
ADA_EXAMPLE = Speaker(name="Ada Example", affiliation="Example Institute")
BEN_SAMPLE = Speaker(name="Ben Sample", affiliation="Library of Example")
PAST = (
    ("identifiers", "Identifiers for works and for their copies"),
    ("registries", "Who holds the rights? Registries that answer"),
    ("reservations", "Reservations that machines can read"),
)
COMING = (
    ("matching", "Matching services for the metadata of a whole culture"),
    ("provenance", "Provenance that survives a copy"),
    ("licences", "Open licences in many languages"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What stands in the paths of the pages: ``given`` by its name in the table of routes,
    ``tokens`` by what the path begins with. ``visits`` are an organiser's cookies, by language."""

    given: Mapping[str, str]
    tokens: Mapping[str, str]
    visits: Mapping[str, str]


def settings(folder: Path) -> Config:
    """Two series; the first has its slots every other Wednesday."""
    slots = Slots(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", start=SOON, duration=timedelta(hours=1))
    ours = replace(OURS, slots=slots, imprint="Example Institute\nhttps://example.org/privacy")
    theirs = replace(THEIRS, organisers=(*THEIRS.organisers, ADA.mailbox))
    return config(
        f"sqlite:///{folder / 'mailer.db'}",
        folder,
        outbound=Outbound(host="smtp.example.org", port=587, maildir=folder / "outbox"),
        web=Web(base_url=f"http://{HOST}", listen=ANYWHERE),
        series=(ours, theirs),
    )


async def furnish(place: Place) -> Sample:
    """Fill a new database."""
    await _past(place)
    webinar = await _programme(place)
    ana = await _ana(place)
    now = place.clock.now()
    bob = await place.parts.store.write(
        lambda c: people.ask(c, series_id=OURS.id, address=BOB, language=None, now=now)
    )
    await write(place, "Slides of the summer are there", queue=True)
    place.later(timedelta(hours=1))
    await place.parts.planner.tick()
    await _send(place)
    waiting = await write(place, "What comes next year", at="2026-12-01T09:00")
    await place.parts.planner.tick()
    await place.parts.store.write(lambda c: node.arrive(c, "a", now=place.clock.now()))
    until = place.clock.now() + first_run.LINK_LIVES_FOR
    await place.parts.store.write(lambda c: first_run.begin(c, FIRST_RUN, until=until, hold=False))
    given = {
        "series": OURS.id,
        "webinar": webinar.slug,
        "number": str(webinar.id),
        "text": str(waiting.id),
        "person": str(ana.id),
    }
    tokens = {
        "c": _token(place, Purpose.CONFIRM, bob.id, bob.generation),
        "u": _token(place, Purpose.UNSUBSCRIBE, ana.id),
        "p": _token(place, Purpose.PREFERENCES, ana.id),
        "r": _token(place, Purpose.REGISTER, ana.id, webinar.id),
        "j": _token(place, Purpose.JOIN, ana.id, webinar.id),
        "sign-in": await _sign_in(place),
        "first": FIRST_RUN,
    }
    visits = {tag: (await place.signed_in(language=tag)).secret for tag in ("en", "ar")}
    return Sample(given=given, tokens=tokens, visits=visits)


async def _past(place: Place) -> None:
    """People who came and went, and what became of three mailings."""
    for number in range(20):
        went = NOON - timedelta(weeks=2) if number in {9, 10, 11, 12} else None
        await came(place.parts, number, NOON - timedelta(weeks=number), went=went)
    sent = ((8, 16, 3, 0), (4, 12, 1, 3), (1, 18, 0, 0))
    for (slug, title), (weeks, well, back, refused) in zip(PAST, sent, strict=True):
        at = NOON - timedelta(weeks=weeks)
        await mailing(place.parts, at, slug, sent=well, back=back, refused=refused, title=title)


async def _programme(place: Place) -> WebinarRecord:
    """Four webinars, of which the last is cancelled; the first, with who comes."""
    meeting = {"registration_url": "", "join_url": "https://meet.example.org/iscc"}
    first = await scheduled(
        place.parts,
        SOON,
        "iscc",
        title="The International Standard Content Code (ISCC)",
        abstract=ABSTRACT,
        speakers=(ADA_EXAMPLE, BEN_SAMPLE),
        links=(Link(title="The standard", url="https://example.org/iscc"),),
        capacity=40,
        **meeting,
    )
    later = [
        await scheduled(
            place.parts,
            SOON + timedelta(weeks=2 * number),
            slug,
            title=title,
            abstract=ABSTRACT,
            speakers=(BEN_SAMPLE,),
            **meeting,
        )
        for number, (slug, title) in enumerate(COMING, start=1)
    ]
    now = place.clock.now()

    async def unit(connection: Connection) -> None:
        await revise(
            connection,
            later[-1],
            status=Status.CANCELLED,
            reason="The speaker cannot come.",
            now=now,
        )
        for number in range(1, 8):
            (one,) = await people.of_person(connection, f"r{number}@example.net")
            await registration.choose(
                connection, one.subscriber_id, first.id, Choice.REGISTERED, now=now
            )

    await place.parts.store.write(unit)
    return first


async def _ana(place: Place) -> Subscription:
    """A subscriber who said so."""
    since = NOON - timedelta(days=3)
    ana = await subscribed(place.parts, ANA, since=since)
    await place.parts.store.write(
        lambda c: people.note_consent(
            c,
            ana.id,
            act=Act.CONFIRMED,
            channel=Channel.WEB,
            evidence="the button of the link in the mail",
            now=since,
        )
    )
    return ana


async def _send(place: Place) -> None:
    """Send what is due, into files: what is configured is for the pictures alone."""
    outbound = replace(place.parts.config.outbound, transport=TransportKind.MAILDIR)
    transport = make_transport(outbound, hostname=HOST)
    await place.parts.dispatch(transport, node="a", jitter=lambda: 0.0).drain()


async def _sign_in(place: Place) -> str:
    link = await place.parts.store.write(lambda c: visit.offer(c, ADA.key, now=place.clock.now()))
    return _token(place, Purpose.SIGN_IN, link)


def _token(place: Place, purpose: Purpose, subject: int, context: int = 0) -> str:
    day = place.clock.now().date()
    return place.parts.secrets.mint.mint(purpose, subject=subject, context=context, day=day)
