"""The commands of `mailer subscriber` by which people come in: one, or a file of them.

What is done with them is decided in `mailer.intake.importing`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import fail, pick_series, series_option, show
from mailer.cli.progress import Meter
from mailer.cli.subscriber_options import person_command, read_address, terms_options

if TYPE_CHECKING:
    from mailer.files.people_csv import PersonRow
    from mailer.intake.enrolling import Taken
    from mailer.parts import Parts
    from mailer.store.staging import Terms


@click.command()
@click.argument("address")
@click.option("--name", metavar="TEXT", help="How they are called.")
@click.option("--language", metavar="TAG", help="en, fr, …; default: the series'.")
@click.option("--timezone", metavar="ZONE", help="Europe/Paris; default: the series'.")
@terms_options
@series_option
@person_command
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


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@terms_options
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out instead of taking nobody.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@series_option
@person_command
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


def _person(
    address: str, name: str | None, language: str | None, timezone: str | None
) -> PersonRow:
    from mailer.files import fields
    from mailer.files.people_csv import PersonRow

    whom = read_address(address)
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


COMMANDS: tuple[click.Command, ...] = (add, import_)
