"""`mailer classify`: what mails would be taken for, by what they say, without doing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import config_option, fail, json_option, load_config, show

if TYPE_CHECKING:
    from mailer.message.classify import Classification


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True), metavar="PATH…")
@config_option
@json_option
@click.pass_context
def classify(
    ctx: click.Context, paths: tuple[str, ...], own_config: str | None, as_json: bool
) -> None:
    """Say what each mail would be taken for: a command, a wish to subscribe, a bounce…

    PATH is a file with one mail, or a folder of such files and folders. Nothing is stored or
    answered.

    \b
    mailer classify suspicious.eml
    mailer classify Maildir/new --json
    """
    from mailer.message.classify import classify as judge

    series = load_config(ctx, own_config).series
    found = [(file, judge(_bytes(file), series)) for path in paths for file in _files(Path(path))]
    if as_json:
        show([{"file": str(file), **one.as_json()} for file, one in found])
        return
    for file, one in found:
        click.echo(f"{file}: {_line(one)}")


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    return [path]


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}")


def _line(one: Classification) -> str:
    words = [str(one.verdict)]
    words += [str(word) for word in (one.command, one.feedback) if word]
    words += [
        f"{bounce.address} {bounce.cls} {bounce.status or ''}".strip() for bounce in one.bounces
    ]
    return ", ".join(words)
