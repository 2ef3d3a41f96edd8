"""`mailer --help` and `mailer COMMAND --help`: what they say, and what they do not load for it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import mailer
from mailer.cli.main import COMMANDS, cli

# What takes long to import and no help text needs.
HEAVY = (
    *("sqlalchemy", "alembic", "aiosqlite", "psycopg", "aiosmtplib", "aiosmtpd", "uvloop"),
    *("jinja2", "babel", "css_inline", "markdown_it", "nh3", "icalendar", "dateutil"),
    *("cryptography", "dns", "email_validator", "apscheduler", "structlog", "msgspec", "rich"),
    *("asyncio", "ssl", "mailer.parts", "mailer.service", "mailer.config.reading"),
)
THERE = [name for name in COMMANDS if importlib.util.find_spec(f"mailer.cli.{name}")]

SERIES = """
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
"""

# Prints which of the heavy modules each help text brought in first.
PROGRAM = """
import contextlib, io, json, sys
from mailer.cli.main import cli
heavy, found = json.loads(sys.argv[1]), {}
for line in json.loads(sys.argv[2]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        cli([*line, "--help"])
    loaded = [name for name in heavy if name in sys.modules]
    if loaded:
        found[" ".join(line)] = loaded
        break
print(json.dumps(found))
"""


def test_help_loads_nothing_heavy() -> None:
    lines: list[list[str]] = [[], *([name] for name in THERE)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(HEAVY), json.dumps(lines)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {}


def test_help_names_every_command_in_the_order_of_need() -> None:
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=200)
    listed = [line.split()[0] for line in shown.output.partition("Commands:\n")[2].splitlines()]
    assert (shown.exit_code, listed) == (0, list(COMMANDS))


@pytest.mark.parametrize("name", THERE)
def test_each_command_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"])
    usage, _, rest = shown.output.partition("\n\n")
    assert (shown.exit_code, usage.split()[:3]) == (0, ["Usage:", "cli", name])
    assert len(rest.strip().splitlines()[0].split()) >= 3, "one sentence that says what it does"


def test_unknown_command_is_a_usage_fault() -> None:
    assert CliRunner().invoke(cli, ["sned"]).exit_code == 2


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    config, wall = tmp_path / "config.toml", tmp_path / "wall"
    config.write_text(SERIES, encoding="utf-8")
    wall.write_text("", encoding="utf-8")
    program = [sys.executable, "-m", "mailer", "--config", str(config)]
    done = subprocess.run(
        [*program, "template", "preview", "welcome", "--html", str(wall / "x")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{wall}/x: Not a directory\n"


def test_version_is_that_of_the_package() -> None:
    shown = CliRunner().invoke(cli, ["--version"])
    assert shown.output == f"mailer, version {mailer.__version__}\n"
