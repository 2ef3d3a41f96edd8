"""What the commands of `mailer webinar` share: options, lines, faults; nothing heavy."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from mailer.cli.frame import (
    USAGE,
    config_option,
    fail,
    json_option,
    series_option,
    with_parts,
)
from mailer.errors import ProgrammeError

DRY_RUN = "Nothing was done: this was a dry run."
PLAN_NEXT = "Next: `mailer plan` shows what goes out, and when."

Command = TypeVar("Command", bound=Callable[..., Any])


def programme_command(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """The options of every command here, and the opened database."""
    wrapped = click.pass_context(with_parts(command))
    return series_option(config_option(json_option(wrapped)))


def content_options(command: Command) -> Command:
    """The options that say what a webinar is."""
    for option in reversed(
        (
            click.option("--title", metavar="TEXT", help="One line."),
            click.option(
                "--starts",
                metavar="START",
                help="2026-11-25T13:00, by the series' clock; a day alone means its slot.",
            ),
            click.option("--duration", metavar="SPAN", help="45m, 1h; default: as the slots say."),
            click.option("--language", metavar="TAG", help="en, fr, …; default: the series'."),
            click.option("--abstract", metavar="MARKDOWN", help="What it is about."),
            click.option(
                "--speaker",
                "speakers",
                metavar="NAME[;AFFILIATION]",
                multiple=True,
                help="May be repeated. A page and a mail address may follow, with ; between.",
            ),
            click.option(
                "--host",
                "hosts",
                metavar="NAME[;AFFILIATION]",
                multiple=True,
                help="Who leads through it; as --speaker.",
            ),
            click.option(
                "--link", "links", metavar="[TITLE;]URL", multiple=True, help="May be repeated."
            ),
            click.option(
                "--registration-url", metavar="URL", help="Where to register, if elsewhere."
            ),
            click.option(
                "--join-url", metavar="URL", help="Where it takes place; for registered people."
            ),
            click.option("--capacity", metavar="N", help="How many may register; 0: no limit."),
        )
    ):
        command = option(command)
    return command


dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what would be done and who told, and do nothing."
)
notify_option = click.option(
    "--notify", is_flag=True, help="Tell people even if neither time, place nor status change."
)


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """What is wrong with an option is a usage error."""
    try:
        yield
    except ProgrammeError as error:
        fail(str(error), USAGE)


def say(lines: Sequence[str], *, err: bool = False) -> None:
    """Print lines; those for people who see to it that all is well go to standard error."""
    for line in lines:
        click.echo(line, err=err)
