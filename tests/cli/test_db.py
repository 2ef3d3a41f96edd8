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
    assert told.startswith(f"cannot open {tmp_path}/config.toml/x.db: ")


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


def test_a_backup_that_cannot_be_written_is_one_line(mailer: Mailer, tmp_path: Path) -> None:
    done = mailer("db", "backup", str(tmp_path / "nowhere" / "x.db"), code=1)
    told = f"cannot write {tmp_path}/nowhere/x.db: unable to open database file\n"
    assert (done.stdout, done.stderr) == ("", told)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_backup_is_refused_before_anything_is_touched(
    mailer: Mailer, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "backup.db"
    file.write_bytes(content)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = mailer("db", "restore", "--replace", str(file), code=1)
    told = f"{file} is no backup: expected a file that `mailer db backup` wrote\n"
    assert (done.stdout, done.stderr, file.read_bytes()) == ("", told, content)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert json.loads(mailer("webinar", "list", "--json").stdout) == []


def keys(folder: Path) -> list[bytes]:
    database = sqlite3.connect(folder / "mailer.db")
    found = [bytes(key) for (key,) in database.execute("SELECT secret FROM token_key ORDER BY id")]
    database.close()
    return found


def reloads(folder: Path) -> list[str]:
    database = sqlite3.connect(folder / "mailer.db")
    statement = "SELECT value FROM setting WHERE key = 'configuration.change'"
    found = [value for (value,) in database.execute(statement)]
    database.close()
    return found


def test_a_new_key_is_kept_beside_those_before_and_a_daemon_takes_it_up(
    mailer: Mailer, tmp_path: Path
) -> None:
    (before,) = keys(tmp_path)
    assert json.loads(mailer("db", "new-key", "--json").stdout) == {"kept": "the database"}
    kept, new = keys(tmp_path)
    assert (kept, new != before, reloads(tmp_path)) == (before, True, ["1"])


def test_a_new_key_goes_into_the_file_of_keys(mailer: Mailer, tmp_path: Path) -> None:
    config, file = tmp_path / "config.toml", tmp_path / "token.key"
    config.write_text('key_file = "token.key"\n' + CONFIG, encoding="utf-8")
    mailer("webinar", "list")
    before = file.read_text("ascii").splitlines()
    told = mailer("db", "new-key").stdout
    assert told == f"There is a new key in {file}; those before are kept for what was mailed.\n"
    after = file.read_text("ascii").splitlines()
    assert (len(before), len(after), after[1:]) == (1, 2, before)
    assert (len(keys(tmp_path)), reloads(tmp_path)) == (1, ["1"])
