"""`mailer outbox`: the state of sending, its switch, and what is tried again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.store import announcement, node, trouble
from mailer.store.trouble import Trouble
from tests.world import make_sqlite, opened, scheduled, subscribed

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
    """Runs one command; one announcement has failed just now."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))

    async def fail() -> None:
        now = datetime.now(UTC)
        async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, at=now) as (parts, _):
            await subscribed(parts)
            await scheduled(parts, now.replace(tzinfo=None, microsecond=0) + timedelta(days=10))
            await parts.planner.plan()
            for item in await parts.store.read(announcement.listing):
                if item.kind == "announcement":
                    await parts.store.write(
                        lambda c, item=item: announcement.fail(  # type: ignore[misc]
                            c, item.id, reason="template a.txt, line 3: no"
                        )
                    )

    asyncio.run(fail())

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(config), "outbox", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_what_has_failed_is_shown_with_its_reason(mailer: Mailer) -> None:
    lines = mailer().stdout.splitlines()
    (line,) = [one for one in lines if " failed " in one and "CAPASSO" in one]
    assert line.endswith("0/0 sent  announcement: CAPASSO (template a.txt, line 3: no)")


def test_a_retry_revives_failed_announcements_and_says_how_many(mailer: Mailer) -> None:
    assert mailer("retry").stdout == (
        "0 deferred mails will be tried now.\n"
        "1 failed announcement is planned again; the daemon must have been started since its "
        "template was mended.\n"
    )
    assert json.loads(mailer("retry", "--json").stdout) == {"retried": 0, "revived": 0}


def test_the_switch_answers_in_json_too(mailer: Mailer) -> None:
    assert json.loads(mailer("stop", "--json").stdout) == {"stopped": True}
    assert json.loads(mailer("--json").stdout)["stopped"] is True
    assert json.loads(mailer("go", "--json").stdout) == {"stopped": False}
    assert json.loads(mailer("--json").stdout)["stopped"] is False


def test_what_keeps_mail_from_leaving_stands_first(mailer: Mailer, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    away = Trouble(since=now, phase="connect", code=None, cause="refused", alarm=False)
    wrong = Trouble(since=now, phase="auth", code=535, cause="5.7.8 who are you?", alarm=True)

    async def suffer(node_id: str, what: Trouble) -> None:
        async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, at=now) as (parts, _):
            await parts.store.write(lambda c: node.arrive(c, node_id, now=now))
            await parts.store.write(lambda c: trouble.put(c, node_id, what))

    assert json.loads(mailer("--json").stdout)["troubles"] == []
    asyncio.run(suffer("a", away))
    asyncio.run(suffer("b", wrong))
    since = f"{now:%Y-%m-%d %H:%M} UTC"
    assert mailer().stdout.splitlines()[:5] == [
        f"No mail leaves since {since} (auth): 535 5.7.8 who are you?",
        "This will not end by waiting: see mailer check.",
        "",
        f"No mail leaves since {since} (connect): refused",
        "",
    ]
    shown = json.loads(mailer("--json").stdout)["troubles"]
    assert [(one["code"], one["alarm"]) for one in shown] == [(535, True), (None, False)]
    assert shown[0]["since"].endswith("Z")
