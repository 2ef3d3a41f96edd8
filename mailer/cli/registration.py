"""`mailer registration`: who comes to which webinar, as a list or for a spreadsheet."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import (
    config_option,
    json_option,
    pick_series,
    series_option,
    show,
    stamp,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.parts import Parts
    from mailer.store.engine import Connection
    from mailer.store.programme import WebinarRecord
    from mailer.store.registration import Registration


@click.group()
def registration() -> None:
    """Who comes to which webinar.

    \b
    mailer registration list matching
    """


@registration.command("list")
@click.argument("id")
@click.option("--csv", "as_csv", is_flag=True, help="For a spreadsheet, on stdout.")
@series_option
@config_option
@json_option
@click.pass_context
@with_parts
async def list_(parts: Parts, id: str, as_csv: bool, series_id: str | None, as_json: bool) -> None:
    """List who registered for a webinar, who waits for a place, and who said that they do not come.

    \b
    mailer registration list matching --csv > matching.csv
    """
    from mailer.files.export import registrations_to_csv
    from mailer.intake import editing
    from mailer.store import registration as store

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    series = pick_series(parts.config, series_id)

    async def unit(connection: Connection) -> tuple[WebinarRecord, tuple[Registration, ...]]:
        record = await editing.find(connection, series, id)
        return record, await store.listing(connection, webinar_id=record.id)

    record, found = await parts.store.read(unit)
    if as_json:
        show(found)
    elif as_csv:
        sys.stdout.write(registrations_to_csv(found))
    else:
        _tell(record, found)
    if record.registration_url:
        click.echo(f"{record.slug}: registration is at {record.registration_url}", err=True)


def _tell(record: WebinarRecord, found: tuple[Registration, ...]) -> None:
    from mailer.cli.programme_output import aligned
    from mailer.files.draft import printable
    from mailer.store.registration import State

    if not found:
        click.echo(f"Nobody has registered for {record.slug}.")
        return
    rows = [("ADDRESS", "STATE", "AT", "NAME")]
    rows += [(one.address, one.state, stamp(one.at), printable(one.name)) for one in found]
    for line in aligned(rows):
        click.echo(line)
    counts = {state: sum(one.state is state for one in found) for state in State}
    places = f" of {record.capacity} places" if record.capacity else ""
    waiting = f", {counts[State.WAITING]} wait for one" if counts[State.WAITING] else ""
    click.echo(
        f"{counts[State.REGISTERED]} registered{places}{waiting}, "
        f"{counts[State.DECLINED]} said that they do not come"
    )
