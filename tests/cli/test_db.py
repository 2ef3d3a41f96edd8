"""`mailer db`: moving a database, and what is said when it cannot be moved."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from tests.peers.postgres import free_port
from tests.world import make_sqlite

CONFIG = """
[outbound]
transport = "maildir"
[series.copyright]
title = "Talks"
address = "webinars@lists.example.org"
timezone = "Europe/Zurich"
"""
Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    run("webinar", "list")  # brings the series into the database
    return run


@pytest.mark.parametrize(
    "url",
    [
        *("not-a-url", "", "mysql://db.example.org/x", "sqlite://", "sqlite:///:memory:"),
        *("postgresql://u@db.example.org", "postgresql://u@db.example.org:port/x"),
    ],
)
def test_what_is_no_url_of_a_database_is_a_usage_error(mailer: Mailer, url: str) -> None:
    done = mailer("db", "copy", url, code=2)
    assert (done.stdout, done.stderr) == (
        "",
        f"URL: found {url!r}, expected sqlite:///FILE or postgresql://user@host/database\n",
    )


def test_a_password_in_it_is_not_shown(mailer: Mailer) -> None:
    told = mailer("db", "copy", "mysql://me:secret@db.example.org/x", code=2).stderr
    assert "secret" not in told


def one_line(done: Result) -> str:
    assert (done.stdout, done.stderr.count("\n"), done.exception.__class__) == ("", 1, SystemExit)
    return done.stderr


def test_a_target_that_does_not_answer_is_one_line(mailer: Mailer) -> None:
    url = f"postgresql://u@127.0.0.1:{free_port()}/x"
    assert one_line(mailer("db", "copy", url, code=1)).startswith("the database does not answer")


def test_a_target_whose_folder_cannot_be_is_one_line(mailer: Mailer, tmp_path: Path) -> None:
    told = one_line(mailer("db", "copy", f"sqlite:///{tmp_path}/config.toml/x.db", code=1))
    assert told.startswith(f"cannot make {tmp_path}/config.toml/x.db: ")


def test_a_target_that_has_data_is_one_line(mailer: Mailer, tmp_path: Path) -> None:
    told = "the database to copy into is not empty: name a new one\n"
    assert one_line(mailer("db", "copy", f"sqlite:///{tmp_path}/mailer.db", code=1)) == told
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE series (x)")
    assert one_line(mailer("db", "copy", f"sqlite:///{tmp_path}/other.db", code=1)) == told


def test_a_copy_and_a_restore_answer_in_json_too(mailer: Mailer, tmp_path: Path) -> None:
    target, copy = f"sqlite:///{tmp_path}/copy.db", tmp_path / "copy.db"
    done = json.loads(mailer("db", "copy", target, "--json").stdout)
    assert (done["url"], done["rows"] > 0) == (target, True)
    found = json.loads(mailer("db", "restore", str(copy), "--replace", "--json").stdout)
    assert found == {"file": str(copy), "rows": done["rows"], "stopped": True}
    assert json.loads(mailer("outbox", "--json").stdout)["stopped"] is True
