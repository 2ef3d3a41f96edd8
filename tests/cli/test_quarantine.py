"""`mailer quarantine`: what is kept is shown, and tried once more."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.intake.quarantine import MOST_FAILURES
from tests.world import SERIES, letter, make_sqlite, opened

CONFIG = f"""
[outbound]
transport = "maildir"
[series.copyright]
title = "Talks"
address = "{SERIES.address}"
timezone = "Europe/Zurich"
"""
WISH = letter("eve@example.com", SERIES.address, "subscribe \x1b[31m")


def mailer(tmp_path: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(
        cli, ["--config", str(tmp_path / "config.toml"), "quarantine", *arguments]
    )
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))
    return tmp_path


def set_aside(folder: Path) -> None:
    """A mail that could not be read, three times."""

    async def run() -> None:
        async with opened(f"sqlite:///{folder / 'mailer.db'}", folder) as (parts, _):
            recipient = parts.intake.route(SERIES.address)
            assert recipient is not None
            for _ in range(MOST_FAILURES):
                await parts.intake.set_aside(
                    WISH,
                    recipient,
                    sender="eve@example.com",
                    address=SERIES.address,
                    source="lmtp",
                    error=RecursionError(),
                )

    asyncio.run(run())


def test_as_a_rule_nothing_is_kept(world: Path) -> None:
    assert mailer(world).output == "Nothing is kept: every mail was processed.\n"
    assert json.loads(mailer(world, "--json").output) == []
    assert mailer(world, "show", "1", code=1).output == (
        "no mail 1 is kept: `mailer quarantine` lists those that are\n"
    )
    assert mailer(world, "retry", "1", code=1).output == mailer(world, "show", "1", code=1).output


def test_what_is_kept_is_listed_and_shown(world: Path) -> None:
    set_aside(world)
    assert mailer(world).output == (
        f"1  2026-10-01 12:00 UTC  to {SERIES.address}  {len(WISH)} bytes by lmtp  "
        "kept aside: RecursionError; until 2026-10-31\n"
    )
    (one,) = json.loads(mailer(world, "--json").output)
    assert (one["number"], one["outcome"]) == (1, "kept aside: RecursionError")
    shown = mailer(world, "show", "1").output
    assert "Subject: subscribe \\x1b[31m\n" in shown
    assert mailer(world, "show", "1", "--raw").stdout_bytes == WISH


def test_it_is_tried_once_more(world: Path) -> None:
    set_aside(world)
    assert mailer(world, "retry", "1").output == "mail 1: asked to confirm\n"
    assert mailer(world).output == "Nothing is kept: every mail was processed.\n"
