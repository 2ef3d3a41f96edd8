"""`mailer organiser`: a way into the organisers' pages for who has none by mail just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.frame import config_option, fail, json_option, show, with_parts

if TYPE_CHECKING:
    from mailer.parts import Parts


@click.group()
def organiser() -> None:
    """The people who look after a series; who they are stands in the configuration.

    \b
    mailer organiser link ada@example.org     a link that signs in, once
    """


@organiser.command()
@click.argument("address", metavar="ADDRESS")
@config_option
@json_option
@click.pass_context
@with_parts
async def link(parts: Parts, address: str, as_json: bool) -> None:
    """Print a link by which an organiser signs in to the pages; it works once, for 15 minutes.

    Whoever has it gets in, so hand it over as you would a key.
    """
    from mailer.intake import admitting, announcing
    from mailer.message.address import parse_address
    from mailer.store.visit import LINK_FOR

    if parts.config.web is None:
        fail("there are no pages: the configuration has no [web]")
    wanted = parse_address(address)
    found = [
        (series, who)
        for series in parts.config.series
        if (who := announcing.organiser(series, wanted)) is not None
    ]
    if not found:
        known = {one for series in parts.config.series for one in series.organisers}
        fail(f"{address} is no organiser; they are: {', '.join(sorted(known)) or 'nobody'}")
    series, who = found[0]
    url = await parts.store.write(
        lambda c: admitting.make_link(parts.intake.context(c, series), who)
    )
    if as_json:
        until = parts.clock.now() + LINK_FOR
        show({"address": who.mailbox, "url": url, "expires_at": until})
    else:
        click.echo(url)
