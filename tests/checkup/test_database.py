"""The database under examination, on both engines; and files that are none."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.checkup.database import database, integrity, room, time_of_day
from mailer.config.model import Config, Database, Inbound, Outbound, TransportKind
from mailer.store import condition, node
from mailer.store.engine import Store
from scheduler.clock import SystemClock, VirtualClock

NOW = datetime.now(UTC).replace(microsecond=0)


def config(url: str, **more: object) -> Config:
    return Config(source=Path("config.toml"), series=(), database=Database(url=url), **more)  # type: ignore[arg-type]


async def summary(url: str) -> list[tuple[str, str]]:
    found = [one async for one in database(config(url), SystemClock())]
    return [(one.topic, str(one.verdict)) for one in found]


async def test_a_sound_database_is_in_order(migrated_url: str) -> None:
    assert await summary(migrated_url) == [
        ("database", "ok"),
        ("integrity", "ok"),
        ("writing", "ok"),
        ("clock", "ok"),
        ("dispatch", "ok"),
    ]


async def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "mailer.db").write_bytes(b"no database " * 500)
    assert await summary(f"sqlite:///{tmp_path}/mailer.db") == [("database", "fault")]


async def test_an_older_or_newer_schema_is_a_fault(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "mailer.db"
    for version in ("0000", "9999"):
        shutil.copy(sqlite_template, file)
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.close()
        assert await summary(f"sqlite:///{file}") == [("database", "fault")]


async def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert await summary(f"sqlite:///{tmp_path}/file/mailer.db") == [("database", "fault")]


async def test_a_damaged_index_is_found(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "mailer.db"
    shutil.copy(sqlite_template, file)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'ix_inbound_author_key'")
    connection.close()
    assert (await summary(f"sqlite:///{file}"))[1] == ("integrity", "fault")


async def test_a_clock_behind_what_is_noted_is_a_fault(store: Store) -> None:
    later = NOW + timedelta(hours=1)
    await store.write(lambda c: node.arrive(c, "here", now=later))
    assert (await time_of_day(store, VirtualClock(NOW))).verdict == "fault"
    assert await store.read(condition.newest_instant) == later


async def test_a_clock_that_was_never_set_is_a_fault(store: Store) -> None:
    clock = VirtualClock(datetime(1970, 1, 2, tzinfo=UTC))
    assert (await time_of_day(store, clock)).verdict == "fault"


async def test_a_clock_that_the_server_does_not_share_is_a_note(store: Store) -> None:
    found = await time_of_day(store, VirtualClock(NOW + timedelta(minutes=5)))
    assert found.verdict == ("ok" if store.sqlite_path else "note")


async def test_only_fresh_heartbeats_are_alive(store: Store) -> None:
    await store.write(lambda c: node.arrive(c, "old", now=NOW - timedelta(minutes=2)))
    await store.write(lambda c: node.arrive(c, "new", now=NOW - timedelta(seconds=5)))
    assert await store.read(lambda c: condition.living(c, now=NOW)) == ("new",)


async def test_integrity_is_postgresqls_own_affair(store: Store) -> None:
    assert (await integrity(store)).verdict == "ok"


@pytest.mark.parametrize(("least", "verdict"), [(65_536, "ok"), (2**60, "fault")])
def test_there_must_be_room_for_two_of_the_largest_mails(
    tmp_path: Path, least: int, verdict: str
) -> None:
    settings = config(
        f"sqlite:///{tmp_path}/not/yet/mailer.db",
        inbound=Inbound(max_message_bytes=least),
        outbound=Outbound(transport=TransportKind.MAILDIR, maildir=tmp_path / "outbox"),
    )
    assert [one.verdict for one in room(settings)] == [verdict, verdict]


def test_no_disk_is_looked_at_for_another_machines_database() -> None:
    assert room(config("postgresql://db.example.org/mailer")) == ()
