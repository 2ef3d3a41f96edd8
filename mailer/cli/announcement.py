"""`mailer announcement`: what goes out to subscribers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import (
    config_option,
    fail,
    json_option,
    pick_series,
    series_option,
    show,
    stamp,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.parts import Parts
    from mailer.store.announcement import Announcement
    from mailer.store.delivery import Delivery, Failure
    from mailer.store.engine import Connection


# Promised, and answered with "not yet" until they are there.
LATER = ("queue", "preview", "test", "approve", "pause", "resume", "cancel")


@click.group()
def announcement() -> None:
    """What goes out to subscribers: what the rules made of the programme, and how far it is."""


def _not_yet(name: str) -> click.Command:
    """A command that takes anything and does nothing."""
    return click.Command(
        name,
        callback=lambda **_: fail(f"mailer announcement {name}: not yet in this version"),
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help="Not yet in this version.",
        hidden=True,
    )


for _name in LATER:
    announcement.add_command(_not_yet(_name))


@announcement.command("list")
@series_option
@config_option
@json_option
@click.pass_context
@with_parts
async def list_(parts: Parts, series_id: str | None, as_json: bool) -> None:
    """Every announcement, planned or let go, by when it is due; of every series unless --series."""
    from mailer.store import announcement as store

    series = None if series_id is None else pick_series(parts.config, series_id).id
    items = await parts.store.read(lambda c: store.progress(c, series_id=series))
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
    """One announcement: its times and its state, how many got it, and why others did not.

    \b
    mailer announcement show 12
    """
    from mailer.store import announcement as store
    from mailer.store import delivery as deliveries

    async def read(
        connection: Connection,
    ) -> tuple[Announcement | None, Delivery]:
        found = await store.by_id(connection, announcement_id)
        return found, await deliveries.outcome(connection, announcement_id)

    found, delivery = await parts.store.read(read)
    if found is None:
        fail(f"there is no announcement {announcement_id}; `mailer announcement list` has them all")
    if as_json:
        plain = {field.name: getattr(found, field.name) for field in fields(found)}
        show({**plain, "outcome": delivery_report(delivery)})
        return
    click.echo(f"{found.kind} to {found.audience}, {found.state} {found.reason}".rstrip())
    click.echo(f"due {stamp(found.due_at)}, not after {stamp(found.expires_at)}")
    click.echo("\n".join(_told(found, delivery)))


def delivery_report(delivery: Delivery) -> dict[str, object]:
    """The report as JSON has it: counts by state, and every reason with an example."""
    return {
        "states": delivery.states,
        "came_back": delivery.came_back,
        "reasons": [
            {
                "state": one.state,
                "reason": one.reason,
                "class": one.cls,
                "status": one.status or None,
                "count": one.count,
                "example": one.example,
            }
            for one in delivery.failures
        ],
    }


def _told(found: Announcement, delivery: Delivery) -> Iterator[str]:
    counted = ", ".join(
        f"{count} {field.name.replace('_', ' ')}"
        for field in fields(delivery.states)
        if (count := getattr(delivery.states, field.name))
    )
    yield f"{found.total} recipients so far" + (f": {counted}" if counted else "")
    if delivery.came_back:
        yield f"{delivery.came_back} of those sent came back"
    if delivery.failures:
        yield ""
        yield "Why not all have it:"
    for one in delivery.failures:
        yield from _reason(one)


def _reason(one: Failure) -> Iterator[str]:
    from mailer.files.draft import printable

    state = "came back" if one.state == "sent" else one.state
    why = ", ".join(filter(None, (one.reason, one.cls and CLASSES[one.cls], one.status)))
    yield f"{one.count:>7}  {state}" + (f": {why}" if why else "")
    if one.example:
        yield f"         for example: {printable(one.example)}"


CLASSES = {
    "hard": "no such mailbox",
    "soft": "for the time being",
    "block": "refused by policy",
    "full": "mailbox full",
    "unknown": "no clear reason",
}
