"""What the README tells a newcomer to type works: every line after `$ ` in a console block is run.

All blocks run in order in one folder, which begins as a copy of the checkout without its venv, so
that set-up is done for real. The test command is left out, as it is what runs this; `demo` gets
`--once`; `mailer serve` runs beside the rest until the end.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import registry
from tools import venv

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(?ms)^```console\n(.*?)^```$")
LEFT_OUT = (
    "python3 dev.py test",
    "python3 dev.py bench",
    "python3 dev.py faults",
    "git clone",
    "cd ",
)
READY = "ready"
NOT_COPIED = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", ".hypothesis")
LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of the README and what it says comes out, which is not compared."""

    line: str
    shown: str = ""


def commands(text: str) -> list[Command]:
    """The commands of all console blocks, in order. A backslash continues a line."""
    found: list[Command] = []
    for block in BLOCK.findall(text):
        for part in re.split(r"(?m)^\$ ", block)[1:]:
            line, _, shown = re.sub(r"\\\n\s*(?:> )?", "", part).partition("\n")
            found.append(Command(line=line.strip(), shown=shown))
    return found


def as_run(line: str) -> str | None:
    """The command as the test runs it; None if it is left out."""
    if line.startswith(LEFT_OUT):
        return None
    return f"{line} --once" if line == "python3 dev.py demo" else line


def test_commands_are_found_in_console_blocks_only() -> None:
    text = (
        "```console\n$ one --a \\\n    b\nshown\n$ two\n```\n"
        "```python\n$ three\n```\n"
        "```console\nno command\n$ python3 dev.py demo\n```\n"
    )
    assert commands(text) == [
        Command(line="one --a b", shown="shown\n"),
        Command(line="two"),
        Command(line="python3 dev.py demo"),
    ]


def test_demo_is_run_once_and_the_tests_are_not_run_by_themselves() -> None:
    assert as_run("python3 dev.py demo") == "python3 dev.py demo --once"
    assert as_run("python3 dev.py test") is None
    assert as_run("mailer check") == "mailer check"


@pytest.mark.timeout(600)
def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
    environment = {**os.environ, "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}"}
    lines = [as_run(command.line) for command in commands(README.read_text("utf-8"))]
    runnable = [line for line in lines if line]
    assert runnable, "the README has no command"
    daemons: list[subprocess.Popen[str]] = []
    try:
        for line in runnable:
            if re.search(r"\bmailer\b.*\bserve\b", line):
                daemons.append(start(line, folder, environment))
            else:
                run(line, folder, environment)
    finally:
        for daemon in daemons:
            daemon.terminate()
            daemon.communicate()


def run(line: str, folder: Path, environment: dict[str, str]) -> None:
    """Run one command as a shell would; it has to end with 0."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if venv.NOT_FETCHED in done.stdout:
        registry.missing("package index", "the README's set-up could not fetch the packages")
    assert done.returncode == 0, f"$ {line}\n{done.stdout}"


def start(line: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a daemon, and return when it says that it is ready."""
    daemon = subprocess.Popen(
        shlex.split(line.removesuffix("&")),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    first = daemon.stdout.readline()
    assert first.startswith(READY), f"$ {line}\n{first}"
    return daemon
