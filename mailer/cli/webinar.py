"""`mailer webinar`: the programme by hand. Each command is one change in one transaction.

What the words mean is read in `programme_input`, decided in `mailer.intake.editing` and shown by
`programme_output`; here they only meet. Those are imported when a command runs, as --help needs
none of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import USAGE, fail, pick_series, show
from mailer.cli.programme_options import (
    content_options,
    dry_run_option,
    notify_option,
    programme_command,
)
from mailer.errors import ChangeRefused, ProgrammeError

if TYPE_CHECKING:
    from mailer.cli.programme_input import Given
    from mailer.intake.editing import Edited
    from mailer.outlook import Outlook
    from mailer.parts import Parts
    from mailer.store.engine import Connection
    from mailer.store.programme import WebinarRecord

MOST_SLOTS = 200
DRY_RUN = "Nothing was done: this was a dry run."
PLAN_NEXT = "Next: `mailer plan` shows what goes out, and when."


@click.group()
def webinar() -> None:
    """The programme: what is on, when, and what changes.

    \b
    mailer webinar import programme.toml
    mailer webinar add --title "Matching services" --next-slot
    mailer webinar move matching 2026-12-02T13:00
    """


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

    result, news = await (_tried if dry_run else _done)(parts, unit, at_once=True)
    if as_json:
        show([programme_output.outcome(one, news) for one in result])
    else:
        _say([*programme_output.told_of_all(result, now), *programme_output.next_mails(news)])
        click.echo(DRY_RUN if dry_run else PLAN_NEXT)
    _say(programme_output.remarks(result, now), err=True)


@webinar.command()
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


@webinar.command()
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
        _say(programme_output.table(records, now))
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
        _say(programme_output.description(record, now))


@webinar.command()
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
    with _usage():
        draft, given = programme_input.read_changes(options, series, source="webinar edit")
    await _change(
        parts,
        lambda c: editing.edit(c, series, id, draft, given, notify=notify, now=now),
        as_json,
        dry_run=dry_run,
    )


@webinar.command()
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
    with _usage():
        draft, given = programme_input.read_changes(
            {"starts": start, "duration": duration},
            series,
            source="webinar move",
            names={**programme_input.NAMES, "starts": "START"},
        )

    async def unit(connection: Connection) -> Edited:
        before = await editing.find(connection, series, id)
        edited = await editing.edit(connection, series, id, draft, given, now=now)
        if not past:
            _refuse_past(before, edited.record, now)
        return edited

    await _change(parts, unit, as_json, dry_run=dry_run)


def _refuse_past(before: WebinarRecord, after: WebinarRecord, now: datetime) -> None:
    """What people wait for does not slip into the past by a mistyped date; raised in the
    transaction, this takes the change back."""
    from scheduler.model import Status

    awaited = before.status is Status.SCHEDULED and before.content.ends_at > now
    starts_at = after.content.starts_at
    if awaited and before.content.starts_at != starts_at < now:
        raise ChangeRefused(
            f"{after.slug} would start in the past, on {starts_at:%Y-%m-%d %H:%M} UTC: "
            "--past moves it there all the same"
        )


@webinar.command()
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
    with _usage():
        why = programme_input.read_reason(reason)
    await _change(
        parts,
        lambda c: editing.cancel(c, series, id, reason=why, now=now),
        as_json,
        dry_run=dry_run,
    )


@webinar.command()
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
    with _usage():
        links = programme_input.read_materials(urls, titles)
    await _change(
        parts,
        lambda c: editing.put_materials(
            c, series, id, links, instead=replace, notify=notify, now=now
        ),
        as_json,
        dry_run=dry_run,
    )


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
        _say(programme_output.slot_table(found, series.timezone))
    else:
        click.echo(f"The rule of {series.id} has no slot any more.")


async def _change(
    parts: Parts,
    unit: Callable[[Connection], Awaitable[Edited]],
    as_json: bool,
    *,
    dry_run: bool = False,
) -> Edited:
    """Do one change and say what it did, and who will be told."""
    from mailer.cli import programme_output

    async def one(connection: Connection) -> Sequence[Edited]:
        return [await unit(connection)]

    with _usage():
        (edited,), news = await (_tried if dry_run else _done)(parts, one, at_once=not dry_run)
    now = parts.clock.now()
    if as_json:
        show(programme_output.outcome(edited, news))
    else:
        _say([*programme_output.told(edited, now), *programme_output.next_mails(news)])
        _say([DRY_RUN] if dry_run else [])
    _say(programme_output.remarks([edited], now), err=True)
    return edited


_Change = Callable[["Connection"], Awaitable[Sequence["Edited"]]]


async def _done(
    parts: Parts, change: _Change, *, at_once: bool
) -> tuple[Sequence[Edited], Sequence[Outlook]]:
    """A change, and what goes out about what it changed; that is counted when it is stored."""
    edited = await parts.store.write(change)
    return edited, await parts.store.read(lambda c: _news(c, parts, edited, at_once=at_once))


async def _tried(
    parts: Parts, change: _Change, *, at_once: bool
) -> tuple[Sequence[Edited], Sequence[Outlook]]:
    """What a change would do and what would go out then; nothing is stored."""

    async def attempt(connection: Connection) -> tuple[Sequence[Edited], Sequence[Outlook]]:
        async with connection.begin_nested() as savepoint:
            edited = await change(connection)
            news = await _news(connection, parts, edited, at_once=at_once)
            await savepoint.rollback()
            return edited, news

    return await parts.store.write(attempt)


async def _news(
    connection: Connection, parts: Parts, edited: Sequence[Edited], *, at_once: bool
) -> Sequence[Outlook]:
    from mailer.intake.editing import Action
    from mailer.outlook import of_webinars

    changed = {one.record.id for one in edited if one.action is not Action.UNCHANGED}
    return await of_webinars(connection, parts, changed, at_once=at_once) if changed else ()


@contextlib.contextmanager
def _usage() -> Iterator[None]:
    """What is wrong with an option is a usage error."""
    try:
        yield
    except ProgrammeError as error:
        fail(str(error), USAGE)


def _say(lines: Sequence[str], *, err: bool = False) -> None:
    for line in lines:
        click.echo(line, err=err)
