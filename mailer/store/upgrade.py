"""Brings a database to this program's schema, or says why it cannot be used as it is.

A migration runs in one transaction with the note of its version: killed anywhere, it has either
happened or not (F41). A database from a newer version is never touched.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.errors import SchemaTooNew, SchemaTooOld
from mailer.store.engine import Store

HEAD = "0001"  # the newest of migrations/versions; a test holds the two together
_ONE_UPGRADE_AT_A_TIME = 0x6D61696C  # advisory lock on PostgreSQL


async def make_ready(store: Store, *, upgrade: bool) -> None:
    """Make an empty database whole and check the version of any other.

    With ``upgrade`` an older schema is brought up to date, else `SchemaTooOld` names the command.
    """
    found = await _version(store)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise SchemaTooNew(
            f"the database has schema {found}, this program knows up to {HEAD}: "
            "install the version that upgraded it"
        )
    if found is not None and not upgrade:
        raise SchemaTooOld(
            f"the database has schema {found}, this program wants {HEAD}: "
            "run `mailer db upgrade` (a backup first: `mailer db backup FILE`)"
        )
    await store.write(_upgrade)


async def _version(store: Store) -> str | None:
    """The schema's version, None for an empty database."""
    path = store.sqlite_path
    if path is not None and (not path.exists() or path.stat().st_size == 0):
        return None

    async def unit(connection: AsyncConnection) -> str | None:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        if "alembic_version" not in tables:
            return None
        version: str | None = await connection.scalar(
            text("SELECT version_num FROM alembic_version")
        )
        return version

    return await store.read(unit)


async def _upgrade(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_UPGRADE_AT_A_TIME}
        )
    await connection.run_sync(_migrate)


def _migrate(connection: Connection) -> None:
    from alembic import command  # slow to import, and needed once in a database's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
