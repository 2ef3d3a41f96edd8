"""The commands of dev.py: each one is set-up, then one program run in the venv."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tools import check, lock, peer, venv
from tools.errors import SetupError

ROOT = Path(__file__).resolve().parent.parent


def run(name: str, arguments: list[str]) -> int:
    """Run the command `name`; the exit code. A machine that lacks a part is told and gives 2."""
    try:
        return COMMANDS[name](arguments)
    except SetupError as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def demo(arguments: list[str]) -> int:
    """Make the venv, then become the demonstration."""
    if arguments not in ([], ["--once"]):
        raise SetupError("usage: python3 dev.py demo [--once]", exit_code=2)
    python = venv.prepare(ROOT, venv.RUNTIME)
    become([python, "-m", "mailer.demo", *arguments])


def bench(arguments: list[str]) -> int:
    """Run one benchmark, or all of them one after the other."""
    scripts = {path.stem: path for path in sorted((ROOT / "bench").glob("[!_]*.py"))}
    if len(arguments) > 1 or (arguments and arguments[0] not in scripts):
        known = ", ".join(scripts) or "none yet"
        raise SetupError(f"usage: python3 dev.py bench [NAME], one of: {known}", exit_code=2)
    python = venv.prepare(ROOT, venv.TEST)
    chosen = [scripts[name] for name in arguments] or list(scripts.values())
    codes = [check.step([python, str(path)]) for path in chosen]
    return max(codes, default=0)


def faults(arguments: list[str]) -> int:
    """Run the fault injection in its long form, which is too long for every day."""
    os.environ[check.FAULTS_AT_LENGTH] = "1"
    return check.run(ROOT, ["tests/faults", *arguments])


def pictures(wanted: list[str]) -> int:
    """Draw the mails of these languages, the pages, or all, with Debian's browser and fonts."""
    python = venv.prepare(ROOT, venv.TEST)
    lacking = [package for package, file in peer.FOR_PICTURES.items() if not Path(file).exists()]
    faults = peer.fetch(lacking) if lacking else {}
    if faults:
        reasons = "\n".join(f"{package}: {reason}" for package, reason in faults.items())
        raise SetupError(f"the pictures need more of Debian\n{reasons}", exit_code=2)
    return check.step([python, "-m", "docs.pictures", *wanted])


def renew_locks(_: list[str]) -> int:
    return lock.renew(ROOT)


def test(arguments: list[str]) -> int:
    return check.run(ROOT, arguments)


def become(program: list[str]) -> NoReturn:
    """Replace this process, so that signals reach the program itself."""
    sys.stdout.flush()
    os.execv(program[0], program)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": demo,
    "test": test,
    "bench": bench,
    "faults": faults,
    "pictures": pictures,
    "lock": renew_locks,
}
