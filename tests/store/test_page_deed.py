"""What organisers did at their pages: the newest first, in their series, about one thing."""

from __future__ import annotations

from mailer.store import page_deed
from mailer.store.engine import Connection, Store
from mailer.store.page_deed import PageDeed
from mailer.store.schema import series
from tests.world import NOON

ADA = "ada@example.org"


async def furnish(connection: Connection) -> None:
    for name in ("copyright", "patents"):
        await connection.execute(
            series.insert().values(id=name, title=name, address=name, settings="", version=1)
        )
        for act in ("move", "cancel"):
            about = page_deed.webinar(7)
            await page_deed.note(
                connection, series_id=name, who=ADA, act=act, now=NOON, about=about, detail="x"
            )
    await page_deed.note(connection, series_id="copyright", who=ADA, act="import", now=NOON)
    await page_deed.note(connection, series_id=None, who=ADA, act="stop", now=NOON)


async def test_deeds_are_read_by_series_and_by_what_they_were_done_to(store: Store) -> None:
    await store.write(furnish)
    every = await store.read(lambda c: page_deed.latest(c, "copyright", limit=9))
    assert [one.act for one in every] == ["import", "cancel", "move"]
    newest = await store.read(lambda c: page_deed.latest(c, "copyright", limit=1))
    assert newest == (PageDeed(at=NOON, who=ADA, act="import", about="", detail=""),)
    about = page_deed.webinar(7)
    found = await store.read(lambda c: page_deed.latest(c, "patents", about=about, limit=9))
    assert [(one.act, one.about) for one in found] == [("cancel", about), ("move", about)]
