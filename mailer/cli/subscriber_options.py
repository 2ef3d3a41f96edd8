"""What the commands of `mailer subscriber` share. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailer.cli.frame import config_option, json_option, with_parts

if TYPE_CHECKING:
    from mailer.message.address import Address

Command = TypeVar("Command", bound=Callable[..., Any])


def person_command(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """The options of every command here, and the opened database."""
    wrapped = click.pass_context(with_parts(command))
    return config_option(json_option(wrapped))


def terms_options(command: Command) -> Command:
    """How people come in."""
    for option in reversed(
        (
            click.option(
                "--confirmed", is_flag=True, help="They have consented: do not ask them again."
            ),
            click.option("--consent", metavar="TEXT", help="When and how they did; is kept."),
            click.option("--welcome", is_flag=True, help="Greet who was --confirmed by a mail."),
        )
    ):
        command = option(command)
    return command


def read_address(text: str) -> Address:
    """An address as typed; a usage error if it is none."""
    from mailer.files.people_csv import ADDRESS_EXPECTED
    from mailer.message.address import parse_address

    found = parse_address(text)
    if found is None:
        raise click.UsageError(f"found {text!r}, expected {ADDRESS_EXPECTED}")
    return found
