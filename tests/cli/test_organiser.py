"""`mailer organiser link`: a way in for an organiser, and for nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli

CONFIG = """
[outbound]
transport = "maildir"
[series.copyright]
title = "Talks"
address = "webinars@lists.example.org"
timezone = "Europe/Zurich"
organisers = ["Ada@example.org", "bo@example.org"]
"""
WEB = """
[web]
base_url = "https://webinars.example.org"
"""


def link(folder: Path, *arguments: str) -> Result:
    command = ["--config", str(folder / "config.toml"), "organiser", "link", *arguments]
    return CliRunner().invoke(cli, command)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG + WEB, encoding="utf-8")
    return tmp_path


def test_an_organiser_gets_a_link(world: Path) -> None:
    made = link(world, "ada@example.org")
    start, _, token = made.stdout.strip().rpartition("/")
    assert (made.exit_code, start) == (0, "https://webinars.example.org/admin/sign-in")
    assert len(token) == 26


def test_the_link_is_told_as_json(world: Path) -> None:
    told = json.loads(link(world, "ada@example.org", "--json").stdout)
    assert told.keys() == {"address", "url", "expires_at"}
    assert told["address"] == "Ada@example.org"


def test_nobody_else_gets_one(world: Path) -> None:
    for address in ("eve@example.org", "no address"):
        made = link(world, address)
        assert (made.exit_code, made.stdout) == (1, "")
        assert made.stderr == (
            f"{address} is no organiser; they are: Ada@example.org, bo@example.org\n"
        )


def test_without_pages_there_is_no_way_in(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    made = link(tmp_path, "ada@example.org")
    assert (made.exit_code, made.stderr) == (
        1,
        "there are no pages: the configuration has no [web]\n",
    )
