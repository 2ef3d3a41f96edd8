"""What the commands of `mailer announcement` share; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import USAGE, fail

if TYPE_CHECKING:
    from mailer.config.model import Series
    from mailer.message.address import Address

file_argument = click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
at_option = click.option(
    "--at", default="", metavar="WHEN", help="When it goes out, instead of what the file says."
)
by_option = click.option(
    "--by", metavar="ADDRESS", help="Which organiser does this, where another one must approve."
)


def organiser(series: Series, by: str | None) -> Address | None:
    """The organiser who was named; None if nobody was."""
    from mailer.intake import announcing

    if by is None:
        return None
    found = announcing.organiser(series, address(by, "--by"))
    if found is None:
        known = ", ".join(series.organisers) or "nobody"
        fail(f"--by: {by} is no organiser of {series.id}; they are: {known}", USAGE)
    return found


def address(text: str, option: str) -> Address:
    """The address that an option names; ends with 2 if it is none."""
    from mailer.message.address import parse_address

    found = parse_address(text)
    if found is None:
        fail(f"{option}: found {text!r}, expected an address like ada@example.org", USAGE)
    return found


def say(lines: Iterable[str]) -> None:
    """Print lines for people."""
    for one in lines:
        click.echo(one)
