"""`mailer quarantine`: mails that could not be processed, shown and tried once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.frame import (
    config_option,
    fail,
    json_option,
    load_config,
    run_async,
    show,
    tell_daemon,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.parts import Parts
    from mailer.store.journal import KeptAside

SHOWN = 4_000  # characters of a mail, as its beginning tells what it is


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def quarantine(ctx: click.Context, own_config: str | None, as_json: bool) -> None:
    """Mails that came in and could not be processed, three times, for a fault in this program.

    \b
    mailer quarantine                what is kept, and until when
    mailer quarantine show NUMBER    the mail itself
    mailer quarantine retry NUMBER   process it once more, after an upgrade say
    """
    if ctx.invoked_subcommand is not None:
        return
    found = _read(ctx, own_config)
    if as_json:
        show([_value(one) for one in found])
    elif not found:
        click.echo("Nothing is kept: every mail was processed.")
    for one in () if as_json else found:
        click.echo(
            f"{one.entry_id}  {one.received_at:%Y-%m-%d %H:%M} UTC  to {one.recipient}  "
            f"{one.size} bytes by {one.source}  {one.outcome}; until {one.until:%Y-%m-%d}"
        )


def _read(ctx: click.Context, own_config: str | None) -> tuple[KeptAside, ...]:
    from mailer.parts import open_parts
    from mailer.store import journal
    from scheduler.clock import SystemClock

    async def read() -> tuple[KeptAside, ...]:
        async with open_parts(load_config(ctx, own_config), SystemClock()) as parts:
            return await parts.store.read(journal.kept_aside)

    return run_async(read())


def _value(one: KeptAside) -> dict[str, object]:
    return {
        "number": one.entry_id,
        "at": one.received_at,
        "recipient": one.recipient,
        "source": one.source,
        "size": one.size,
        "outcome": one.outcome,
        "until": one.until,
    }


@quarantine.command("show")
@click.argument("number", type=int)
@click.option("--raw", is_flag=True, help="The bytes as they came, for a file.")
@config_option
@click.pass_context
@with_parts
async def show_(parts: Parts, number: int, raw: bool) -> None:
    """Show the beginning of a mail that is kept; --raw writes all of it."""
    from mailer.files.draft import printable
    from mailer.intake.quarantine import opened
    from mailer.store import aside

    kept = await parts.store.read(lambda c: aside.find(c, number))
    if kept is None:
        fail(_unknown(number))
    content, _, _ = opened(kept.content)
    if raw:
        click.echo(content, nl=False)
        return
    text = content[:SHOWN].decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    for line in text.split("\n"):
        click.echo(printable(line))
    if len(content) > SHOWN:
        click.echo(f"… and {len(content) - SHOWN} bytes more: --raw writes all of it")


@quarantine.command()
@click.argument("number", type=int)
@config_option
@json_option
@click.pass_context
@with_parts
async def retry(parts: Parts, number: int, as_json: bool) -> None:
    """Process a mail once more. If it fails again it is kept again, and the command fails."""
    from mailer.intake.retaking import retake
    from mailer.store.journal import KEPT_ASIDE

    outcome = await retake(parts.store, parts.intake, number)
    if outcome is None:
        fail(_unknown(number))
    if outcome.word.startswith(KEPT_ASIDE):
        fail(f"mail {number} is {outcome.word}")
    await tell_daemon(parts)
    if as_json:
        show({"number": number, "outcome": outcome.word})
    else:
        click.echo(f"mail {number}: {outcome.word}")


def _unknown(number: int) -> str:
    return f"no mail {number} is kept: `mailer quarantine` lists those that are"
