"""Every list that organisers can keep opens as text in a spreadsheet (S19)."""

from __future__ import annotations

import csv
import io

from sqlalchemy import update

from mailer.desk.routes import routes
from mailer.message.address import Address
from mailer.store import registration
from mailer.store.registration import State
from mailer.store.schema import subscriber
from tests.desk.place import Place
from tests.peers.browser import Answer
from tests.world import subscribed

RUNS = "=+-@\t\r\n"  # what a cell that could run begins with
FORMULA = '{}HYPERLINK("https://www.example.org";"x")'


async def crowded(place: Place) -> None:
    """People whose names and addresses begin with each of them, registered for a webinar."""
    webinar = await place.webinar()
    for number, start in enumerate(RUNS):
        text = f"{start}{number}@example.org"
        person = await subscribed(place.parts, Address(key=text, mailbox=text))

        async def unit(connection, person=person, start=start):  # type: ignore[no-untyped-def]
            who = person.subscriber_id
            await connection.execute(
                update(subscriber).where(subscriber.c.id == who).values(name=FORMULA.format(start))
            )
            await registration.choose(
                connection, who, webinar.id, State.REGISTERED, now=place.clock.now()
            )

        await place.parts.store.write(unit)


def cells(answer: Answer) -> list[str]:
    """Every cell of a table, the header aside."""
    _, *rows = csv.reader(io.StringIO(answer.body.decode(), newline=""), strict=True)
    return [cell for row in rows for cell in row]


async def test_no_cell_of_any_list_runs(place: Place) -> None:
    """Walks the table of pages: a list that is added later is among them."""
    await crowded(place)
    ada = await place.signed_in()
    lists = [one.path for one in routes(place.desk) if one.path.endswith(".csv")]
    assert len(lists) >= 2
    for path in lists:
        where = path.replace("{series}", "copyright").replace("{number:int}", "1")
        answer = await ada.get(where)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8", where
        assert answer.headers["content-disposition"].startswith("attachment; "), where
        found = cells(answer)
        assert [one for one in found if one[:1] in set(RUNS) and one] == [], where
        for number, start in enumerate(RUNS):
            assert f"'{start}{number}@example.org" in found, where
            assert f"'{FORMULA.format(start)}" in found, where
