"""`mailer plan`: every mail that would go out, when, to how many, and what voids it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.frame import (
    USAGE,
    config_option,
    fail,
    json_option,
    pick_series,
    read_time,
    series_option,
    show,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.outlook import Outlook
    from mailer.parts import Parts

_NOTHING = "Nothing is planned. Add webinars with `mailer webinar add` or `import`."
_NOTHING_THEN = "Nothing is planned for that time. `mailer plan` shows all that is."


@click.command()
@click.option("--from", "start", metavar="T", help="Only mails from then on (default: now).")
@click.option("--until", metavar="T", help="Only mails up to then.")
@series_option
@config_option
@json_option
@click.pass_context
@with_parts
async def plan(
    parts: Parts, start: str | None, until: str | None, series_id: str | None, as_json: bool
) -> None:
    """Show what would go out to subscribers, without sending anything.

    A --from in the past shows what the rules say for that time, as if nothing had been sent yet.

    \b
    mailer plan
    mailer plan --from 2026-11-01 --until 2027-01-01 --json
    """
    from mailer.outlook import outlook

    series = parts.config.series[0] if series_id is None else pick_series(parts.config, series_id)
    zone = series.timezone
    first = None if start is None else read_time(start, zone, name="--from")
    last = None if until is None else read_time(until, zone, name="--until")
    if last is not None and last < (first or parts.clock.now()):
        fail(f"--until lies before {'--from' if first else 'now, and there is no --from'}", USAGE)
    items = await outlook(parts, start=first, until=last)
    wanted = [one for one in items if series_id in (None, one.series)]
    if as_json:
        show(wanted)
        return
    for one in wanted:
        click.echo(_line(one))
    if not wanted:
        click.echo(_NOTHING_THEN if start or until else _NOTHING)


def _line(one: Outlook) -> str:
    at = one.at.strftime("%Y-%m-%d %H:%M UTC")
    whom = f"{one.recipients} {one.whom}"
    over = f" over {one.days} days" if one.days > 1 else ""
    return f"{at}  {one.kind:<12} {one.webinar:<20} to {whom}{over}; void if {one.void_if}"
