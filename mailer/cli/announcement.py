"""`mailer announcement`: what goes out to subscribers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.frame import config_option, fail, json_option, show, stamp, with_parts

if TYPE_CHECKING:
    from mailer.parts import Parts


@click.group()
def announcement() -> None:
    """What goes out to subscribers: what the rules made of the programme, and how far it is."""


@announcement.command("list")
@config_option
@json_option
@click.pass_context
@with_parts
async def list_(parts: Parts, as_json: bool) -> None:
    """Every announcement, planned or let go, by when it is due."""
    from mailer.store import announcement as store

    items = await parts.store.read(store.progress)
    if as_json:
        show(items)
        return
    for one in items:
        click.echo(
            f"{one.id:>5}  {stamp(one.due_at)}  {one.state:<9} "
            f"{one.sent}/{one.total}  {one.subject}"
        )
    if not items:
        click.echo("Nothing is planned yet; the daemon plans when webinars are there.")


@announcement.command("show")
@click.argument("announcement_id", metavar="ID", type=int)
@config_option
@json_option
@click.pass_context
@with_parts
async def show_(parts: Parts, announcement_id: int, as_json: bool) -> None:
    """One announcement: its times, its state, and why it is in it."""
    from mailer.store import announcement as store

    found = await parts.store.read(lambda c: store.by_id(c, announcement_id))
    if found is None:
        fail(f"there is no announcement {announcement_id}; `mailer announcement list` has them all")
    if as_json:
        show(found)
        return
    click.echo(f"{found.kind} to {found.audience}, {found.state} {found.reason}".rstrip())
    click.echo(f"due {stamp(found.due_at)}, not after {stamp(found.expires_at)}")
    click.echo(f"{found.total} recipients so far")
