"""`mailer simulate`: the real engine on a copy of the data under a virtual clock."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import (
    USAGE,
    config_option,
    fail,
    json_option,
    read_time,
    show,
    stamp,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.parts import Parts

_TELL_SECONDS = 2.0


@click.command()
@click.option("--from", "start", required=True, metavar="T", help="The first instant simulated.")
@click.option("--until", required=True, metavar="T", help="The last one.")
@click.option(
    "--maildir", required=True, type=click.Path(file_okay=False), help="Where the mails go."
)
@config_option
@json_option
@click.pass_context
@with_parts
async def simulate(parts: Parts, start: str, until: str, maildir: str, as_json: bool) -> None:
    """Send every mail between two instants into a Maildir, on a copy of the data.

    Uses the real programme and people, the real planner and templates. Nothing is sent to anybody
    and nothing in the database changes. People and webinars count as present before --from.

    \b
    mailer simulate --from 2026-09-01 --until 2027-05-01 --maildir /tmp/season
    """
    from mailer.simulate import simulate as run
    from mailer.transport.maildir import make_maildir

    zone = parts.config.series[0].timezone
    first = read_time(start, zone, name="--from")
    last = read_time(until, zone, name="--until")
    if last < first:
        fail("--until lies before --from", USAGE)
    folder = Path(maildir).absolute()
    if (folder / "new").exists() and any((folder / "new").iterdir()):
        fail(f"{folder} holds mails already: name a new folder, so that both stay readable")
    try:
        make_maildir(folder)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}; name a folder that can be made")
    mails = await run(parts, start=first, until=last, maildir=folder, progress=_Progress().tell)
    if as_json:
        show([replace(mail, file=str(folder / mail.file)) for mail in mails])
        return
    for mail in mails:
        click.echo(f"{stamp(mail.at)}  {mail.kind:<12}  {mail.to:<32}  {mail.subject}")
    click.echo(f"{len(mails)} mails in {folder}", err=True)


class _Progress:
    """A line on stderr every few seconds: how far the virtual clock has come."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def tell(self, at: datetime) -> None:
        if time.monotonic() - self._told > _TELL_SECONDS:
            self._told = time.monotonic()
            print(f"simulating: {at:%Y-%m-%d %H:%M} UTC", file=sys.stderr)
