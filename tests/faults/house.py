"""A folder with a configuration and a database of people, in which daemons are run and hurt."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from mailer.dispatch.recording import BATCH
from mailer.message.address import Purpose, address_of
from mailer.message.token import TokenMint
from tests.faults.witness import Witness, until
from tests.flow.daemon import Home
from tests.world import SERIES

CONNECTIONS = 6  # of tests.flow.daemon.CONFIG; each has at most one mail after its dot
UNRECORDED = BATCH + CONNECTIONS  # mails that one crash may double
OF_ALL = "announcement_id IS NOT NULL"  # not a letter to the operator
ZONE = ZoneInfo("Europe/Zurich")
PROGRAMME = """\
[[webinar]]
id = "{id}"
title = "The International Standard Content Code"
starts = {starts:%Y-%m-%dT%H:%M:%S}
duration = "1h"
abstract = "What it is about."
registration_url = "https://webinars.example.org/register"
"""


@dataclass
class House(Home):
    """A home whose `[outbound]` can be added to."""

    outbound: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.configure(self.outbound)

    def configure(self, outbound: str) -> None:
        """Say something more, or otherwise, about the way out; for the next daemon."""
        super().__post_init__()
        file = self.folder / "config.toml"
        given = [line for line in outbound.splitlines() if line]
        names = {line.partition(" =")[0] for line in given}
        head, name, rest = file.read_text("utf-8").partition("[outbound]\n")
        kept = [line for line in rest.splitlines() if line.partition(" =")[0] not in names]
        file.write_text(head + name + "\n".join([*given, *kept, ""]), encoding="utf-8")

    async def done(self, *words: str) -> str:
        """Run a command that must succeed; what it said."""
        code, out, err = await self.command(*words)
        assert code == 0, err
        return out.decode()

    async def webinar(self, name: str, starts_in: timedelta) -> None:
        """Put a webinar into the programme; what is due for it is due now."""
        starts = (datetime.now(ZONE) + starts_in).replace(microsecond=0)
        file = self.folder / f"{name}.toml"
        file.write_text(PROGRAMME.format(id=name, starts=starts), encoding="utf-8")
        await self.done("webinar", "import", file.name)

    def change(self, statement: str, *values: str) -> None:
        """Change the database behind everybody's back."""
        with sqlite3.connect(self.folder / "mailer.db") as connection:
            connection.execute(statement, values)
        connection.close()

    def way_out(self, person: str) -> str:
        """The address of a mail program's unsubscribe button: who leaves by it gets no farewell."""
        ((subscription,),) = self.rows(
            "SELECT subscription.id FROM subscription JOIN subscriber"
            f" ON subscriber.id = subscriber_id WHERE mailbox = '{person}'"
        )
        keys = [key for (key,) in self.rows("SELECT secret FROM token_key ORDER BY id DESC")]
        assert isinstance(subscription, int)
        mint = TokenMint([key for key in keys if isinstance(key, bytes)])
        token = mint.mint(Purpose.UNSUBSCRIBE, subject=subscription, day=datetime.now(UTC).date())
        return address_of(SERIES, Purpose.UNSUBSCRIBE, token)

    def states(self) -> dict[str, int]:
        """How many mails of announcements are in each state."""
        found = self.rows(f"SELECT state, count(*) FROM outbox WHERE {OF_ALL} GROUP BY state")
        return {str(state): int(str(number)) for state, number in found}

    async def until_states(self, **wanted: int) -> None:
        """Until the ledger says so."""
        await until(lambda: self.states() == wanted, self.states)

    async def until_tried(self, count: int) -> None:
        """Until each of so many mails was tried: it is settled, or waits for its next try."""
        untried = "(state = 'sending' OR (state = 'queued' AND attempts = 0))"
        statement = f"SELECT count(*) FROM outbox WHERE {OF_ALL} AND {untried}"
        await until(
            lambda: sum(self.states().values()) >= count and self.rows(statement) == [(0,)],
            self.states,
        )

    async def until_sent(self, count: int, *, failed: int = 0) -> None:
        """Until so many mails are sent, what was deferred being made due again and again."""
        wanted = {"sent": count, "failed": failed} if failed else {"sent": count}
        for _ in range(20):
            await self.until_tried(count + failed)
            if self.states() == wanted:
                return
            await self.done("outbox", "retry")
        raise AssertionError(self.states())


def people(count: int) -> list[str]:
    """The subscribers of a crowd."""
    return [f"p{number}@example.org" for number in range(count)]


def make_crowd(folder: Path, count: int) -> None:
    """Make a database with so many subscribers, and a webinar of tomorrow whose reminder is due."""
    home = House(folder, 9)
    lines = "".join(f"{address}\n" for address in people(count))
    (folder / "people.csv").write_text(f"address\n{lines}", encoding="utf-8")

    async def make() -> None:
        await home.done("subscriber", "import", "people.csv", "--confirmed", "--consent", "asked")
        await home.webinar("tomorrow", timedelta(hours=20))

    with ThreadPoolExecutor(1) as thread:  # the test's own loop may be set up already
        thread.submit(asyncio.run, make()).result()


def furnish(folder: Path, witness: Witness, crowd: Path, *, outbound: str = "") -> House:
    """A house of one's own with the people of a crowd."""
    house = House(folder, witness.port, outbound=outbound)
    shutil.copy(crowd, folder / "mailer.db")
    return house
