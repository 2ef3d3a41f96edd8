"""`mailer subscriber`: people, as organisers see and change them.

What is read is shown by `roster`, what is changed is decided in `mailer.intake`; here they only
meet. Both are imported when a command runs, as --help needs none of them. How people come in:
`subscriber_new`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailer.cli import subscriber_new
from mailer.cli.frame import (
    fail,
    pick_series,
    series_option,
    show,
)
from mailer.cli.subscriber_options import person_command, read_address

if TYPE_CHECKING:
    from mailer.parts import Parts

STATES = ("pending", "active", "unsubscribed", "bounced", "complained")

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def subscriber() -> None:
    """People: who gets the mails, since when, and why.

    \b
    mailer subscriber list
    mailer subscriber import people.csv --dry-run
    mailer subscriber add ana@example.org
    """


for _command in subscriber_new.COMMANDS:
    subscriber.add_command(_command)


@subscriber.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only people in this state.")
@series_option
@person_command
async def list_(parts: Parts, state: str | None, series_id: str | None, as_json: bool) -> None:
    """List people, of one series or of all.

    \b
    mailer subscriber list --state pending
    """
    from mailer.cli import roster

    if series_id is not None:
        pick_series(parts.config, series_id)
    await parts.importing.finish()
    await roster.print_list(parts, series_id=series_id, state=state, as_json=as_json)


@subscriber.command("show")
@click.argument("address")
@person_command
async def show_(parts: Parts, address: str, as_json: bool) -> None:
    """Show one person: subscriptions, how they consented, what they prefer.

    `mailer explain ADDRESS` tells their mails as well.

    \b
    mailer subscriber show ana@example.org
    """
    from mailer.cli import roster
    from mailer.dossier import dossier

    await parts.importing.finish()
    found = await dossier(parts, read_address(address))
    if not found.subscriptions:
        fail(f"{found.address} is not subscribed to anything; `mailer explain` may know more")
    if as_json:
        show(roster.person_json(found))
    else:
        click.echo("\n".join(roster.person_lines(found)))


@subscriber.command()
@click.argument("address")
@series_option
@person_command
async def remove(parts: Parts, address: str, series_id: str | None, as_json: bool) -> None:
    """End somebody's subscription for them. They get no mail about it, and imports leave them out.

    \b
    mailer subscriber remove ana@example.org
    """
    whom = read_address(address)
    series = pick_series(parts.config, series_id)
    await parts.importing.finish()
    outcome = await parts.enrolling.remove(series, whom)
    if outcome.word == "unknown":
        fail(f"{whom.mailbox} is not subscribed to {series.id}")
    if as_json:
        show({"address": whom.mailbox, "series": series.id, "result": outcome.word})
    elif outcome.word == "removed":
        click.echo(f"{whom.mailbox} gets nothing more of {series.id}.")
    else:
        click.echo(f"{whom.mailbox} was not subscribed any more ({outcome.word}).")


@subscriber.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Instead of stdout.")
@click.option(
    "--state", type=click.Choice(STATES), default="active", show_default=True, help="Who."
)
@series_option
@person_command
async def export(
    parts: Parts, out: Path | None, state: str, series_id: str | None, as_json: bool
) -> None:
    """Write people as CSV with the columns address,name,language,timezone, as `import` reads it.

    With --json stdout gets an array of the same people.

    \b
    mailer subscriber export --out people.csv
    """
    from mailer.cli import roster

    series = pick_series(parts.config, series_id)
    await parts.importing.finish()
    if as_json:
        await roster.print_people(parts, series_id=series.id, state=state)
    elif out is None:
        await roster.export(parts, sys.stdout.buffer, series_id=series.id, state=state)
    if out is None:
        return
    try:
        count = await roster.export_to(parts, out, series_id=series.id, state=state)
    except OSError as error:
        fail(f"cannot write {out}: {error.strerror}")
    click.echo(f"{count} {'person' if count == 1 else 'people'} in {out}", err=True)


@subscriber.command()
@click.argument("old")
@click.argument("new")
@person_command
async def change(parts: Parts, old: str, new: str, as_json: bool) -> None:
    """Give a person another address: subscriptions, registrations and preferences move there.

    The links in mails they have keep working. Mails that are queued go to the new address.

    \b
    mailer subscriber change ana@example.org ana@example.net
    """
    from mailer.cli import roster

    before, after = read_address(old), read_address(new)
    await parts.importing.finish()
    changed = await parts.person_changes.change(before, after)
    if as_json:
        show(
            {
                "old": before.mailbox,
                "address": after.mailbox,
                "subscriptions": [
                    {"series": one.series_id, "state": one.state} for one in changed.subscriptions
                ],
                "following": changed.following,
                "asked": changed.asked,
            }
        )
        return
    click.echo(f"{before.mailbox} is {after.mailbox} now.")
    for one in changed.subscriptions:
        again = ", and is asked to confirm again" if one.series_id in changed.asked else ""
        click.echo(f"  {one.series_id}: {one.state}{again}")
    if changed.following:
        click.echo(f"  {roster.counted(changed.following, 'queued mail')} will go there.")


@subscriber.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@person_command
async def forget(parts: Parts, address: str, yes: bool, as_json: bool) -> None:
    """Erase a person everywhere, for good.

    Nothing is kept but counts, and a hash of the address that keeps it out of imports; they can
    still subscribe again. Backups made before still hold them.

    \b
    mailer subscriber forget ana@example.org
    """
    from mailer.cli.roster import counted

    whom = read_address(address)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Erase {whom.mailbox} for good?", abort=True, err=True)
    await parts.importing.finish()
    erased = await parts.person_changes.forget(whom)
    if as_json:
        show(
            {
                "address": whom.mailbox,
                "subscriptions": erased.subscriptions,
                "mails": erased.mails,
                "cancelled": erased.cancelled,
                "received": erased.received,
            }
        )
    elif erased.anything:
        click.echo(
            f"{whom.mailbox} is forgotten: {counted(erased.subscriptions, 'subscription')} erased, "
            f"{counted(erased.mails, 'mail')} to them and {erased.received} from them made "
            f"nameless, {erased.cancelled} of those not sent any more."
        )
    else:
        click.echo(f"Nothing was known of {whom.mailbox}; imports leave the address out now.")
