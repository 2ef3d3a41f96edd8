"""`mailer registration`: the list of a webinar, for people, programs and spreadsheets."""

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
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
"""
AT = 1_792_000_000_000  # milliseconds: 2026-10-14T17:46:40Z
PEOPLE = (
    ("ada@example.org", "Ada Example", "registered"),
    ("eve@example.org", '=HYPERLINK("https://www.example.org")', "registered"),
    ("bob@example.org", "Bob\x1b[2J", "declined"),
)

Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    """Runs one command; there is one webinar, matching, with 20 places."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(config), *arguments])

    made = run(
        *("webinar", "add", "--id", "matching", "--title", "Matching", "--duration", "1h"),
        *("--starts", "2099-11-25T13:00", "--capacity", "20"),
    )
    assert made.exit_code == 0, made.output
    return run


@pytest.fixture
def people(mailer: Mailer, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mailer.db") as connection:
        for number, (address, name, state) in enumerate(PEOPLE, start=1):
            connection.execute(
                "INSERT INTO subscriber (id, address_key, mailbox, name, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, 0, 0)",
                (number, address, address, name),
            )
            connection.execute(
                "INSERT INTO registration (subscriber_id, webinar_id, state, at)"
                " VALUES (?, 1, ?, ?)",
                (number, state, AT + number * 1000),
            )


@pytest.mark.usefixtures("people")
def test_registrations_are_listed_for_people(mailer: Mailer) -> None:
    result = mailer("registration", "list", "matching")
    assert result.stdout.splitlines() == [
        "ADDRESS          STATE       AT                    NAME",
        "ada@example.org  registered  2026-10-14T17:46:41Z  Ada Example",
        'eve@example.org  registered  2026-10-14T17:46:42Z  =HYPERLINK("https://www.example.org")',
        "bob@example.org  declined    2026-10-14T17:46:43Z  Bob\\x1b[2J",
        "2 registered of 20 places, 1 said that they do not come",
    ]


@pytest.mark.usefixtures("people")
def test_registrations_are_listed_as_json(mailer: Mailer) -> None:
    assert json.loads(mailer("registration", "list", "1", "--json").stdout) == [
        {
            "webinar": "matching",
            "address": address,
            "name": name,
            "state": state,
            "at": f"2026-10-14T17:46:{40 + number}Z",
        }
        for number, (address, name, state) in enumerate(PEOPLE, start=1)
    ]


@pytest.mark.usefixtures("people")
def test_no_cell_of_the_csv_is_a_formula(mailer: Mailer) -> None:
    lines = mailer("registration", "list", "matching", "--csv").stdout_bytes.split(b"\r\n")
    assert lines[:3] == [
        b'"address","name","state","at"',
        b'"ada@example.org","Ada Example","registered","2026-10-14T17:46:41Z"',
        b'"eve@example.org","\'=HYPERLINK(""https://www.example.org"")","registered",'
        b'"2026-10-14T17:46:42Z"',
    ]


def test_nobody_is_said_in_words(mailer: Mailer) -> None:
    assert mailer("registration", "list", "matching").stdout == (
        "Nobody has registered for matching.\n"
    )
    assert json.loads(mailer("registration", "list", "matching", "--json").stdout) == []


def test_registration_elsewhere_is_pointed_out(mailer: Mailer) -> None:
    url = "https://www.example.org/register"
    mailer("webinar", "edit", "matching", "--registration-url", url)
    result = mailer("registration", "list", "matching", "--json")
    assert (result.stdout, result.stderr) == (
        "[]\n",
        "matching: registration is at https://www.example.org/register\n",
    )


def test_an_unknown_webinar_names_the_nearest(mailer: Mailer) -> None:
    result = mailer("registration", "list", "matchin")
    assert (result.exit_code, result.stderr) == (
        1,
        "there is no webinar 'matchin' in talks; did you mean matching?\n",
    )


def test_csv_and_json_exclude_each_other(mailer: Mailer) -> None:
    assert mailer("registration", "list", "matching", "--csv", "--json").exit_code == 2
