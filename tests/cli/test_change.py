"""`webinar edit`, `move`, `cancel`, `publish`: who would be told what, before and after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.cli.programme_options import DRY_RUN
from tests.world import ANA, BOB, SERIES, make_sqlite, opened, scheduled, send_all, subscribed

CONFIG = f"""
[outbound]
transport = "maildir"
[series.{SERIES.id}]
title = "Talks"
address = "{SERIES.address}"
timezone = "Europe/Zurich"
"""
START = (datetime.now(UTC) + timedelta(days=10)).replace(hour=13, minute=0, second=0, microsecond=0)
START = START.replace(tzinfo=None)  # wall clock
LATER = f"{START + timedelta(days=1):%Y-%m-%dT%H:%M}"
Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    """A programme of one webinar, of which two people were told."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    asyncio.run(announced(tmp_path))

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


async def announced(folder: Path) -> None:
    await make_sqlite(folder / "mailer.db")
    at = datetime.now(UTC) - timedelta(hours=1)
    async with opened(f"sqlite:///{folder / 'mailer.db'}", folder, at=at) as (parts, _):
        await subscribed(parts, ANA)
        await subscribed(parts, BOB)
        await scheduled(parts, START)
        await parts.planner.tick()
        await send_all(parts)


def document(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_dry_run_shows_who_would_be_told_and_stores_nothing(mailer: Mailer) -> None:
    shown = mailer("webinar", "move", "capasso", LATER, "--dry-run").stdout.splitlines()
    assert shown[0] == "changed: capasso (number 1), revision 1"
    assert shown[1].startswith("  starts: ")
    assert [line.partition(": ")[2] for line in shown[2:-1]] == [
        "update of capasso to 2 who were told otherwise; "
        "void if the change is taken back, or another one follows",
        "reminder of capasso to 2 subscribed; "
        "void if the webinar moves, is cancelled, or has begun",
    ]
    assert shown[-1] == DRY_RUN
    assert document(mailer("webinar", "show", "capasso", "--json"))["revision"] == 0
    assert {one["kind"] for one in document(mailer("plan", "--json"))} == {"reminder"}


def test_a_move_says_when_people_are_told(mailer: Mailer) -> None:
    before = datetime.now(UTC)
    [told] = document(mailer("webinar", "move", "capasso", LATER, "--json"))["next"]
    assert (told["kind"], told["recipients"]) == ("update", 2)
    at = datetime.fromisoformat(told["at"])
    window = timedelta(minutes=15)
    assert before + window < at + timedelta(seconds=1)
    assert at <= datetime.now(UTC) + window
    [planned] = [one for one in document(mailer("plan", "--json")) if one["kind"] == "update"]
    assert (planned["recipients"], planned["at"]) == (2, told["at"])


def test_a_cancellation_is_told_at_once(mailer: Mailer) -> None:
    shown = mailer("webinar", "cancel", "capasso", "--reason", "Ill.", "--dry-run").stdout
    assert "cancellation of capasso to 2 who were told otherwise" in shown
    [told] = document(mailer("webinar", "cancel", "capasso", "--json"))["next"]
    assert datetime.fromisoformat(told["at"]) <= datetime.now(UTC)


def test_a_spelling_is_told_when_that_is_asked_for(mailer: Mailer) -> None:
    edit = ("webinar", "edit", "capasso", "--title", "CAPASSO!", "--json")
    assert document(mailer(*edit, "--dry-run", "--notify"))["next"][0]["kind"] == "update"
    assert document(mailer(*edit))["next"] == []
    assert {one["kind"] for one in document(mailer("plan", "--json"))} == {"reminder"}


def test_what_is_taken_back_is_told_nobody(mailer: Mailer) -> None:
    mailer("webinar", "move", "capasso", LATER)
    back = document(mailer("webinar", "move", "capasso", f"{START:%Y-%m-%dT%H:%M}", "--json"))
    assert back["next"] == []


def test_a_cancellation_that_nobody_has_heard_of_is_taken_back_in_silence(mailer: Mailer) -> None:
    mailer("webinar", "cancel", "capasso")
    assert document(mailer("webinar", "publish", "capasso", "--json"))["next"] == []


def test_an_import_says_who_is_told(mailer: Mailer, tmp_path: Path) -> None:
    file = tmp_path / "programme.toml"
    file.write_text(
        f'[[webinar]]\nid = "capasso"\ntitle = "CAPASSO"\nstarts = {LATER}:00\nduration = "1h"\n'
    )
    shown = mailer("webinar", "import", str(file), "--dry-run").stdout
    assert "update of capasso to 2 who were told otherwise" in shown


def test_explain_tells_what_somebody_knows_and_what_comes(mailer: Mailer) -> None:
    mailer("webinar", "move", "capasso", LATER)
    found = document(mailer("explain", ANA.mailbox, "--json"))
    [told] = found["told"]
    assert (told["webinar"], told["status"], told["outdated"]) == ("capasso", "scheduled", True)
    assert [one["kind"] for one in found["next"]] == ["update", "reminder"]
    shown = mailer("explain", ANA.mailbox).stdout
    assert "UTC; that is not true any more\n" in shown
