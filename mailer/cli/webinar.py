"""`mailer webinar`: the programme by hand: a file of it, what is on, which slots are free.

What the words mean is read in `programme_input`, decided in `mailer.intake.editing` and shown by
`programme_output`; here they only meet. Those are imported when a command runs, as --help needs
none of them. The commands that change one webinar are in `webinar_change`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli import webinar_change
from mailer.cli.frame import pick_series, show
from mailer.cli.programme_options import (
    DRY_RUN,
    PLAN_NEXT,
    dry_run_option,
    programme_command,
    say,
)

if TYPE_CHECKING:
    from mailer.intake.editing import Edited
    from mailer.parts import Parts
    from mailer.store.engine import Connection

MOST_SLOTS = 200


@click.group()
def webinar() -> None:
    """The programme: what is on, when, and what changes.

    \b
    mailer webinar import programme.toml
    mailer webinar add --title "Matching services" --next-slot
    mailer webinar move matching 2026-12-02T13:00
    """


for _command in webinar_change.COMMANDS:
    webinar.add_command(_command)


@webinar.command("import")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--sample", type=click.Choice(["2022", "2026"]), help="A season that comes with the program."
)
@dry_run_option
@programme_command
async def import_(
    parts: Parts,
    *,
    file: Path | None,
    sample: str | None,
    dry_run: bool,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Make the programme agree with a file: .toml, .csv or .ics.

    Webinars are known by their id: importing the same file again changes nothing, importing a
    changed one changes only what differs. Webinars that the file does not name stay. If one row
    cannot be taken, none is.

    \b
    mailer webinar import programme.toml --dry-run
    mailer webinar import --sample 2026
    """
    from mailer import outlook
    from mailer.cli import programme_input, programme_output
    from mailer.intake import editing

    series = pick_series(parts.config, series_id)
    if (file is None) == (sample is None):
        raise click.UsageError("name a FILE, or --sample 2022 or 2026")
    drafts = (
        programme_input.read_sample(sample or "", series)
        if file is None
        else programme_input.read_file(file, series)
    )
    now = parts.clock.now()

    async def unit(connection: Connection) -> Sequence[Edited]:
        return await editing.import_drafts(connection, series, drafts, now=now)

    result, news = await (outlook.tried if dry_run else outlook.done)(parts, unit, at_once=True)
    if as_json:
        show([programme_output.outcome(one, news) for one in result])
    else:
        say([*programme_output.told_of_all(result, now), *programme_output.next_mails(news)])
        click.echo(DRY_RUN if dry_run else PLAN_NEXT)
    say(programme_output.remarks(result, now), err=True)


@webinar.command("list")
@click.option("--coming", is_flag=True, help="Leave out those that are over.")
@programme_command
async def list_(parts: Parts, *, coming: bool, series_id: str | None, as_json: bool) -> None:
    """List the webinars by their start, past and coming; of every series unless --series is given.

    \b
    mailer webinar list --coming
    """
    from mailer.cli import programme_output
    from mailer.store import programme

    series = None if series_id is None else pick_series(parts.config, series_id).id
    now = parts.clock.now()
    records = await parts.store.read(
        lambda c: programme.listing(c, series_id=series, ends_after=now if coming else None)
    )
    if as_json:
        show([programme_output.listed(one, now) for one in records])
    elif records:
        say(programme_output.table(records, now))
    else:
        click.echo("No webinars. `mailer webinar import FILE` or `mailer webinar add` makes some.")


@webinar.command("show")
@click.argument("id")
@programme_command
async def show_(parts: Parts, *, id: str, series_id: str | None, as_json: bool) -> None:
    """Show everything about one webinar; its number will do as well as its id.

    \b
    mailer webinar show matching
    """
    from mailer.cli import programme_output
    from mailer.intake import editing

    series, now = pick_series(parts.config, series_id), parts.clock.now()
    record = await parts.store.read(lambda c: editing.find(c, series, id))
    if as_json:
        show(programme_output.whole(record, now))
    else:
        say(programme_output.description(record, now))


@webinar.command()
@click.option(
    "--count",
    type=click.IntRange(1, MOST_SLOTS),
    default=8,
    show_default=True,
    help="How many to show.",
)
@programme_command
async def slots(parts: Parts, *, count: int, series_id: str | None, as_json: bool) -> None:
    """Show the next slots by the series' rule, and which are taken.

    \b
    mailer webinar slots --count 4
    """
    from mailer.cli import programme_output
    from mailer.intake import placing
    from mailer.store import programme

    series, now = pick_series(parts.config, series_id), parts.clock.now()
    records = await parts.store.read(
        lambda c: programme.listing(c, series_id=series.id, ends_after=now)
    )
    found = placing.places(series, records, after=now, count=count)
    if as_json:
        show([programme_output.slot_value(one, series.timezone) for one in found])
    elif found:
        say(programme_output.slot_table(found, series.timezone))
    else:
        click.echo(f"The rule of {series.id} has no slot any more.")
