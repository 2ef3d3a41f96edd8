"""The options that the commands of `mailer webinar` share; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from mailer.cli.frame import config_option, json_option, series_option, with_parts

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
