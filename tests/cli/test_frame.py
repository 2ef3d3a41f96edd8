"""What every command shares: finding the configuration, errors as one line, JSON, times."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mailer.cli import frame
from mailer.cli.frame import config_option, json_option, series_option, with_parts
from mailer.errors import Fault, StoreUnavailable
from mailer.parts import Parts

CONFIG = """
[outbound]
transport = "maildir"
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
"""
SECOND = """
[series.films]
title = "Films"
address = "films@lists.example.org"
timezone = "UTC"
"""


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    at: datetime
    colours: tuple[Colour, ...]


@click.group()
@click.option("--config", "config_path")
@click.pass_context
def program(ctx: click.Context, config_path: str | None) -> None:
    ctx.obj = config_path


@program.command()
@series_option
@config_option
@click.pass_context
def series(ctx: click.Context, series_id: str | None, own_config: str | None) -> None:
    click.echo(frame.pick_series(frame.load_config(ctx, own_config), series_id).title)


@program.command()
@click.option("--fault", default="")
@config_option
@json_option
@click.pass_context
@with_parts
async def opened(parts: Parts, fault: str, as_json: bool) -> None:
    if fault:
        raise StoreUnavailable(fault)
    if as_json:
        frame.show({"series": [one.id for one in parts.config.series]})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(program, [str(one) for one in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_the_only_series_needs_no_name(config: Path) -> None:
    assert run("--config", config, "series") == (0, "Talks\n", "")


def test_one_of_several_series_has_to_be_named(config: Path) -> None:
    config.write_text(CONFIG + SECOND)
    assert run("--config", config, "series") == (2, "", "which series? --series talks | films\n")
    assert run("--config", config, "series", "--series", "films") == (0, "Films\n", "")


def test_unknown_series_is_told_with_the_known_ones(config: Path) -> None:
    expected = (2, "", "there is no series film; there are: talks\n")
    assert run("--config", config, "series", "--series", "film") == expected


def test_the_configuration_may_be_named_after_the_command(config: Path) -> None:
    assert run("series", "--config", config) == (0, "Talks\n", "")


def test_the_environment_names_the_configuration(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_CONFIG", str(config))
    assert run("series") == (0, "Talks\n", "")


def test_every_fault_of_the_configuration_is_one_line_and_the_exit_is_2(config: Path) -> None:
    config.write_text(CONFIG.replace("title", "titel").replace("Zurich", "Zurch"))
    code, out, err = run("--config", config, "series")
    assert (code, out, len(err.splitlines())) == (2, "", 3)
    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "series.talks.titel",
        "series.talks.title",
        "series.talks.timezone",
    ]


def test_a_command_on_the_database_makes_what_is_missing(config: Path) -> None:
    code, out, _ = run("--config", config, "opened", "--json")
    assert (code, json.loads(out)) == (0, {"series": ["talks"]})
    assert (config.parent / "mailer.db").exists()


def maildir(folder: str) -> str:
    kind = 'transport = "maildir"\n'
    return CONFIG.replace(kind, f'{kind}maildir = "{folder}"\n')


def test_a_command_on_the_database_makes_the_maildir_and_the_file_of_keys(config: Path) -> None:
    config.write_text('key_file = "keys/token.key"\n' + maildir("out/box"))
    assert run("--config", config, "opened")[0] == 0
    folder = config.parent
    assert sorted(path.name for path in (folder / "out" / "box").iterdir()) == ["cur", "new", "tmp"]
    made = folder / "keys" / "token.key"
    before = made.read_bytes()
    assert (run("--config", config, "opened")[0], made.read_bytes()) == (0, before)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no key"),
        ("short\n", "a line that is too short"),
        (None, "Is a directory"),
    ],
)
def test_a_file_that_holds_no_key_is_a_fault_of_the_configuration(
    config: Path, text: str | None, told: str
) -> None:
    config.write_text('key_file = "token.key"\n' + CONFIG)
    file = config.parent / "token.key"
    file.mkdir() if text is None else file.write_text(text)
    code, out, err = run("--config", config, "opened")
    assert (code, out) == (2, "")
    assert err.startswith(f"{config}: key_file: found {file}: {told}, expected a ")


def test_a_maildir_that_cannot_be_made_is_a_fault_of_the_configuration(config: Path) -> None:
    config.write_text(maildir("taken"))
    (config.parent / "taken").write_text("")
    assert run("--config", config, "opened") == (
        2,
        "",
        f"{config}: outbound.maildir: found {config.parent}/taken: Not a directory, "
        "expected a folder that can be made\n",
    )


def test_an_error_of_ours_is_one_line_and_exit_1(config: Path) -> None:
    assert run("--config", config, "opened", "--fault", "it is away") == (1, "", "it is away\n")


def test_json_has_utc_times_and_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 11, 25, 13, tzinfo=timezone(timedelta(hours=1)))
    frame.show({"one": Value(at=at, colours=(Colour.RED,)), 2: None})
    found = json.loads(capsys.readouterr().out)
    assert found == {"one": {"at": "2026-11-25T12:00:00Z", "colours": ["red"]}, "2": None}


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-25T13:00", 12),
        ("2026-11-25T13:00Z", 13),
        ("2026-11-25T13:00+05:00", 8),
        ("2026-07-25T13:00", 11),
        ("2026-11-25", 23),
    ],
)
def test_a_time_without_zone_is_in_the_series_zone(text: str, hour: int) -> None:
    found = frame.read_time(text, "Europe/Zurich", name="--from")
    assert (found.hour, found.tzinfo) == (hour, UTC)


def test_what_is_no_time_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        frame.read_time("tomorrow", "UTC", name="--at")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("--at: found 'tomorrow', expected a time like ")


def test_a_fault_says_where_what_and_what_is_expected() -> None:
    fault = Fault(where="a.b", found="1", expected="2", hint="3")
    assert str(fault) == "a.b: found 1, expected 2 (3)"
