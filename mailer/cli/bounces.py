"""`mailer bounces`: what is held back because too much comes back at once, and letting it count."""

from __future__ import annotations

from collections.abc import Iterator
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
    from mailer.intake.braking import Brake
    from mailer.parts import Parts


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def bounces(ctx: click.Context, own_config: str | None, as_json: bool) -> None:
    """Show which domains send back so much at once that nobody is tested or removed for it.

    \b
    mailer bounces                  what is held now, and what was accepted
    mailer bounces accept DOMAIN    those mailboxes are really gone: let it count
    """
    if ctx.invoked_subcommand is not None:
        return
    found = _read(ctx, own_config)
    if as_json:
        show(found)
    elif not found:
        click.echo("Nothing is held: mails come back one by one, as they should.")
    else:
        for line in _lines(found):
            click.echo(line)


def _read(ctx: click.Context, own_config: str | None) -> tuple[Brake, ...]:
    from mailer.intake.braking import brakes
    from mailer.parts import open_parts
    from scheduler.clock import SystemClock

    async def read() -> tuple[Brake, ...]:
        async with open_parts(load_config(ctx, own_config), SystemClock()) as parts:
            return await parts.store.read(lambda c: brakes(c, now=parts.clock.now()))

    return run_async(read())


def _lines(found: tuple[Brake, ...]) -> Iterator[str]:
    for one in found:
        where = "all domains together" if one.domain == "*" else one.domain
        told = f"{where}: {one.hard} mails came back within a day, {one.people} people there"
        if one.since:
            yield f"{told}; nobody is tested or removed since {one.since:%Y-%m-%d %H:%M} UTC"
        elif one.accepted_until:
            yield f"{told}; accepted until {one.accepted_until:%Y-%m-%d %H:%M} UTC"


@bounces.command()
@click.argument("domain")
@config_option
@json_option
@click.pass_context
@with_parts
async def accept(parts: Parts, domain: str, as_json: bool) -> None:
    """Say that the mailboxes of DOMAIN are gone indeed: what was held back counts now.

    DOMAIN is as `mailer bounces` shows it; "*" is all of them together.
    """
    from mailer.intake import braking

    now = parts.clock.now()
    held = await parts.store.read(lambda c: braking.brakes(c, now=now))
    if domain not in {one.domain for one in held if one.since}:
        fail(f"nothing is held for {domain}; mailer bounces shows what is")
    series = parts.config.series[0]
    again = await parts.store.write(
        lambda c: braking.accept(parts.intake.context(c, series), domain)
    )
    await parts.refusals.catch_up()
    await tell_daemon(parts)
    if as_json:
        show({"domain": domain, "mails": again})
    else:
        click.echo(
            f"{domain}: {again} mails that came back count now; who is meant is tested first"
        )
