"""`mailer announcement show`: how far an announcement is, and why not everybody has it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from tests.world import make_sqlite

CONFIG = """
[outbound]
transport = "maildir"
[series.copyright]
title = "Talks"
address = "webinars@lists.example.org"
timezone = "Europe/Zurich"
"""
AT = 1_792_000_000_000  # milliseconds: 2026-10-14T17:46:40Z
ROWS = (
    (1, "sent", "", "250 ok", None, None),
    (2, "sent", "", "250 ok", "full", "mailbox full"),
    (3, "failed", "refused at rcpt", "550 5.1.1 unknown", "hard", "550 5.1.1 unknown"),
    (4, "queued", "", "", None, None),
)
Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    """Runs one command; announcement 1 went to four people."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    run("webinar", "list")  # brings the series into the database
    fill(tmp_path / "mailer.db")
    return run


def fill(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO announcement (id, key, series_id, notice_id, kind, audience, sequence,"
            " subject, due_at, released_at, expires_at, state, total, created_at) VALUES (1, 'a',"
            " 'copyright', 'n', 'announcement', 'subscribed', 0, 'Hello', ?, ?, ?, 'done', 4, ?)",
            (AT, AT, AT, AT),
        )
        for number, state, reason, reply, cls, detail in ROWS:
            connection.execute(
                "INSERT INTO outbox (id, series_id, announcement_id, kind, template, priority,"
                " recipient, recipient_key, language, zone, message_id, state, reason, reply,"
                " queued_at, not_before) VALUES (?, 'copyright', 1, 'announcement',"
                " 'announcement', 5, 'x', 'x', 'en', 'UTC', 'm', ?, ?, ?, ?, ?)",
                (number, state, reason, reply, AT, AT),
            )
            if cls:
                connection.execute(
                    "INSERT INTO bounce (outbox_id, at, class, status, source, detail, judged)"
                    " VALUES (?, ?, ?, '5.1.1', 'report', ?, 1)",
                    (number, AT, cls, detail),
                )


def test_people_read_how_many_have_it_and_why_others_do_not(mailer: Mailer) -> None:
    assert mailer("announcement", "show", "1").stdout == (
        "announcement to subscribed, done\n"
        "due 2026-10-14T17:46:40Z, not after 2026-10-14T17:46:40Z\n"
        "4 recipients so far: 1 queued, 2 sent, 1 failed\n"
        "1 of those sent came back\n"
        "\n"
        "Why not all have it:\n"
        "      1  failed: refused at rcpt, no such mailbox, 5.1.1\n"
        "         for example: 550 5.1.1 unknown\n"
        "      1  came back: mailbox full, 5.1.1\n"
        "         for example: mailbox full\n"
    )


def test_programs_get_the_same_as_json(mailer: Mailer) -> None:
    found = json.loads(mailer("announcement", "show", "1", "--json").stdout)
    assert (found["id"], found["state"], found["total"]) == (1, "done", 4)
    outcome = found["outcome"]
    assert outcome["states"] == {
        "queued": 1,
        "deferred": 0,
        "sending": 0,
        "in_doubt": 0,
        "sent": 2,
        "failed": 1,
        "suppressed": 0,
        "expired": 0,
        "cancelled": 0,
    }
    assert outcome["came_back"] == 1
    assert outcome["reasons"][0] == {
        "state": "failed",
        "reason": "refused at rcpt",
        "class": "hard",
        "status": "5.1.1",
        "count": 1,
        "example": "550 5.1.1 unknown",
    }
    assert [one["state"] for one in outcome["reasons"]] == ["failed", "sent"]


def test_an_announcement_that_is_not_there_is_one_clear_line(mailer: Mailer) -> None:
    assert mailer("announcement", "show", "7", code=1).stderr == (
        "there is no announcement 7; `mailer announcement list` has them all\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("queue", "new.md", "--at", "2026-12-01T09:00", "--json"),
        ("preview", "new.md"),
        ("test", "new.md", "--to", "ana@example.org"),
        ("approve", "1"),
        ("pause", "1"),
        ("resume", "1"),
        ("cancel",),
    ],
)
def test_what_is_promised_says_that_it_is_not_there_yet(
    mailer: Mailer, arguments: tuple[str, ...]
) -> None:
    done = mailer("announcement", *arguments, code=1)
    told = f"mailer announcement {arguments[0]}: not yet in this version\n"
    assert (done.stdout, done.stderr) == ("", told)
    assert arguments[0] not in mailer("announcement", "--help").stdout.split()


def test_the_list_may_be_of_one_series(mailer: Mailer) -> None:
    (one,) = json.loads(mailer("announcement", "list", "--series", "copyright", "--json").stdout)
    assert (one["id"], one["series"]) == (1, "copyright")
    mailer("announcement", "list", "--series", "other", code=2)
