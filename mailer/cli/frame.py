"""What every command shares: options, opening, errors as one clear line, output as text or JSON.

Exit: 0 done, 1 failed, 2 usage or configuration. With --json nothing but one document goes to
stdout; times are UTC with a Z. What is heavy is imported where it is used, for --help needs none of
it.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, NoReturn, ParamSpec, TypeVar

import click

from mailer.errors import ConfigError, MailerError, StoreUnavailable

if TYPE_CHECKING:
    from mailer.config.model import Config, Series
    from mailer.parts import Parts

P = ParamSpec("P")
T = TypeVar("T")

FAILED = 1
USAGE = 2

config_option = click.option(
    "--config",
    "own_config",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The configuration file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
series_option = click.option(
    "--series", "series_id", metavar="ID", help="Which series; may be left out if there is one."
)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End with one clear line on stderr."""
    click.echo(message, err=True)
    raise SystemExit(code)


def load_config(ctx: click.Context, own: str | None = None) -> Config:
    """The configuration of this call; ends with 2 and every fault if it does not hold."""
    from mailer.config.reading import find_config, read_config

    explicit = own or ctx.find_root().obj
    try:
        path = find_config(Path(explicit) if explicit else None, os.environ, Path.cwd())
        return read_config(path, os.environ)
    except ConfigError as error:
        fail(str(error), USAGE)


def pick_series(config: Config, series_id: str | None) -> Series:
    """The series that was named, or the only one."""
    if series_id is None:
        if len(config.series) == 1:
            return config.series[0]
        fail(f"which series? --series {' | '.join(one.id for one in config.series)}", USAGE)
    try:
        return config.series_by_id(series_id)
    except KeyError:
        known = ", ".join(one.id for one in config.series)
        fail(f"there is no series {series_id}; there are: {known}", USAGE)


def with_parts(
    command: Callable[Concatenate[Parts, P], Awaitable[T]],
) -> Callable[..., T]:
    """Run an async command on the opened database; its errors become one line and an exit code."""

    @functools.wraps(command)
    def run(ctx: click.Context, *args: P.args, **kwargs: P.kwargs) -> T:
        own = kwargs.pop("own_config", None)
        config = load_config(ctx, own if isinstance(own, str) else None)
        return run_async(_opened(config, command, *args, **kwargs))

    return run


async def _opened(
    config: Config,
    command: Callable[Concatenate[Parts, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    from mailer.parts import open_parts
    from scheduler.clock import SystemClock

    async with open_parts(config, SystemClock()) as parts:
        return await command(parts, *args, **kwargs)


def run_async(work: Awaitable[T]) -> T:
    """Run to the end; a `MailerError` is told in its own words."""
    import asyncio

    async def main() -> T:
        return await work

    try:
        return asyncio.run(main())
    except ConfigError as error:
        fail(str(error), USAGE)
    except StoreUnavailable as error:
        fail(" ".join(str(error).split()))  # database drivers explain in several lines
    except MailerError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("stopped", 130)


async def tell_daemon(parts: Parts) -> None:
    """Let a running daemon notice the change within a second."""
    from mailer.store import setting

    await parts.store.write(setting.bump)


def show(value: object) -> None:
    """Print one JSON document."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(_plain(value)), indent=2).decode())
    sys.stdout.write("\n")


def _plain(value: object) -> object:
    """Values as JSON has them: instants in UTC with Z, dataclasses as objects."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def stamp(instant: datetime) -> str:
    """An instant as ``2026-11-25T12:00:00Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str, zone: str, *, name: str) -> datetime:
    """An instant as written: with an offset or Z as it is, without one in the series' zone."""
    from scheduler.recurrence import to_utc

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(
            f"{name}: found {text!r}, expected a time like 2026-11-25T13:00 "
            "(in the series' zone) or 2026-11-25T12:00Z",
            USAGE,
        )
    return found.astimezone(UTC) if found.tzinfo else to_utc(found, zone)
