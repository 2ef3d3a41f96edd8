"""`mailer bounces`: what it says of a wave, and how an organiser lets it count."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.store import people, wave
from mailer.store.wave import Wave
from tests.world import ANA, make_sqlite, opened, subscribed

CONFIG = """
[outbound]
transport = "maildir"
[series.copyright]
title = "Talks"
address = "webinars@lists.example.org"
timezone = "Europe/Zurich"
"""


def mailer(tmp_path: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(
        cli, ["--config", str(tmp_path / "config.toml"), "bounces", *arguments]
    )
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))
    return tmp_path


def surge(folder: Path) -> None:
    """Twenty mails to one domain, which Ana is of, came back just now."""

    async def unit(connection):  # type: ignore[no-untyped-def]
        now = datetime.now(UTC)
        for _ in range(20):
            await wave.count(connection, "example.net", now=now)
        await wave.put(connection, Wave(domain="example.net", people=30, counted_at=now, since=now))

    async def run() -> None:
        async with opened(f"sqlite:///{folder / 'mailer.db'}", folder) as (parts, _):
            ana = await subscribed(parts)
            assert ana.address == ANA
            await parts.store.write(unit)
            assert await parts.store.read(lambda c: people.by_id(c, ana.id)) is not None

    asyncio.run(run())


def test_as_a_rule_nothing_is_held(world: Path) -> None:
    assert mailer(world).output == (
        "Nothing is held: mails come back one by one, as they should.\n"
    )
    assert json.loads(mailer(world, "--json").output) == []


def test_a_wave_is_shown_and_accepted_once(world: Path) -> None:
    surge(world)
    assert mailer(world).output.startswith(
        "example.net: 20 mails came back within a day, 30 people there; "
        "nobody is tested or removed since 20"
    )
    (held,) = json.loads(mailer(world, "--json").output)
    assert (held["domain"], held["hard"], held["people"]) == ("example.net", 20, 30)
    assert mailer(world, "accept", "example.net").output == (
        "example.net: 0 mails that came back count now; who is meant is tested first\n"
    )
    assert mailer(world).output.startswith(
        "example.net: 20 mails came back within a day, 30 people there; accepted until 20"
    )
    assert mailer(world, "accept", "example.net", code=1).output == (
        "nothing is held for example.net; mailer bounces shows what is\n"
    )
