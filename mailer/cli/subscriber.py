"""`mailer subscriber`: people, as organisers see and change them.

What is read is shown by `roster`, what is changed is decided in `mailer.intake`; here they only
meet. Both are imported when a command runs, as --help needs none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailer.cli.frame import (
    config_option,
    fail,
    json_option,
    pick_series,
    series_option,
    show,
    with_parts,
)
from mailer.cli.progress import Meter

if TYPE_CHECKING:
    from mailer.files.people_csv import PersonRow
    from mailer.intake.enrolling import Taken
    from mailer.message.address import Address
    from mailer.parts import Parts
    from mailer.store.staging import Terms

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


def _command(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """The options of every command here, and the opened database."""
    wrapped = click.pass_context(with_parts(command))
    return config_option(json_option(wrapped))


def _terms_options(command: Command) -> Command:
    """How people come in."""
    for option in reversed(
        (
            click.option(
                "--confirmed", is_flag=True, help="They have consented: do not ask them again."
            ),
            click.option("--consent", metavar="TEXT", help="When and how they did; is kept."),
            click.option("--welcome", is_flag=True, help="Greet who was --confirmed by a mail."),
        )
    ):
        command = option(command)
    return command


@subscriber.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only people in this state.")
@series_option
@_command
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
@_command
async def show_(parts: Parts, address: str, as_json: bool) -> None:
    """Show one person: subscriptions, how they consented, what they prefer.

    `mailer explain ADDRESS` tells their mails as well.

    \b
    mailer subscriber show ana@example.org
    """
    from mailer.cli import roster
    from mailer.dossier import dossier

    await parts.importing.finish()
    found = await dossier(parts, _address(address))
    if not found.subscriptions:
        fail(f"{found.address} is not subscribed to anything; `mailer explain` may know more")
    if as_json:
        show(roster.person_json(found))
    else:
        click.echo("\n".join(roster.person_lines(found)))


@subscriber.command()
@click.argument("address")
@click.option("--name", metavar="TEXT", help="How they are called.")
@click.option("--language", metavar="TAG", help="en, fr, …; default: the series'.")
@click.option("--timezone", metavar="ZONE", help="Europe/Paris; default: the series'.")
@_terms_options
@series_option
@_command
async def add(
    parts: Parts,
    *,
    address: str,
    name: str | None,
    language: str | None,
    timezone: str | None,
    confirmed: bool,
    consent: str | None,
    welcome: bool,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Bring somebody in: a mail asks them to confirm, and nothing else is sent until they do.

    With --confirmed --consent they are subscribed at once and get no mail, unless --welcome.
    Who has left or must not be mailed stays out.

    \b
    mailer subscriber add ana@example.org --language fr
    mailer subscriber add ana@example.org --confirmed --consent "asked at the stand, 12 May 2026"
    """
    from mailer.cli import roster
    from mailer.intake.enrolling import Fate
    from mailer.store.suppression import Reason

    terms = _terms(confirmed, consent, welcome, source="added by an organiser")
    person = _person(address, name, language, timezone)
    series = pick_series(parts.config, series_id)
    await parts.importing.finish()
    taken = await parts.enrolling.add(series, person, terms)
    mailbox = person.address.mailbox
    if as_json:
        show({"address": mailbox, "series": series.id, "result": taken.fate, "reason": taken.why})
    else:
        _say(mailbox, taken, days=parts.config.retention.pending.days)
    if taken.fate is Fate.SUPPRESSED:
        why = roster.WHY[Reason(taken.why)]
        fail(f"{mailbox} stays out: {why}. Only they can lift that, by subscribing.")


def _say(mailbox: str, taken: Taken, *, days: int) -> None:
    match taken.fate:
        case "added":
            click.echo(f"{mailbox} is subscribed.")
        case "asked":
            click.echo(f"{mailbox} is asked to confirm, and has {days} days to answer.")
        case "unchanged":
            click.echo(f"{mailbox} is left as it is: {taken.why}.")


@subscriber.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@_terms_options
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out instead of taking nobody.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@series_option
@_command
async def import_(
    parts: Parts,
    *,
    file: str,
    confirmed: bool,
    consent: str | None,
    welcome: bool,
    skip_bad: bool,
    dry_run: bool,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Bring in the people of a CSV file with the columns address,name,language,timezone.

    Each is asked to confirm, after all other mail; with --confirmed --consent they are subscribed
    at once. Only the address is needed; an empty cell means the series' default. A bad row is named
    with its line and then nobody is taken. An import that is stopped has happened for nobody or
    for everybody.

    \b
    mailer subscriber import people.csv --dry-run
    mailer subscriber import people.csv --confirmed --consent "list of 2024, joined by form"
    """
    from mailer.cli import roster
    from mailer.files.people_csv import stream_people

    name = "standard input" if file == "-" else Path(file).name
    terms = _terms(confirmed, consent, welcome, source=f"import of {name}")
    series = pick_series(parts.config, series_id)
    with click.open_file(file, "rb") as lines, Meter() as meter:
        rows = stream_people(lines)
        if dry_run:
            summary = await parts.importing.foresee(series, rows, terms, tell=meter.tell)
        else:
            summary = await parts.importing.take(
                series, rows, terms, skip_bad=skip_bad, tell=meter.tell
            )
    if as_json:
        show(roster.summary_json(summary))
    refused = bool(summary.faults) and not (skip_bad and summary.people)
    for line in roster.fault_lines(summary, name):
        click.echo(line, err=True)
    if refused:
        advice = "" if skip_bad else "; --skip-bad leaves bad rows out"
        fail(f"nobody {'would be' if dry_run else 'was'} taken from {name}{advice}")
    if not as_json:
        click.echo("\n".join(roster.summary_lines(summary, dry_run=dry_run)))


@subscriber.command()
@click.argument("address")
@series_option
@_command
async def remove(parts: Parts, address: str, series_id: str | None, as_json: bool) -> None:
    """End somebody's subscription for them. They get no mail about it, and imports leave them out.

    \b
    mailer subscriber remove ana@example.org
    """
    whom = _address(address)
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
@_command
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
@_command
async def change(parts: Parts, old: str, new: str, as_json: bool) -> None:
    """Give a person another address: subscriptions, registrations and preferences move there.

    The links in mails they have keep working. Mails that are queued go to the new address.

    \b
    mailer subscriber change ana@example.org ana@example.net
    """
    from mailer.cli import roster

    before, after = _address(old), _address(new)
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
@_command
async def forget(parts: Parts, address: str, yes: bool, as_json: bool) -> None:
    """Erase a person everywhere, for good.

    Nothing is kept but counts, and a hash of the address that keeps it out of imports; they can
    still subscribe again. Backups made before still hold them.

    \b
    mailer subscriber forget ana@example.org
    """
    from mailer.cli.roster import counted

    whom = _address(address)
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


def _address(text: str) -> Address:
    from mailer.files.people_csv import ADDRESS_EXPECTED
    from mailer.message.address import parse_address

    found = parse_address(text)
    if found is None:
        raise click.UsageError(f"found {text!r}, expected {ADDRESS_EXPECTED}")
    return found


def _person(
    address: str, name: str | None, language: str | None, timezone: str | None
) -> PersonRow:
    from mailer.files import fields
    from mailer.files.people_csv import PersonRow

    whom = _address(address)
    option = "--name"
    try:
        name = name and fields.line_of_text(name)
        option = "--language"
        language = language and fields.language_tag(language)
        option = "--timezone"
        timezone = timezone and fields.zone_name(timezone)
    except fields.Unfit as unfit:
        hint = f" ({unfit.hint})" if unfit.hint else ""
        raise click.UsageError(f"{option}: expected {unfit.expected}{hint}") from None
    return PersonRow(
        address=whom, name=name or None, language=language or None, timezone=timezone or None
    )


def _terms(confirmed: bool, consent: str | None, welcome: bool, *, source: str) -> Terms:
    from mailer.store.staging import Terms

    words = (consent or "").strip()
    if confirmed and not words:
        raise click.UsageError("--confirmed needs --consent TEXT: when and how they consented")
    if not confirmed and consent is not None:
        raise click.UsageError("--consent goes with --confirmed; else they are asked themselves")
    if welcome and not confirmed:
        raise click.UsageError("--welcome goes with --confirmed; who confirms is greeted anyway")
    return Terms(confirmed=confirmed, evidence=words or source, welcome=welcome)
