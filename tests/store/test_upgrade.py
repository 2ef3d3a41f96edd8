"""The schema: made, recognised, refused; and equal to the tables that the code uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

import mailer.store.migrations
from mailer.errors import SchemaTooNew, SchemaTooOld
from mailer.store.engine import open_store
from mailer.store.schema import metadata
from mailer.store.upgrade import HEAD, make_ready


def test_head_is_the_newest_migration() -> None:
    config = Config()
    folder = Path(mailer.store.migrations.__file__).parent
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_the_migrations_make_the_tables_that_the_code_uses(database_url: str) -> None:
    store = open_store(database_url)
    await make_ready(store, upgrade=False)

    def differences(connection: SyncConnection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return compare_metadata(context, metadata)

    assert await store.write(lambda c: c.run_sync(differences)) == []
    await store.dispose()


async def test_making_ready_twice_is_harmless(database_url: str) -> None:
    store = open_store(database_url)
    await make_ready(store, upgrade=False)
    await make_ready(store, upgrade=True)
    await store.dispose()


@pytest.mark.parametrize(("version", "error"), [("0000", SchemaTooOld), ("9999", SchemaTooNew)])
async def test_another_schema_is_refused_and_the_way_on_is_named(
    database_url: str, version: str, error: type[Exception]
) -> None:
    store = open_store(database_url)
    await make_ready(store, upgrade=False)
    set_version = text("UPDATE alembic_version SET version_num = :v").bindparams(v=version)
    await store.write(lambda c: c.execute(set_version))
    with pytest.raises(error, match=r"db upgrade|install the version"):
        await make_ready(store, upgrade=False)
    await store.dispose()
