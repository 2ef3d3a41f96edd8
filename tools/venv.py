"""Makes `.venv` hold exactly what a lock file says, with the command `mailer` in it.

A stamp in the venv tells what was installed, so a second run costs milliseconds; a run that was
cut short leaves a mark, and the next one starts from an empty venv. It takes packages from
wherever pip is configured to look, and runs no code of the project.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import json
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import debian
from tools.errors import SetupError

NO_NETWORK = (
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "No matching distribution found",
    "Connection refused",
    "ProxyError",
    "Max retries exceeded",
)
NOT_FETCHED = "the packages could not be fetched"
SHOWN_LINES = 15  # of pip's output when it fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How much is installed: the locks that must be satisfied, the last of them holding all."""

    lock: str
    includes: tuple[str, ...]
    options: tuple[str, ...]


# What runs in production comes as wheels only; among the test tools is one without a wheel.
RUNTIME = Level(lock="requirements.lock", includes=(), options=("--only-binary", ":all:"))
TEST = Level(lock="requirements-test.lock", includes=("requirements.lock",), options=())


def prepare(root: Path, level: Level) -> str:
    """The path of a Python whose venv satisfies `level`; makes or mends the venv first."""
    folder = root / ".venv"
    python = folder / "bin" / "python"
    with one_at_a_time(root):
        wanted = stamp(root, level)
        if wanted.items() <= installed(folder).items() and python.exists():
            return str(python)
        started = time.monotonic()
        if is_broken(folder):
            create(folder)
        mark = folder / "unfinished"
        mark.touch()
        install(root, python, level)
        link_project(root, folder)
        (folder / "set-up.json").write_text(json.dumps(wanted), encoding="ascii")
        mark.unlink()
        say(f"ready in {time.monotonic() - started:.0f} s")
    return str(python)


@contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Two set-ups of one checkout wait for each other."""
    with (root / "dev.py").open("rb") as itself:
        try:
            fcntl.flock(itself, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(itself, fcntl.LOCK_EX)
        yield


def stamp(root: Path, level: Level) -> dict[str, str]:
    """What a venv of this level was made from."""
    locks = (*level.includes, level.lock)
    missing = [name for name in locks if not (root / name).is_file()]
    if missing:
        raise SetupError(f"{missing[0]} is missing; make it with: python3 dev.py lock")
    hashes = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in locks}
    return {"folder": str(root / ".venv"), "python": sys.version, **hashes}


def installed(folder: Path) -> dict[str, str]:
    """The stamp of the venv as it is; empty if it is missing or its set-up was cut short."""
    if (folder / "unfinished").exists():
        return {}
    try:
        found = json.loads((folder / "set-up.json").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()}


def is_broken(folder: Path) -> bool:
    """Whether to start from nothing: absent, cut short, moved, or of another Python."""
    found = installed(folder)
    wanted = {"folder": str(folder), "python": sys.version}
    whole = wanted.items() <= found.items() and (folder / "bin" / "python").exists()
    return not whole


def create(folder: Path) -> None:
    """An empty venv of the running Python, with pip."""
    need_ensurepip()
    say("making .venv")
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    # In a venv, the Python that it came from: the venv may be the one just taken away.
    base = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run(
        [base, "-m", "venv", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise SetupError(f"the venv could not be made:\n{made.stdout}{made.stderr}")


def need_ensurepip() -> None:
    """Stock Debian leaves ensurepip to a package of its own: fetch it as root, else name it."""
    if has_ensurepip():
        return
    hint = "this Python has no ensurepip, so no venv can be made"
    if not debian.can_install():
        raise SetupError(
            f"{hint}; run this, then try again:\n  {debian.COMMAND} python3-venv", exit_code=2
        )
    say(f"{hint}; installing python3-venv")
    fault = debian.install(["python3-venv"])
    if fault or not has_ensurepip():
        cause = fault or "it is still not there"
        text = f"{hint}: {cause}\nrun this, then try again:\n  {debian.COMMAND} python3-venv"
        raise SetupError(text, exit_code=2)


def has_ensurepip() -> bool:
    """Whether `python -m venv` could work; a child is asked, as what is there may have changed."""
    importlib.invalidate_caches()
    question = "import venv, ensurepip; ensurepip.version()"
    asked = subprocess.run([sys.executable, "-c", question], capture_output=True, check=False)
    return asked.returncode == 0


def install(root: Path, python: Path, level: Level) -> None:
    """Put what the lock says into the venv. Dependencies are not solved: the lock is complete."""
    total = sum("==" in line for line in (root / level.lock).read_text("utf-8").splitlines())
    say(f"{level.lock}: {total} packages; the first time takes about a minute")
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--progress-bar", "off", "--no-input"]
    command += [*level.options, "-r", str(root / level.lock)]
    said: list[str] = []
    seen = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        for line in pip.stdout or ():
            said.append(line)
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                seen += 1
                if seen % 20 == 0:
                    say(f"  {seen} of at most {total} packages found")
            elif "Retrying (" in line:
                say("  the package index does not answer; pip tries again")
            elif line.startswith("Installing collected"):
                say("  unpacking")
    if pip.returncode != 0:
        raise SetupError(explain(said))


def explain(said: list[str]) -> str:
    """Why pip failed, in a line of ours, after the end of what it said."""
    shown = "".join(said[-SHOWN_LINES:])
    if any(sign in line for line in said for sign in NO_NETWORK):
        cause = f"{NOT_FETCHED}: is there a network, or an index that pip knows?"
    else:
        cause = "pip could not install what the lock says"
    return f"{shown}{cause}\nNothing is lost: run the same command again."


def link_project(root: Path, folder: Path) -> None:
    """Let the venv see this checkout, and give it the command: no build, no network."""
    (site,) = (folder / "lib").glob("python3*/site-packages")
    (site / "webinar-mailer.pth").write_text(f"{root}\n", encoding="utf-8")
    script = folder / "bin" / "mailer"
    script.write_text(LAUNCHER.format(python=folder / "bin" / "python"), encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


# Read by sh first: a path with spaces, or a long one, does not fit into a first line.
LAUNCHER = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from mailer.__main__ import main

sys.exit(main())
"""


def say(line: str) -> None:
    print(f"set-up: {line}", file=sys.stderr, flush=True)
