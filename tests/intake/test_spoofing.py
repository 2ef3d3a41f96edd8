"""Who may do what by mail (S5): a forged From against every command, with a token and without.

The table is that of the contract: what a From line alone may do, what a trusted result adds or
takes away, and that a token decides whatever anything else says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from mailer.files.announcement_md import of_fields
from mailer.intake import announcing, previewing
from mailer.message import incoming
from mailer.message.address import Address, Purpose
from mailer.parts import Parts
from mailer.store import people, registration, written
from mailer.store.announcement import State as Announced
from mailer.store.people import State, Subscription
from mailer.store.registration import State as Choice
from mailer.store.schema import announcement, approval
from mailer.store.schema import written as texts
from mailer.store.webinar import WebinarRecord
from tests.world import NOON, SERIES, letter, scheduled, subscribed

MX = "mx.example.org"
WALL = datetime(2026, 11, 25, 13)  # noqa: DTZ001 - by the clock on the wall
RESULT = "Authentication-Results: {}; dmarc={} header.from={}"
# What stands above a mail, and which column of the table that is. Only the topmost field counts,
# only of our own server, only for the domain in From; the others anybody can write.
HEADERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "nothing": ("none", ()),
    "a pass of a stranger": ("none", (RESULT.format("mx.example.com", "pass", "{domain}"),)),
    "a pass below ours": (
        "none",
        (f"Authentication-Results: {MX}; spf=neutral", RESULT.format(MX, "pass", "{domain}")),
    ),
    "a pass for another domain": ("none", (RESULT.format(MX, "pass", "evil.example"),)),
    "a pass below a stranger": (
        "none",
        (RESULT.format("mx.example.com", "none", "x"), RESULT.format(MX, "pass", "{domain}")),
    ),
    "fail": ("fail", (RESULT.format(MX, "fail", "{domain}"),)),
    "fail above a pass": (
        "fail",
        (RESULT.format(MX, "fail", "{domain}"), RESULT.format(MX, "pass", "{domain}")),
    ),
    "pass": ("pass", (RESULT.format(MX, "pass", "{domain}"),)),
}
YES = {"none": True, "fail": True, "pass": True}  # with a token it is all one
PROVEN = {"none": False, "fail": False, "pass": True}
BELIEVED = {"none": True, "fail": False, "pass": True}  # by From, unless it is known to be forged
NO = {"none": False, "fail": False, "pass": False}


class World:
    """A subscriber, somebody who was asked, a webinar and a text that waits, for each try."""

    def __init__(self, parts: Parts, number: int) -> None:
        self.parts = parts
        self.number = number

    async def furnish(self) -> None:
        self.webinar: WebinarRecord = await scheduled(
            self.parts, WALL, f"w{self.number}", registration_url=""
        )
        self.ana = await subscribed(self.parts, self._address("ana"))
        self.bob = await self.parts.store.write(
            lambda c: people.ask(
                c, series_id=SERIES.id, address=self._address("bob"), language=None, now=NOON
            )
        )

    def _address(self, name: str) -> Address:
        text = f"{name}{self.number}@example.net"
        return Address(key=text, mailbox=text)

    def token(self, purpose: Purpose, one: Subscription, context: int = 0) -> str:
        return self.parts.secrets.mint.mint(
            purpose, subject=one.id, context=context, day=NOON.date()
        )

    async def again(self, one: Subscription) -> Subscription:
        found = await self.parts.store.read(lambda c: people.by_id(c, one.id))
        assert found is not None
        return found

    async def choice(self) -> Choice | None:
        return await self.parts.store.read(
            lambda c: registration.of(c, self.ana.subscriber_id, self.webinar.id)
        )

    async def mail(self, author: str, to: str, subject: str, header: tuple[str, ...]) -> None:
        """One mail, as the server in front hands it over."""
        domain = author.rpartition("@")[2]
        fields = "".join(f"{one.format(domain=domain)}\r\n" for one in header)
        body = "Dear all, next week there is news." if "announce" in to else ""
        content = fields.encode() + letter(author, to, subject, body)
        read = incoming.read(content, sender=author, authserv_id=MX, own=frozenset())
        recipient = self.parts.intake.route(to)
        assert recipient is not None, to
        await self.parts.intake.take(read, recipient, address=to, source="test")


async def announced(world: World) -> tuple[int, str]:
    """A text of the organiser's that waits, and the token that approves it."""
    parts, who = world.parts, SERIES.organisers[0]
    text = of_fields({"subject": f"News {world.number}"}, "x", SERIES, now=NOON)

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, SERIES)
        queued = await announcing.queue(context, text, writer=who, approved=False)
        await previewing.preview(context, previewing.NOBODY, queued)
        row = await connection.scalar(
            select(approval.c.id).where(approval.c.announcement_id == queued.item.id)
        )
        return queued.item.id, row

    item, row = await parts.store.write(unit)
    token = parts.secrets.mint.mint(Purpose.APPROVE, subject=row, day=NOON.date())
    return item, token


Try = Callable[[World, tuple[str, ...]], Awaitable[bool]]
SERIES_LOCAL = SERIES.address.partition("@")[0]


def to(word: str) -> str:
    return f"{SERIES_LOCAL}+{word}@lists.example.org"


async def subscribes(world: World, header: tuple[str, ...]) -> bool:
    """It may ask; it never subscribes."""
    await world.mail(f"new{world.number}@example.net", to("subscribe"), "", header)
    key = f"new{world.number}@example.net"
    found = await world.parts.store.read(lambda c: people.find(c, SERIES.id, key))
    assert found is None or found.state is State.PENDING
    return found is not None


async def unsubscribes(world: World, header: tuple[str, ...]) -> bool:
    await world.mail(world.ana.address.mailbox, to("unsubscribe"), "", header)
    return (await world.again(world.ana)).state is State.UNSUBSCRIBED


async def unsubscribes_by_token(world: World, header: tuple[str, ...]) -> bool:
    word = f"unsubscribe-{world.token(Purpose.UNSUBSCRIBE, world.ana)}"
    await world.mail("eve@example.com", to(word), "", header)
    return (await world.again(world.ana)).state is State.UNSUBSCRIBED


async def confirms(world: World, header: tuple[str, ...]) -> bool:
    """In the name of who was asked, without what only their mailbox has."""
    for subject in ("yes", "Re: Please confirm", f"confirm {'a' * 26}"):
        await world.mail(world.bob.address.mailbox, SERIES.address, subject, header)
    return (await world.again(world.bob)).state is State.ACTIVE


async def confirms_by_token(world: World, header: tuple[str, ...]) -> bool:
    token = world.token(Purpose.CONFIRM, world.bob, world.bob.generation)
    await world.mail("eve@example.com", to(f"confirm-{token}"), "", header)
    return (await world.again(world.bob)).state is State.ACTIVE


async def registers(world: World, header: tuple[str, ...]) -> bool:
    subject = f"register {world.webinar.number}"
    await world.mail(world.ana.address.mailbox, SERIES.address, subject, header)
    return await world.choice() is Choice.REGISTERED


async def registers_by_token(world: World, header: tuple[str, ...]) -> bool:
    token = world.token(Purpose.REGISTER, world.ana, world.webinar.id)
    await world.mail("eve@example.com", to(f"register-{token}"), "", header)
    return await world.choice() is Choice.REGISTERED


async def skips(world: World, header: tuple[str, ...]) -> bool:
    subject = f"skip {world.webinar.number}"
    await world.mail(world.ana.address.mailbox, SERIES.address, subject, header)
    return await world.choice() is Choice.DECLINED


async def skips_by_token(world: World, header: tuple[str, ...]) -> bool:
    token = world.token(Purpose.SKIP, world.ana, world.webinar.id)
    await world.mail("eve@example.com", to(f"skip-{token}"), "", header)
    return await world.choice() is Choice.DECLINED


async def prefers(world: World, header: tuple[str, ...]) -> bool:
    for subject in ("language fr", "timezone Asia/Tokyo", "pause 2026-12-24"):
        await world.mail(world.ana.address.mailbox, SERIES.address, subject, header)
    return await preferred(world)


async def prefers_at_its_address(world: World, header: tuple[str, ...]) -> bool:
    for subject in ("language fr", "timezone Asia/Tokyo", "pause 2026-12-24"):
        await world.mail(world.ana.address.mailbox, to("preferences"), subject, header)
    return await preferred(world)


async def prefers_by_token(world: World, header: tuple[str, ...]) -> bool:
    token = world.token(Purpose.PREFERENCES, world.ana)
    for subject in ("language fr", "timezone Asia/Tokyo", "pause 2026-12-24"):
        await world.mail("eve@example.com", to(f"preferences-{token}"), subject, header)
    return await preferred(world)


async def preferred(world: World) -> bool:
    """All of it or nothing."""
    now = await world.again(world.ana)
    found = [now.language == "fr", now.timezone == "Asia/Tokyo", now.paused_until is not None]
    assert len(set(found)) == 1, found
    return found[0]


async def announces(world: World, header: tuple[str, ...]) -> bool:
    """It may write; nothing of it goes out."""
    await world.mail(SERIES.organisers[0], to("announce"), f"News {world.number}", header)
    waiting = await world.parts.store.read(written.waiting)
    assert await unasked(world) == []
    return f"News {world.number}" in [one.subject for one in waiting]


async def approves(world: World, header: tuple[str, ...]) -> bool:
    """In the name of the organiser, without what only their mailbox has."""
    item, _ = await announced(world)
    for word, subject in (("announce", "approve"), ("owner", "approve"), ("announce", "ok")):
        await world.mail(SERIES.organisers[0], to(word), subject, header)
    return await is_let_go(world, item)


async def approves_by_token(world: World, header: tuple[str, ...]) -> bool:
    item, token = await announced(world)
    await world.mail("eve@example.com", to(f"approve-{token}"), "", header)
    return await is_let_go(world, item)


async def drops_by_another_purposes_token(world: World, header: tuple[str, ...]) -> bool:
    item, _ = await announced(world)
    for purpose in (Purpose.CONFIRM, Purpose.PREFERENCES, Purpose.UNSUBSCRIBE, Purpose.SIGN_IN):
        token = world.token(purpose, world.ana)
        await world.mail(SERIES.organisers[0], to(f"approve-{token}"), "drop", header)
    return await is_let_go(world, item)


async def is_let_go(world: World, item: int) -> bool:
    found = await world.parts.store.read(lambda c: written.by_id(c, item))
    assert found is not None
    return found.state is not Announced.WAITING


async def unasked(world: World) -> list[int]:
    """What organisers wrote and does not wait for a word."""
    rows = await world.parts.store.read(
        lambda c: c.scalars(
            select(announcement.c.id)
            .join(texts, texts.c.announcement_id == announcement.c.id)
            .where(announcement.c.state != Announced.WAITING)
        )
    )
    return list(rows)


CELLS: list[tuple[Try, dict[str, bool]]] = [
    (subscribes, BELIEVED),
    (unsubscribes, BELIEVED),
    (unsubscribes_by_token, YES),
    (confirms, NO),
    (confirms_by_token, YES),
    (registers, PROVEN),
    (registers_by_token, YES),
    (skips, PROVEN),
    (skips_by_token, YES),
    (prefers, PROVEN),
    (prefers_at_its_address, PROVEN),
    (prefers_by_token, YES),
    (announces, BELIEVED),
    (approves, NO),
    (approves_by_token, YES),
    (drops_by_another_purposes_token, NO),
]


@pytest.mark.parametrize(("attempt", "allowed"), CELLS, ids=[one.__name__ for one, _ in CELLS])
async def test_only_the_cells_of_the_table_act(
    parts: Parts, attempt: Try, allowed: dict[str, bool]
) -> None:
    acted = {}
    for number, (name, (_, header)) in enumerate(HEADERS.items()):
        world = World(parts, number)
        await world.furnish()
        acted[name] = await attempt(world, header)
    assert acted == {name: allowed[column] for name, (column, _) in HEADERS.items()}
