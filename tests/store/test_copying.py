"""Moving a whole database between files and engines."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailer.store.copying import NotEmpty, back_up_sqlite, copy_all
from mailer.store.engine import Store, open_store
from mailer.store.schema import metadata
from mailer.store.upgrade import make_ready
from tests.world import BOB, letter, mail_in, opened, scheduled, subscribed

WALL = datetime(2026, 10, 12, 13, 0)  # noqa: DTZ001 - wall clock


async def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for table in metadata.sorted_tables:
        statement = select(table).order_by(*table.primary_key)
        result = await store.read(lambda c, s=statement: c.execute(s))  # type: ignore[misc]
        found[table.name] = [tuple(row) for row in result]
    return found


async def test_everything_arrives_and_new_rows_get_new_ids(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(f"sqlite:///{tmp_path / 'source.db'}", tmp_path) as (parts, _):
        await subscribed(parts)
        await scheduled(parts, WALL)
        await mail_in(parts, letter("bob@example.com", "webinars@lists.example.org", "subscribe"))
        await parts.planner.tick()
        target = open_store(database_url)
        await make_ready(target, upgrade=True)
        await copy_all(parts.store, target)
        assert await rows(target) == await rows(parts.store)
        await target.dispose()
    async with opened(database_url, tmp_path) as (copied, _):
        before = await copied.store.read(
            lambda c: c.scalar(select(func.count()).select_from(metadata.tables["subscriber"]))
        )
        again = await subscribed(copied, BOB)
        assert (before, again.subscriber_id) == (2, 2)
        await mail_in(copied, letter("eve@example.com", "webinars@lists.example.org", "subscribe"))


async def test_a_database_with_series_is_not_copied_into(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'source.db'}", tmp_path) as (parts, _):
        with pytest.raises(NotEmpty, match="name a new one"):
            await copy_all(parts.store, parts.store)


async def test_a_backup_is_the_same_database(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'source.db'}", tmp_path) as (parts, _):
        await subscribed(parts)
        back_up_sqlite(tmp_path / "source.db", tmp_path / "backup.db")
        copy = open_store(f"sqlite:///{tmp_path / 'backup.db'}")
        assert await rows(copy) == await rows(parts.store)
        await copy.dispose()
