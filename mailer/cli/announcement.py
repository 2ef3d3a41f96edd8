"""`mailer announcement`: what goes out to subscribers, and what organisers write.

The rules are in `mailer.intake.announcing` and `.halting`; here they only meet. What is heavy is
imported when a command runs, as --help needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli import announcement_file
from mailer.cli.announcement_options import by_option, organiser, say
from mailer.cli.frame import (
    config_option,
    fail,
    json_option,
    pick_series,
    series_option,
    show,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.intake.halting import Act
    from mailer.parts import Parts
    from mailer.store.whole import Whole

_WATCH_SECONDS = 1.0

id_argument = click.argument("announcement_id", metavar="ID", type=int)


@click.group()
def announcement() -> None:
    """What goes out to subscribers, and what organisers write themselves.

    \b
    mailer announcement preview news.md       what would be sent, to how many, when
    mailer announcement test news.md --to me@example.org
    mailer announcement queue news.md --at "2026-12-01 09:00"
    mailer announcement list                  what waits, and for how long
    mailer announcement pause 12              and resume, cancel

    A file is Markdown with a few lines at its top (docs/announcements.md):

    \b
    ---
    subject: What comes next year
    at: 2026-12-01 09:00
    ---
    Dear all, …
    """


for _command in (announcement_file.queue, announcement_file.preview, announcement_file.test):
    announcement.add_command(_command)


@announcement.command("list")
@series_option
@config_option
@json_option
@click.pass_context
@with_parts
async def list_(parts: Parts, series_id: str | None, as_json: bool) -> None:
    """Every announcement by when it is due: what waits, how long, and whose approval it needs."""
    from mailer.cli import announcement_output
    from mailer.store import approval
    from mailer.store.progress import progress

    series = None if series_id is None else pick_series(parts.config, series_id).id
    items = await parts.store.read(lambda c: progress(c, series_id=series))
    waiting = [one.id for one in items if one.state == "waiting"]
    whom = await parts.store.read(lambda c: approval.approvers(c, waiting))
    now = parts.clock.now()
    if as_json:
        show([announcement_output.listed(one, whom.get(one.id, ()), now) for one in items])
        return
    say(announcement_output.line(one, whom.get(one.id, ()), now) for one in items)
    if not items:
        click.echo("Nothing is planned yet; the daemon plans when webinars are there.")


@announcement.command("show")
@id_argument
@click.option("--watch", is_flag=True, help="Live, until Ctrl-C.")
@config_option
@json_option
@click.pass_context
@with_parts
async def show_(parts: Parts, announcement_id: int, watch: bool, as_json: bool) -> None:
    """One announcement: its times and state, how many got it, why others did not, who did what.

    \b
    mailer announcement show 12
    mailer announcement show 12 --watch
    """
    from mailer.cli import announcement_output

    found = await _whole(parts, announcement_id)
    if as_json:
        show(announcement_output.shown_json(found))
    elif not watch:
        say(announcement_output.shown(found))
    else:
        await _watch(parts, announcement_id)


async def _whole(parts: Parts, announcement_id: int) -> Whole:
    from mailer.store.whole import whole

    found = await parts.store.read(lambda c: whole(c, announcement_id))
    if found is None:
        fail(f"there is no announcement {announcement_id}; `mailer announcement list` has them all")
    return found


async def _watch(parts: Parts, announcement_id: int) -> None:
    import asyncio

    from rich.live import Live

    from mailer.cli import announcement_output

    with Live(auto_refresh=False, screen=False) as live:
        while True:
            found = await _whole(parts, announcement_id)
            live.update("\n".join(announcement_output.progress(found)), refresh=True)
            await asyncio.sleep(_WATCH_SECONDS)


@announcement.command()
@id_argument
@by_option
@config_option
@json_option
@click.pass_context
@with_parts
async def approve(parts: Parts, announcement_id: int, by: str | None, as_json: bool) -> None:
    """Let go what waits for approval. Where another organiser has to approve, --by says which."""
    from mailer.cli import announcement_output
    from mailer.intake import announcing
    from mailer.intake.announcing import Step
    from mailer.store import written

    item = await parts.store.read(lambda c: written.by_id(c, announcement_id))
    if item is None:
        fail(f"no organiser wrote an announcement {announcement_id}")
    series = pick_series(parts.config, item.series_id)
    who = organiser(series, by)
    step = await parts.store.write(
        lambda c: announcing.approve(parts.intake.context(c, series), announcement_id, who=who)
    )
    item = await parts.store.read(lambda c: written.by_id(c, announcement_id)) or item
    match step:
        case Step.OWN:
            fail("another organiser than its author has to approve it: say who with --by ADDRESS")
        case Step.ENDED | Step.VOID:
            fail(f"announcement {announcement_id} is {item.state}: it cannot be approved")
        case Step.ALREADY | Step.DONE:
            pass
    count = await parts.store.read(
        lambda c: announcing.recipients(parts.intake.context(c, series), announcement_id)
    )
    if as_json:
        show(announcement_output.queued(item, count, step is Step.ALREADY, ()))
    else:
        say(announcement_output.told_of(item, series, count, (), parts.clock.now()))


@announcement.command()
@id_argument
@config_option
@json_option
@click.pass_context
@with_parts
async def pause(parts: Parts, announcement_id: int, as_json: bool) -> None:
    """Let nothing more of it go until `resume`, which goes on exactly where it stopped."""
    from mailer.intake.halting import Act

    await _halt(parts, announcement_id, Act.PAUSE, as_json)


@announcement.command()
@id_argument
@config_option
@json_option
@click.pass_context
@with_parts
async def resume(parts: Parts, announcement_id: int, as_json: bool) -> None:
    """Go on with what was paused: nobody gets it twice, and nobody is left out."""
    from mailer.intake.halting import Act

    await _halt(parts, announcement_id, Act.RESUME, as_json)


@announcement.command()
@id_argument
@config_option
@json_option
@click.pass_context
@with_parts
async def cancel(parts: Parts, announcement_id: int, as_json: bool) -> None:
    """Let nothing more of it go, ever. What is on its way at this moment may still arrive."""
    from mailer.intake.halting import Act

    await _halt(parts, announcement_id, Act.CANCEL, as_json)


async def _halt(parts: Parts, announcement_id: int, act: Act, as_json: bool) -> None:
    from mailer.intake.announcing import COMMAND_LINE
    from mailer.intake.halting import halting
    from mailer.store import announcement as store

    left = await halting(parts.store, announcement_id, act, who=COMMAND_LINE, now=parts.clock.now())
    found = await parts.store.read(lambda c: store.by_id(c, announcement_id))
    assert found is not None  # it was just there
    if as_json:
        show(
            {
                "id": found.id,
                "state": found.state,
                "sent": left.sent,
                "waiting": left.waiting,
                "under_way": left.under_way,
            }
        )
        return
    click.echo(
        f"Announcement {found.id} is {act}: {left.sent} sent, {left.waiting} wait, "
        f"{left.under_way} on their way at this moment."
    )
