"""Fixtures that any test may ask for: peers, ports, and a database on each engine.

What is pure or reads a file at most is the unit part, which stays under ten seconds; every test
with a database, a connection, a peer program or the whole program is marked `slow` here.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import is_hypothesis_test

from mailer.config.model import Log
from mailer.log import configure
from mailer.log.handler import LineHandler
from mailer.store.engine import Store, open_store
from mailer.store.upgrade import make_ready
from tests.peers import postgres, registry
from tests.peers.certificate import Certificate, make_certificate
from tests.peers.postfix import Postfix, PostfixMissing, Route, find_program
from tests.peers.sink import Sink

if TYPE_CHECKING:  # what looks at no page is not to wait for it
    from playwright.async_api import Browser

RUN_FOLDER = "MAILER_TEST_RUN"  # environment variable: what the processes of one run share
PURE = ("message", "scheduler", "config", "files")  # below tests/
DATABASE_FIXTURES = ("database_url", "migrated_url")
PEER_FIXTURES = frozenset(
    {"postgres_server", "postgres_url", "postfix", "requires_postfix", "requires_systemd"}
)
HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """The process that the run begins with makes its folder; the others find it by its name."""
    if RUN_FOLDER not in os.environ:
        folder = tempfile.mkdtemp(prefix="mailer-tests-")
        Path(folder).chmod(0o755)  # PostgreSQL and Postfix are other users
        os.environ[RUN_FOLDER] = folder
        config.add_cleanup(lambda: end_run(Path(folder)))
        # A run that is told to stop (by `timeout`, say) still stops what it started.
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def end_run(folder: Path) -> None:
    """Stop what the run's processes started, and leave nothing behind."""
    del os.environ[RUN_FOLDER]
    postgres.stop_shared(folder)
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by nature."""
    for item in items:
        place = item.path.relative_to(HERE) if item.path.is_relative_to(HERE) else item.path
        if place.parts[0] not in PURE or needs_peer(item):
            item.add_marker(pytest.mark.slow)
        if is_hypothesis_test(getattr(item, "function", None)):
            item.add_marker(pytest.mark.properties)


def needs_peer(item: pytest.Item) -> bool:
    """Whether a test talks to PostgreSQL or Postfix, be it in one of its variants."""
    callspec = getattr(item, "callspec", None)
    if callspec is not None and "postgresql" in map(callspec.params.get, DATABASE_FIXTURES):
        return True
    return not PEER_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """A folder that all processes of this run share; gone at its end."""
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody has at this moment."""
    return postgres.free_port()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for localhost and 127.0.0.1, signed by itself."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest_asyncio.fixture
async def sink() -> AsyncIterator[Sink]:
    """A recording SMTP server with every extension but STARTTLS and AUTH."""
    async with Sink() as sink:
        yield sink


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's chromium, without a window."""
    from playwright.async_api import async_playwright

    program = registry.require("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> postgres.Server:
    """The run's PostgreSQL."""
    try:
        return postgres.shared(run_folder)
    except postgres.PostgresMissing as error:
        registry.missing("postgresql", str(error))


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """A new empty PostgreSQL database."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new empty database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mailer.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing in it."""
    file = tmp_path_factory.mktemp("template") / "mailer.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: postgres.Server) -> str:
    """The name of a PostgreSQL database with the schema and nothing in it."""
    name = postgres_server.create_database()
    migrate(postgres_server.url(name))
    return name


def migrate(url: str) -> None:
    """Give a database the schema; in a thread, as the test's own loop may be set up already."""

    async def make() -> None:
        store = open_store(url)
        await make_ready(store, upgrade=True)
        await store.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database with the schema, once on each engine; a copy, so it costs little."""
    if request.param == "sqlite":
        file = tmp_path / "mailer.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    name = server.create_database(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop_database(name)


@pytest_asyncio.fixture
async def store(migrated_url: str) -> AsyncIterator[Store]:
    """An open store with the schema, once on each engine."""
    store = open_store(migrated_url)
    yield store
    await store.dispose()


@pytest.fixture
def postfix() -> Callable[[Route], Postfix]:
    """Makes a Postfix of our own: `async with postfix(Route(...)) as server`."""
    try:
        find_program()
    except PostfixMissing as error:
        registry.missing("postfix", str(error))
    return Postfix


@pytest.fixture
def untouched_logging() -> Iterator[None]:
    """Whatever a test makes of logging, the next one finds it as it was."""
    names = ("", "mailer", "scheduler", "sqlalchemy", "uvicorn.access")
    before = {name: logging.getLogger(name).level for name in names}
    yield
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, LineHandler)]:
        root.removeHandler(handler)
        handler.close()
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def log(untouched_logging: None) -> io.StringIO:
    """Everything that is logged, at DEBUG."""
    stream = io.StringIO()
    configure(Log(level="debug"), stream)
    return stream
