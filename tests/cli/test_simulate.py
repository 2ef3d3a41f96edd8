"""`mailer simulate`: where the mails go, and how that is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli

CONFIG = """
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def mailer(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), *arguments])


def simulate(config: Path, maildir: str, *options: str) -> Result:
    when = ("--from", "2126-01-01", "--until", "2126-01-20")
    return mailer(config, "simulate", *when, "--maildir", maildir, *options)


def test_a_folder_that_cannot_be_made_is_one_line(config: Path) -> None:
    wall = config.parent / "wall"
    wall.write_text("", encoding="utf-8")
    done = simulate(config, str(wall / "season"))
    told = f"{wall}/season/tmp: Not a directory; name a folder that can be made\n"
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", told)


def test_the_files_are_found_from_any_folder(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    stated = ("--confirmed", "--consent", "asked at the stand")
    assert mailer(config, "subscriber", "add", "ana@example.org", *stated).exit_code == 0
    start = ("--starts", "2126-01-15T13:00", "--duration", "1h")
    assert mailer(config, "webinar", "add", "--title", "One", *start).exit_code == 0
    listed = json.loads(simulate(config, "season", "--json").stdout)
    files = sorted(str(path) for path in (config.parent / "season" / "new").iterdir())
    assert sorted(one["file"] for one in listed) == files
    assert [(one["kind"], one["to"]) for one in listed] == [
        ("announcement", "ana@example.org"),
        ("reminder", "ana@example.org"),
    ]
