"""`mailer outbox`: how sending stands, and the switch that stops it."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import (
    config_option,
    json_option,
    load_config,
    run_async,
    show,
    tell_daemon,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.parts import Parts
    from mailer.store.engine import Connection
    from mailer.store.progress import Progress
    from mailer.store.tally import Counts
    from mailer.store.trouble import Trouble

_WATCH_SECONDS = 1.0


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def outbox(ctx: click.Context, own_config: str | None, as_json: bool) -> None:
    """Show how many mails wait, are under way, went out or failed.

    \b
    mailer outbox           the state of sending
    mailer outbox watch     the same, live
    mailer outbox stop      halt all sending at once (survives restarts)
    mailer outbox go        let it go on
    mailer outbox retry     try what is deferred or failed again
    """
    if ctx.invoked_subcommand is None:
        state = _state(ctx, own_config)
        if as_json:
            shown = {
                "stopped": state.stopped,
                "held": state.held,
                "troubles": state.troubles,
                "announcements": state.announcements,
            }
            show({**_plain_counts(state.counts), **shown})
        else:
            click.echo(_text(state))


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """How sending stands."""

    counts: Counts
    announcements: tuple[Progress, ...]
    stopped: bool
    held: bool
    troubles: tuple[Trouble, ...]


def _plain_counts(counts: Counts) -> dict[str, int]:
    return {field.name: getattr(counts, field.name) for field in fields(counts)}


def _state(ctx: click.Context, own_config: str | None) -> _State:
    from mailer.parts import open_parts
    from scheduler.clock import SystemClock

    async def read() -> _State:
        async with open_parts(load_config(ctx, own_config), SystemClock()) as parts:
            return await _read(parts)

    return run_async(read())


async def _read(parts: Parts) -> _State:
    from mailer.store import setting, trouble
    from mailer.store.progress import progress
    from mailer.store.tally import counts as count_rows

    counts = await parts.store.read(count_rows)
    items = await parts.store.read(progress)
    keys = (setting.STOPPED, setting.HELD)
    switches = await parts.store.read(lambda c: setting.several(c, keys))
    now = parts.clock.now()
    troubles = await parts.store.read(lambda c: trouble.troubles(c, now=now))
    return _State(
        counts=counts,
        announcements=items,
        stopped=setting.STOPPED in switches,
        held=setting.HELD in switches,
        troubles=troubles,
    )


def _text(state: _State) -> str:
    lines = ["Sending is STOPPED (mailer outbox go lets it go on).", ""] if state.stopped else []
    if state.held:
        lines += [
            "Mail to many waits until the first set-up is done (mailer outbox go ends that).",
            "",
        ]
    for trouble in state.troubles:
        lines += [_trouble_text(trouble), ""]
    counts = _plain_counts(state.counts)
    lines += [f"{name.replace('_', ' '):>10}  {n}" for name, n in counts.items()]
    listed = ("waiting", "planned", "sending", "paused", "done", "failed")
    active = [one for one in state.announcements if one.state in listed]
    if active:
        lines += ["", "Announcements:"]
    for one in active:
        due = one.due_at.strftime("%Y-%m-%d %H:%M UTC")
        why = f" ({one.reason})" if one.state == "failed" and one.reason else ""
        lines.append(f"  {due}  {one.state:<8} {one.sent}/{one.total} sent  {one.subject}{why}")
    return "\n".join(lines)


def _trouble_text(trouble: Trouble) -> str:
    since = trouble.since.strftime("%Y-%m-%d %H:%M UTC")
    said = " ".join(filter(None, (str(trouble.code or ""), trouble.cause)))
    line = f"No mail leaves since {since} ({trouble.phase}): {said}"
    return f"{line}\nThis will not end by waiting: see mailer check." if trouble.alarm else line


@outbox.command()
@config_option
@json_option
@click.pass_context
@with_parts
async def stop(parts: Parts, as_json: bool) -> None:
    """Halt all sending at once, answers included. It stays halted over restarts until `go`."""
    from mailer.store import setting

    await parts.store.write(
        lambda c: setting.put(c, setting.STOPPED, parts.clock.now().isoformat())
    )
    await tell_daemon(parts)
    if as_json:
        show({"stopped": True})
    else:
        click.echo(
            "Sending is stopped. What comes in is still taken; `mailer outbox go` lets it go on."
        )


@outbox.command()
@config_option
@json_option
@click.pass_context
@with_parts
async def go(parts: Parts, as_json: bool) -> None:
    """Let sending go on after `stop`, and mail to many before the first set-up is done."""
    from mailer.store import setting

    async def unit(connection: Connection) -> None:
        for key in (setting.STOPPED, setting.HELD):
            await setting.remove(connection, key)

    await parts.store.write(unit)
    await tell_daemon(parts)
    if as_json:
        show({"stopped": False})
    else:
        click.echo("Sending goes on.")


@outbox.command()
@config_option
@json_option
@click.pass_context
@with_parts
async def retry(parts: Parts, as_json: bool) -> None:
    """Try every deferred mail now instead of at its next time, and what has failed once more.

    An announcement fails as a whole when its template does: mend that, start the daemon anew, which
    reads templates at its start, then retry. What is too late by then stays failed.
    """
    from mailer.store import announcement
    from mailer.store import outbox as ledger

    now = parts.clock.now()

    async def unit(connection: Connection) -> tuple[int, int]:
        retried = await ledger.retry(connection, now=now)
        return retried, await announcement.revive(connection, now=now)

    count, revived = await parts.store.write(unit)
    await tell_daemon(parts)
    if as_json:
        show({"retried": count, "revived": revived})
        return
    click.echo(f"{count} deferred mail{'s' if count != 1 else ''} will be tried now.")
    if revived:
        noun = "announcement is" if revived == 1 else "announcements are"
        click.echo(
            f"{revived} failed {noun} planned again; the daemon must have been started since its "
            "template was mended."
        )


@outbox.command()
@config_option
@click.pass_context
def watch(ctx: click.Context, own_config: str | None) -> None:
    """The state of sending, refreshed every second until Ctrl-C."""
    from rich.live import Live

    with Live(auto_refresh=False, screen=False) as live:
        try:
            while True:
                live.update(_text(_state(ctx, own_config)), refresh=True)
                time.sleep(_WATCH_SECONDS)
        except KeyboardInterrupt:
            return
