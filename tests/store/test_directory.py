"""People of a series as a list: by state, by a part of address or name, page by page."""

from __future__ import annotations

import pytest

from mailer.message.address import Address
from mailer.store import directory, people
from mailer.store.engine import Connection, Store
from mailer.store.people import State
from mailer.store.schema import series, subscriber
from tests.world import NOON


async def furnish(connection: Connection) -> None:
    for name in ("copyright", "patents"):
        await connection.execute(
            series.insert().values(id=name, title=name, address=name, settings="", version=1)
        )
    for number in range(5):
        address = Address(key=f"p{number}@example.org", mailbox=f"P{number}@example.org")
        asked = await people.ask(
            connection, series_id="copyright", address=address, language=None, now=NOON
        )
        if number < 3:
            await people.activate(connection, asked.id, now=NOON)
    other = Address(key="p9@example.org", mailbox="p9@example.org")
    await people.ask(connection, series_id="patents", address=other, language=None, now=NOON)
    named = subscriber.c.address_key == "p1@example.org"
    await connection.execute(subscriber.update().where(named).values(name="100% Ada_Example"))


async def found(store: Store, **asked: object) -> tuple[list[str], int]:
    wanted = {"state": None, "part": "", "first": 0, "limit": 50, **asked}
    listed, total = await store.read(
        lambda c: directory.page(c, "copyright", **wanted)  # type: ignore[arg-type]
    )
    return [one.address.key[:2] for one in listed], total


@pytest.mark.parametrize(
    ("asked", "listed", "total"),
    [
        ({}, ["p4", "p3", "p2", "p1", "p0"], 5),
        ({"state": State.PENDING}, ["p4", "p3"], 2),
        ({"first": 3, "limit": 2}, ["p1", "p0"], 5),
        ({"part": "P2@EX"}, ["p2"], 1),
        ({"part": "ada_"}, ["p1"], 1),
        ({"part": "0%"}, ["p1"], 1),
        ({"part": "%"}, ["p1"], 1),
        ({"part": "p_@"}, [], 0),
        ({"part": "example", "state": State.ACTIVE, "limit": 1}, ["p2"], 3),
        ({"part": "p9"}, [], 0),
    ],
)
async def test_people_are_found(
    store: Store, asked: dict[str, object], listed: list[str], total: int
) -> None:
    await store.write(furnish)
    assert await found(store, **asked) == (listed, total)
