"""`mailer announcement`: what organisers write, from the file to its end, and how far it is."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
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
organisers = ["ada@example.org", "bo@example.org"]
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
                " 'announcement', 5, 'x', ?, 'en', 'UTC', 'm', ?, ?, ?, ?, ?)",
                (number, f"x{number}", state, reason, reply, AT, AT),
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


def test_the_list_may_be_of_one_series(mailer: Mailer) -> None:
    (one,) = json.loads(mailer("announcement", "list", "--series", "copyright", "--json").stdout)
    assert (one["id"], one["series"]) == (1, "copyright")
    mailer("announcement", "list", "--series", "other", code=2)


# --- what organisers write ---

IN_A_MONTH = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
TEXT = """---
subject: What comes next year
at: {at:%Y-%m-%dT%H:%M:%SZ}
---
Dear all,

our next series starts in **January**. Read [the plan](https://www.example.org/plan).
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "news.md"
    path.write_text(TEXT.format(at=IN_A_MONTH), encoding="utf-8")
    return path


@pytest.fixture
def reader(mailer: Mailer) -> None:
    for address in ("ana@example.net", "bea@example.net"):
        mailer("subscriber", "add", address, "--confirmed", "--consent", "asked for it")


def messages(mailer: Mailer) -> list[dict[str, object]]:
    """What `mailer plan` has of what organisers wrote."""
    found = json.loads(mailer("plan", "--json").stdout)
    return [one for one in found if one["kind"] == "message"]


@pytest.mark.usefixtures("reader")
def test_a_file_is_queued_and_listed_with_its_countdown(mailer: Mailer, file: Path) -> None:
    due = f"{IN_A_MONTH:%Y-%m-%dT%H:%M:%SZ}"
    made = json.loads(mailer("announcement", "queue", str(file), "--json").stdout)
    week = f"{IN_A_MONTH + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}"
    assert made == {
        "id": 2,
        "state": "planned",
        "due_at": due,
        "recipients": 2,
        "expires_at": week,
        "already": False,
        "waits_for": [],
    }
    _, listed = json.loads(mailer("announcement", "list", "--json").stdout)
    assert listed["subject"] == "What comes next year"
    assert 29 * 86_400 < listed["seconds_left"] <= 30 * 86_400
    (line,) = mailer("announcement", "list").stdout.splitlines()[1:]
    assert re.fullmatch(rf"    2  {due}  in 29 d 23 h +planned +0/0  What comes next year", line)
    found = json.loads(mailer("outbox", "--json").stdout)["announcements"][1]
    assert {
        name: found[name] for name in ("id", "subject", "due_at", "state", "total", "sent")
    } == {
        "id": 2,
        "subject": "What comes next year",
        "due_at": due,
        "state": "planned",
        "total": 0,
        "sent": 0,
    }
    (planned,) = messages(mailer)
    assert (planned["at"], planned["recipients"]) == (due, 2)


@pytest.mark.usefixtures("reader")
def test_the_same_file_is_queued_once(mailer: Mailer, file: Path) -> None:
    mailer("announcement", "queue", str(file))
    again = json.loads(mailer("announcement", "queue", str(file), "--json").stdout)
    assert (again["id"], again["already"]) == (2, True)
    told = mailer("announcement", "queue", str(file)).stdout
    assert told.startswith("This text was queued before; --again queues it once more.\n")
    at = f"{IN_A_MONTH + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    refused = mailer("announcement", "queue", str(file), "--at", at, code=1).stderr
    assert "is announcement 2 already, planned for" in refused
    once_more = mailer("announcement", "queue", str(file), "--at", at, "--again", "--json")
    assert json.loads(once_more.stdout)["id"] == 3
    mailer("announcement", "cancel", "2")
    mailer("announcement", "cancel", "3")
    assert json.loads(mailer("announcement", "queue", str(file), "--json").stdout)["id"] == 4


@pytest.mark.usefixtures("reader")
def test_a_preview_shows_all_and_queues_nothing(mailer: Mailer, file: Path, tmp_path: Path) -> None:
    html, eml = tmp_path / "news.html", tmp_path / "news.eml"
    told = mailer("announcement", "preview", str(file), "--html", str(html), "--eml", str(eml))
    assert told.stdout.startswith("Subject:     What comes next year\nGoes out:    ")
    assert "Recipients:  2 subscribed now, counted again when it goes out; the frame in en\n" in (
        told.stdout
    )
    assert (
        "\nour next series starts in January. Read the plan\n<https://www.example.org/plan>.\n"
        in (told.stdout)
    )
    assert "<strong>January</strong>" in html.read_text()
    mail = email.message_from_bytes(eml.read_bytes(), policy=email.policy.default)
    assert (mail["To"], mail["Subject"]) == ("reader@example.org", "What comes next year")
    assert json.loads(mailer("announcement", "list", "--json").stdout)[1:] == []


def test_the_frame_is_in_the_readers_language(mailer: Mailer, file: Path) -> None:
    told = mailer("announcement", "preview", str(file), "--language", "fr").stdout
    assert "Read the plan" in told
    assert "Vous recevez ce message" in told.replace("\n", " ")


def test_faults_name_the_file_and_the_line(mailer: Mailer, tmp_path: Path) -> None:
    path = tmp_path / "bad.md"
    path.write_text("---\nsubjekt: a\nat: soon\n---\nb\n")
    told = mailer("announcement", "queue", str(path), code=1).stderr.splitlines()
    assert [line.partition(": found")[0] for line in told] == [
        f"{path}: line 2, subjekt",
        f"{path}: subject",
        f"{path}: line 3, at",
    ]
    path.write_bytes(b"subject: \xff\n\nb")
    assert "expected text in UTF-8" in mailer("announcement", "queue", str(path), code=1).stderr


def test_a_broken_template_is_told_when_the_text_is_queued(
    mailer: Mailer, file: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own/mail/message/body.txt"
    own.parent.mkdir(parents=True)
    own.write_text("{{ detail.body }}\n{{ nothing }}\n")
    with (tmp_path / "config.toml").open("a") as config:
        config.write('[templates]\nfolder = "own"\n')
    told = mailer("announcement", "queue", str(file), code=1).stderr
    assert told == f"template {own}, line 2: UndefinedError: 'nothing' is undefined\n"
    assert len(json.loads(mailer("announcement", "list", "--json").stdout)) == 1


def test_a_test_copy_goes_to_one_address(mailer: Mailer, file: Path, tmp_path: Path) -> None:
    mailer("announcement", "test", str(file), "--to", "ada@example.org")
    with sqlite3.connect(tmp_path / "mailer.db") as connection:
        rows = connection.execute(
            "SELECT recipient, kind, announcement_id, subscription_id FROM outbox WHERE id > 4"
        ).fetchall()
    assert rows == [("ada@example.org", "message", None, None)]
    mailer("announcement", "test", str(file), "--to", "nobody", code=2)
    mailer("subscriber", "forget", "gone@example.net")
    told = mailer("announcement", "test", str(file), "--to", "gone@example.net", code=1).stderr
    assert told == "gone@example.net must not be mailed (forgotten)\n"


@pytest.mark.usefixtures("reader")
def test_it_is_paused_resumed_and_cancelled(mailer: Mailer, file: Path) -> None:
    mailer("announcement", "queue", str(file))
    paused = json.loads(mailer("announcement", "pause", "2", "--json").stdout)
    assert paused == {"id": 2, "state": "paused", "sent": 0, "waiting": 0, "under_way": 0}
    assert messages(mailer) == []
    assert mailer("announcement", "pause", "2", code=1).stderr == (
        "announcement 2 is paused: it cannot be paused\n"
    )
    assert json.loads(mailer("announcement", "resume", "2", "--json").stdout)["state"] == "planned"
    assert json.loads(mailer("announcement", "cancel", "2", "--json").stdout)["state"] == (
        "cancelled"
    )
    found = json.loads(mailer("announcement", "show", "2", "--json").stdout)
    assert [one["act"] for one in found["deeds"]] == [
        "queued",
        "approved",
        "paused",
        "resumed",
        "cancelled",
    ]
    assert found["content"].startswith("Dear all,")
    mailer("announcement", "cancel", "9", code=1)


@pytest.mark.usefixtures("reader")
def test_where_another_has_to_approve_it_waits_for_them(
    mailer: Mailer, file: Path, tmp_path: Path
) -> None:
    with (tmp_path / "config.toml").open("a") as config:
        config.write('approval = "other"\n')
    made = json.loads(
        mailer("announcement", "queue", str(file), "--by", "ada@example.org", "--json").stdout
    )
    assert (made["state"], made["waits_for"]) == ("waiting", ["bo@example.org"])
    assert "(waits for bo@example.org)" in mailer("announcement", "list").stdout
    with sqlite3.connect(tmp_path / "mailer.db") as connection:
        asked = connection.execute("SELECT recipient FROM outbox WHERE template = 'reply-preview'")
        assert sorted(asked.fetchall()) == [("ada@example.org",), ("bo@example.org",)]
    for by in ((), ("--by", "ada@example.org")):
        told = mailer("announcement", "approve", "2", *by, code=1).stderr
        assert told.startswith("another organiser than its author has to approve it")
    mailer("announcement", "approve", "2", "--by", "eve@example.org", code=2)
    approved = mailer("announcement", "approve", "2", "--by", "bo@example.org", "--json")
    assert json.loads(approved.stdout)["state"] == "planned"
    assert mailer("announcement", "approve", "1", code=1).stderr == (
        "no organiser wrote an announcement 1\n"
    )
