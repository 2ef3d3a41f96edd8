"""`mailer plan`: which time and which series it speaks of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli

CONFIG = """
[outbound]
transport = "maildir"
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
[series.films]
title = "Films"
address = "films@lists.example.org"
timezone = "Asia/Tokyo"
"""
Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "2126-02-01", "--until", "2126-01-01"), "--until lies before --from"),
        (("--until", "2026-01-01"), "--until lies before now, and there is no --from"),
        (("--series", "film"), "there is no series film; there are: talks, films"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    mailer: Mailer, options: tuple[str, ...], told: str
) -> None:
    done = mailer("plan", *options, code=2)
    assert (done.stdout, done.stderr) == ("", f"{told}\n")


def test_an_empty_time_is_told_from_an_empty_programme(mailer: Mailer) -> None:
    assert mailer("plan").stdout.startswith("Nothing is planned. Add webinars")
    then = mailer("plan", "--from", "2126-01-01", "--until", "2126-02-01").stdout
    assert then == "Nothing is planned for that time. `mailer plan` shows all that is.\n"


def test_a_time_is_by_the_clock_of_the_series_that_was_named(mailer: Mailer) -> None:
    mailer("webinar", "add", "--series", "films", "--title", "One", "--id", "one",
           "--starts", "2126-01-15T13:00", "--duration", "1h")  # fmt: skip
    # Its announcement is due at 9 in Tokyo, when it is 1 in Zurich.
    on = ("plan", "--json", "--series", "films", "--from", "2126-01-01T09:00", "--until")
    first, *_ = json.loads(mailer(*on, "2126-01-02").stdout)
    assert (first["kind"], first["at"]) == ("announcement", "2126-01-01T00:00:00Z")
