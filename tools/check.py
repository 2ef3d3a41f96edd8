"""Every check of the project, one part after the other, each with its time.

All parts run even if an earlier one failed, so that one run tells everything. Peers that tests
wanted and did not get are named at the end; with CI=true that is a failure too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools import peer, venv

MOST_WORKERS = 4
AT_LENGTH = "MAILER_PROPERTIES_AT_LENGTH"  # tests/examples.py reads it
FAULTS_AT_LENGTH = "MAILER_FAULTS_AT_LENGTH"  # tests/faults/length.py reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the checks, as it went."""

    name: str
    code: int
    seconds: float


def run(root: Path, arguments: list[str]) -> int:
    """Set up, check, sum up; 0 only if nothing failed. With arguments pytest alone is run."""
    python = venv.prepare(root, venv.TEST)
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "missing-peers"
        notes.touch()
        os.environ[peer.NOTES] = str(notes)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each part would compile everything anew
        fetch_peers()
        if arguments:
            parts = [timed("pytest", [python, "-m", "pytest", *arguments])]
        else:
            parts = [timed(name, command) for name, command in everything(Path(python))]
        return sum_up(parts, notes.read_text("utf-8").splitlines())


def everything(python: Path) -> list[tuple[str, list[str]]]:
    """The parts in the order in which their findings help most; the tests come last."""
    ruff, imports = str(python.with_name("ruff")), str(python.with_name("lint-imports"))
    workers = str(min(os.cpu_count() or 1, MOST_WORKERS))
    alone = [str(python), "-m", "pytest", "-q"]  # what is over at once gains nothing by workers
    pytest = [*alone, "-n", workers]
    pure = [f"tests/{name}" for name in ("message", "scheduler", "config", "files")]
    return [
        ("ruff check", [ruff, "check", "."]),
        ("ruff format", [ruff, "format", "--check", "."]),
        ("mypy", [str(python), "-m", "mypy"]),
        ("layers", [imports]),
        ("unit tests", [*alone, "-m", "not slow and not properties", *pure]),
        ("properties", ["env", f"{AT_LENGTH}=1", *pytest, "-m", "properties and not slow", *pure]),
        ("real parts", [*pytest, "-m", "slow", "--ignore=tests/faults"]),
        ("faults", [*pytest, "tests/faults"]),
    ]


def timed(name: str, command: list[str]) -> Part:
    """Run one part under a heading."""
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    code = step(command)
    return Part(name=name, code=code, seconds=time.monotonic() - started)


def step(command: list[str]) -> int:
    """Run one program to its end; its exit code, and a line if there is no such program."""
    try:
        return subprocess.run(command, check=False).returncode
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1


def fetch_peers() -> None:
    """Install what the tests talk to and this machine lacks; note what cannot be had."""
    wanted = [name for name, program in peer.FROM_DEBIAN.items() if peer.find(program) is None]
    if wanted:
        venv.say(f"the tests talk to {', '.join(wanted)}: asking Debian")
        for package, reason in peer.fetch(wanted).items():
            peer.note(package, reason)


def sum_up(parts: list[Part], missing: list[str]) -> int:
    """Print how each part went and which peers were not there; the exit code of the whole."""
    print("\n== summary")
    for part in parts:
        print(f"{'FAIL' if part.code else 'ok  '} {part.name:<18}{part.seconds:7.1f} s")
    if missing:
        print("Peers that were not there:")
        for line in sorted(set(missing)):
            print(f"  {line}")
    sys.stdout.flush()
    failed = any(part.code for part in parts) or (missing and peer.in_ci())
    return 1 if failed else 0
