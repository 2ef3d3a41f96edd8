"""The tests' PostgreSQL: one server, a database for each test."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

from mailer.store.engine import Store
from mailer.store.upgrade import make_ready
from tests.peers import postgres


def test_each_test_has_an_empty_database_of_its_own(
    postgres_server: postgres.Server, postgres_url: str
) -> None:
    other = postgres_server.create_database()
    with psycopg.connect(postgres_server.url(other)) as connection:
        connection.execute("CREATE TABLE mark (id int)")
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'mark'")
        assert found.fetchone() == (0,)
    postgres_server.drop_database(other)


def test_a_database_can_be_a_copy_of_another(postgres_server: postgres.Server) -> None:
    template = postgres_server.create_database()
    with psycopg.connect(postgres_server.url(template)) as connection:
        connection.execute("CREATE TABLE mark (id int)")
    copy = postgres_server.create_database(template)
    with psycopg.connect(postgres_server.url(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM mark").fetchone() == (0,)
    postgres_server.drop_database(copy)
    postgres_server.drop_database(template)


def test_the_server_is_asked_for_twice_and_is_one(
    postgres_server: postgres.Server, run_folder: Path
) -> None:
    assert postgres.shared(run_folder) == postgres_server


def test_the_server_does_not_run_as_root_in_its_own_eyes(postgres_server: postgres.Server) -> None:
    os.kill(postgres_server.pid, 0)
    with psycopg.connect(postgres_server.url("postgres")) as connection:
        version = connection.execute("SHOW server_version_num").fetchone()
    assert version is not None
    assert int(version[0]) >= 160000


async def test_the_store_is_open_and_has_the_schema_on_both_engines(store: Store) -> None:
    await make_ready(store, upgrade=False)


def test_fixture_gives_both_engines(database_url: str, request: object) -> None:
    name = getattr(request, "node").callspec.params["database_url"]  # noqa: B009
    assert database_url.startswith(f"{name}://")
