"""`mailer announcement queue`, `preview` and `test`: what is done with a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.announcement_options import (
    address,
    at_option,
    by_option,
    file_argument,
    organiser,
    say,
)
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
    from mailer.config.model import Series
    from mailer.files.announcement_md import Manuscript
    from mailer.parts import Parts


def from_file(parts: Parts, path: Path, series: Series, *, at: str = "") -> Manuscript:
    """What the file says; raises AnnouncementError with every fault and its line."""
    from mailer.errors import AnnouncementError
    from mailer.files.announcement_md import read
    from mailer.files.text import decode

    text = decode(path.read_bytes())
    if not isinstance(text, str):
        raise AnnouncementError(str(path), (text,))
    return read(text, series, now=parts.clock.now(), source=str(path), at=at)


@click.command()
@file_argument
@at_option
@by_option
@click.option("--again", is_flag=True, help="Queue a text once more that was queued before.")
@series_option
@config_option
@json_option
@click.pass_context
@with_parts
async def queue(
    parts: Parts,
    *,
    file: Path,
    at: str,
    by: str | None,
    again: bool,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Queue what FILE says. The same text for the same people is queued once.

    What is queued here is approved by that, unless the series' approval is "other": then the other
    organisers are asked by mail.
    """
    from mailer import proof
    from mailer.cli import announcement_output
    from mailer.intake import previewing
    from mailer.store import approval

    series = pick_series(parts.config, series_id)
    writer = organiser(series, by)
    text = from_file(parts, file, series, at=at)
    # A fault in a template is told now, not when it is due.
    made = await proof.of_text(parts, series, text, language=None, zone=None)
    queued = await parts.store.write(
        lambda c: previewing.queue(
            parts.intake.context(c, series),
            text,
            writer=writer.mailbox if writer else "",
            again=again,
        )
    )
    whom = await parts.store.read(lambda c: approval.approvers(c, [queued.item.id]))
    approvers = whom.get(queued.item.id, ())
    now = parts.clock.now()
    if as_json:
        show(announcement_output.queued(queued.item, made.recipients, queued.already, approvers))
        return
    if queued.already:
        click.echo("This text was queued before; --again queues it once more.")
    say(announcement_output.told_of(queued.item, series, made.recipients, approvers, now))


@click.command()
@file_argument
@at_option
@click.option("--language", metavar="TAG", help="The reader's, for the frame around the text.")
@click.option("--zone", metavar="ZONE", help="The reader's.")
@click.option("--html", "html", type=click.Path(path_type=Path), help="Write the page into a file.")
@click.option("--eml", "eml", type=click.Path(path_type=Path), help="Write the mail into a file.")
@series_option
@config_option
@json_option
@click.pass_context
@with_parts
async def preview(
    parts: Parts,
    *,
    file: Path,
    at: str,
    language: str | None,
    zone: str | None,
    html: Path | None,
    eml: Path | None,
    series_id: str | None,
    as_json: bool,
) -> None:
    """Show what FILE would send, to how many and when. Nothing is queued.

    \b
    mailer announcement preview news.md
    mailer announcement preview news.md --html news.html --eml news.eml
    """
    from mailer import proof
    from mailer.cli import announcement_output

    series = pick_series(parts.config, series_id)
    text = from_file(parts, file, series, at=at)
    made = await proof.of_text(parts, series, text, language=language, zone=zone)
    if html is not None:
        html.write_text(made.copy.html, encoding="utf-8")
    if eml is not None:
        eml.write_bytes(made.copy.content)
    if as_json:
        show(announcement_output.preview_json(made))
    else:
        say(announcement_output.previewed(made, series))


@click.command()
@file_argument
@click.option("--to", "to", required=True, metavar="ADDRESS", help="Who gets the one copy.")
@series_option
@config_option
@json_option
@click.pass_context
@with_parts
async def test(parts: Parts, *, file: Path, to: str, series_id: str | None, as_json: bool) -> None:
    """Send FILE to one address, as subscribers would get it. Its links are for nobody.

    \b
    mailer announcement test news.md --to me@example.org
    """
    from mailer import proof
    from mailer.intake import previewing

    series = pick_series(parts.config, series_id)
    recipient = address(to, "--to")
    text = from_file(parts, file, series)
    made = await proof.of_text(parts, series, text, language=None, zone=None)

    refused = await parts.store.write(
        lambda c: previewing.try_out(parts.intake.context(c, series), made.letter, recipient)
    )
    if refused is not None:
        fail(f"{recipient.mailbox} must not be mailed ({refused})")
    if as_json:
        show({"to": recipient.mailbox, "subject": text.subject})
    else:
        click.echo(f"One copy is on its way to {recipient.mailbox}.")
