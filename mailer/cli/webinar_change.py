"""The commands of `mailer webinar` that change one webinar; each is one transaction.

Says what it did, and who will be told of it and when.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import pick_series, show
from mailer.cli.programme_options import (
    DRY_RUN,
    PLAN_NEXT,
    content_options,
    dry_run_option,
    notify_option,
    programme_command,
    say,
    usage,
)
from mailer.errors import ChangeRefused

if TYPE_CHECKING:
    from mailer.cli.programme_input import Given
    from mailer.intake.editing import Edited
    from mailer.parts import Parts
    from mailer.store.engine import Connection


@click.command()
@click.option("--id", "id", metavar="ID", help="a-z, 0-9 and hyphens; default: from the title.")
@content_options
@click.option("--next-slot", is_flag=True, help="Start at the series' next free slot.")
@click.option("--draft", is_flag=True, help="Tell nobody until `publish`.")
@programme_command
async def add(
    parts: Parts,
    *,
    next_slot: bool,
    draft: bool,
    series_id: str | None,
    as_json: bool,
    **options: Given,
) -> None:
    """Add one webinar. It is scheduled at once, unless it is a --draft.

    \b
    mailer webinar add --title "Matching services" --starts 2026-12-02T13:00 \\
        --speaker "Ada Example;Example Society"
    """
    from mailer.cli import programme_input
    from mailer.intake import editing, placing
    from mailer.store import programme

    series = pick_series(parts.config, series_id)
    if next_slot and options["starts"] is not None:
        raise click.UsageError("--starts and --next-slot exclude each other")
    now = parts.clock.now()

    async def unit(connection: Connection) -> Edited:
        await programme.lock(connection, series.id)
        given = options
        if next_slot:
            records = await programme.listing(connection, series_id=series.id)
            slot = placing.next_free(series, records, after=now)
            given = {**options, "starts": slot.wall_start.isoformat()}
        new = programme_input.read_new(given, series, draft=draft)
        return await editing.add(connection, series, new, now=now)

    edited = await _change(parts, unit, as_json)
    if not as_json:
        publish_next = f"Next: `mailer webinar publish {edited.record.slug}` lets people know."
        click.echo(publish_next if draft else PLAN_NEXT)


@click.command()
@click.argument("id")
@dry_run_option
@programme_command
async def publish(
    parts: Parts, *, id: str, dry_run: bool, series_id: str | None, as_json: bool
) -> None:
    """Schedule a draft, or revive a cancelled webinar.

    \b
    mailer webinar publish matching
    """
    from mailer.intake import editing

    series, now = pick_series(parts.config, series_id), parts.clock.now()
    await _change(
        parts, lambda c: editing.publish(c, series, id, now=now), as_json, dry_run=dry_run
    )


@click.command()
@click.argument("id")
@content_options
@notify_option
@dry_run_option
@programme_command
async def edit(
    parts: Parts,
    *,
    id: str,
    notify: bool,
    dry_run: bool,
    series_id: str | None,
    as_json: bool,
    **options: Given,
) -> None:
    """Change what is given and leave the rest; an empty value takes away what is there.

    Only what differs counts as a change. Repeated options replace the whole list. Who was told
    another time or link gets one update, when no further change has come for a while.

    \b
    mailer webinar edit matching --title "Matching services at scale" --join-url ""
    """
    from mailer.cli import programme_input
    from mailer.intake import editing

    if not any(value not in (None, ()) for value in options.values()):
        raise click.UsageError("nothing to change: give at least one option, like --title TEXT")
    series, now = pick_series(parts.config, series_id), parts.clock.now()
    with usage():
        draft, given = programme_input.read_changes(options, series, source="webinar edit")
    await _change(
        parts,
        lambda c: editing.edit(c, series, id, draft, given, notify=notify, now=now),
        as_json,
        dry_run=dry_run,
    )


@click.command()
@click.argument("id")
@click.argument("start")
@click.option("--duration", metavar="SPAN", help="Also a new length; default: as long as before.")
@click.option("--past", is_flag=True, help="Even if START lies in the past.")
@dry_run_option
@programme_command
async def move(
    parts: Parts,
    *,
    id: str,
    start: str,
    duration: str | None,
    past: bool,
    dry_run: bool,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Let a webinar start at another time.

    START is by the series' clock, or with an offset or Z; a day alone means the slot on that day.

    \b
    mailer webinar move matching 2026-12-09T13:00
    """
    from mailer.cli import programme_input
    from mailer.intake import editing

    series, now = pick_series(parts.config, series_id), parts.clock.now()
    with usage():
        draft, given = programme_input.read_changes(
            {"starts": start, "duration": duration},
            series,
            source="webinar move",
            names={**programme_input.NAMES, "starts": "START"},
        )

    async def unit(connection: Connection) -> Edited:
        before = await editing.find(connection, series, id)
        edited = await editing.edit(connection, series, id, draft, given, now=now)
        if not past and editing.slips_into_past(before, edited.record, now=now):
            starts_at = edited.record.starts_at
            raise ChangeRefused(  # in the transaction, this takes the change back
                f"{before.slug} would start in the past, on {starts_at:%Y-%m-%d %H:%M} UTC: "
                "--past moves it there all the same"
            )
        return edited

    await _change(parts, unit, as_json, dry_run=dry_run)


@click.command()
@click.argument("id")
@click.option("--reason", metavar="TEXT", help="One line that people may read.")
@dry_run_option
@programme_command
async def cancel(
    parts: Parts,
    *,
    id: str,
    reason: str | None,
    dry_run: bool,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Cancel a webinar; it keeps its id and number, and `publish` revives it.

    \b
    mailer webinar cancel matching --reason "The speaker is ill."
    """
    from mailer.cli import programme_input
    from mailer.intake import editing

    series, now = pick_series(parts.config, series_id), parts.clock.now()
    with usage():
        why = programme_input.read_reason(reason)
    await _change(
        parts,
        lambda c: editing.cancel(c, series, id, reason=why, now=now),
        as_json,
        dry_run=dry_run,
    )


@click.command()
@click.argument("id")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option(
    "--title", "titles", metavar="TEXT", multiple=True, help="One per URL, in the same order."
)
@click.option("--replace", is_flag=True, help="Instead of what is there, not beside it.")
@notify_option
@dry_run_option
@programme_command
async def materials(
    parts: Parts,
    *,
    id: str,
    urls: tuple[str, ...],
    titles: tuple[str, ...],
    replace: bool,
    notify: bool,
    dry_run: bool,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Add links to recordings and slides; the follow-up mail waits for the first of them.

    \b
    mailer webinar materials matching https://www.example.org/slides.pdf --title Slides
    """
    from mailer.cli import programme_input
    from mailer.intake import editing

    if len(titles) > len(urls):
        raise click.UsageError("there are more --title than URLs")
    series, now = pick_series(parts.config, series_id), parts.clock.now()
    with usage():
        links = programme_input.read_materials(urls, titles)
    await _change(
        parts,
        lambda c: editing.put_materials(
            c, series, id, links, instead=replace, notify=notify, now=now
        ),
        as_json,
        dry_run=dry_run,
    )


async def _change(
    parts: Parts,
    unit: Callable[[Connection], Awaitable[Edited]],
    as_json: bool,
    *,
    dry_run: bool = False,
) -> Edited:
    """Do one change and say what it did, and who will be told."""
    from mailer import outlook
    from mailer.cli import programme_output

    async def one(connection: Connection) -> Sequence[Edited]:
        return [await unit(connection)]

    with usage():
        carry_out = outlook.tried if dry_run else outlook.done
        (edited,), news = await carry_out(parts, one, at_once=not dry_run)
    now = parts.clock.now()
    if as_json:
        show(programme_output.outcome(edited, news))
    else:
        say([*programme_output.told(edited, now), *programme_output.next_mails(news)])
        say([DRY_RUN] if dry_run else [])
    say(programme_output.remarks([edited], now), err=True)
    return edited


COMMANDS: tuple[click.Command, ...] = (add, publish, edit, move, cancel, materials)
