"""`mailer db`: upgrade the schema, back up, restore, move to another engine, new keys."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mailer.cli.frame import (
    USAGE,
    config_option,
    fail,
    json_option,
    load_config,
    run_async,
    show,
    with_parts,
)

if TYPE_CHECKING:
    from mailer.config.model import Config
    from mailer.parts import Parts
    from mailer.store.engine import Connection, Store

T = TypeVar("T")

_TELL_EVERY = 20_000


@click.group()
def db() -> None:
    """Upgrade, back up, restore, copy the database; new keys."""


@db.command()
@config_option
@json_option
@click.pass_context
def upgrade(ctx: click.Context, own_config: str | None, as_json: bool) -> None:
    """Bring the database to this version's schema. `serve` does the same at its start."""
    from mailer.store.upgrade import HEAD, make_ready

    config = load_config(ctx, own_config)
    run_async(_with(config, lambda store: make_ready(store, upgrade=True)))
    if as_json:
        show({"schema": HEAD})
    else:
        click.echo(f"The database has schema {HEAD}.")


@db.command()
@click.argument("file", type=click.Path(dir_okay=False))
@config_option
@json_option
@click.pass_context
def backup(ctx: click.Context, file: str, own_config: str | None, as_json: bool) -> None:
    """Copy the whole database into FILE (SQLite) while the daemon runs.

    \b
    mailer db backup /var/backups/mailer-$(date +%F).db
    """
    target = Path(file)
    if target.exists():
        fail(f"{target} exists: name a new file, so that no backup is overwritten")
    config = load_config(ctx, own_config)
    run_async(_with(config, lambda store: _back_up(store, target)))
    if as_json:
        show({"file": str(target), "bytes": target.stat().st_size})
    else:
        click.echo(f"Backed up to {target} ({target.stat().st_size} bytes).")


async def _back_up(store: Store, target: Path) -> None:
    import asyncio

    from mailer.store.copying import back_up_sqlite

    path = store.sqlite_path
    if path is not None:
        await asyncio.to_thread(back_up_sqlite, path, target)
    else:
        await _copy(store, f"sqlite:///{target.absolute()}")


@db.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Set the present SQLite file aside first.")
@config_option
@json_option
@click.pass_context
def restore(
    ctx: click.Context, file: str, replace: bool, own_config: str | None, as_json: bool
) -> None:
    """Put a backup in place of the configured database, which must be new or empty.

    Sending is stopped in the restored database, for it may be older than what was sent: look at
    `mailer outbox` and `mailer plan`, then `mailer outbox go`.
    """
    config = load_config(ctx, own_config)
    rows = run_async(_restore(config, Path(file), replace=replace))
    if as_json:
        show({"file": file, "rows": rows, "stopped": True})
    else:
        click.echo("Restored, and sending is stopped: `mailer outbox go` lets it go on.")


async def _restore(config: Config, file: Path, *, replace: bool) -> int:
    from mailer.service import only_daemon_on
    from mailer.store.copying import require_backup
    from mailer.store.engine import open_store

    require_backup(file)
    target = open_store(config.database.url, password=config.database.password)
    try:
        path = target.sqlite_path
        if path is None:
            return await _fill(target, file)
        with only_daemon_on(path):
            if replace and path.stat().st_size:
                _set_aside(path)
            return await _fill(target, file)
    finally:
        await target.dispose()


async def _fill(target: Store, file: Path) -> int:
    from mailer.store import setting
    from mailer.store.copying import copy_all
    from mailer.store.engine import open_store
    from mailer.store.upgrade import make_ready
    from scheduler.clock import SystemClock

    source = open_store(f"sqlite:///{file.absolute()}")
    try:
        await make_ready(source, upgrade=True)
        await make_ready(target, upgrade=True)
        rows = await copy_all(source, target, progress=_tell)
        now = SystemClock().now().isoformat()
        await target.write(lambda c: setting.put(c, setting.STOPPED, f"restored {now}"))
        return rows
    finally:
        await source.dispose()


def _set_aside(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(f"{path.name}.before-restore{suffix}"))


@db.command()
@click.argument("url")
@config_option
@json_option
@click.pass_context
def copy(ctx: click.Context, url: str, own_config: str | None, as_json: bool) -> None:
    """Copy everything into the new database at URL, on the same engine or the other.

    Stop the daemon first, then point database.url at the copy.

    \b
    mailer db copy postgresql://mailer@db.example.org/mailer
    """
    config = load_config(ctx, own_config)
    from mailer.store.copying import NoDatabase, require_database, without_password

    try:
        require_database(url)
    except NoDatabase as error:
        fail(str(error), USAGE)
    rows = run_async(_with(config, lambda store: _copy(store, url)))
    shown = without_password(url)
    if as_json:
        show({"url": shown, "rows": rows})
    else:
        click.echo(f"Copied. Put url = {shown!r} under [database] and start the daemon.")


async def _copy(store: Store, url: str) -> int:
    from mailer.store.copying import copy_all, make_target_ready
    from mailer.store.engine import open_store

    target = open_store(url)
    try:
        await make_target_ready(target)
        return await copy_all(store, target, progress=_tell)
    finally:
        await target.dispose()


@db.command(name="new-key")
@config_option
@json_option
@click.pass_context
@with_parts
async def new_key(parts: Parts, as_json: bool) -> None:
    """Make a new key for the links in mails from now on.

    The keys before are kept: links in mails that went out keep working. It is kept where the others
    are, in the database or in `key_file`; a running daemon takes it up by itself.
    """
    import os

    from mailer.files import key_file
    from mailer.store import key, setting

    own = parts.config.key_file
    if own is not None:
        key_file.add(own, os.urandom)

    async def unit(connection: Connection) -> None:
        if own is None:
            await key.rotate(connection, now=parts.clock.now(), random=os.urandom)
        await setting.bump(connection, setting.RELOAD)

    await parts.store.write(unit)
    kept = "the database" if own is None else str(own)
    if as_json:
        show({"kept": kept})
    else:
        click.echo(f"There is a new key in {kept}; those before are kept for what was mailed.")


def _tell(table: str, rows: int) -> None:
    if rows and rows % _TELL_EVERY == 0:
        print(f"{table}: {rows} rows", file=sys.stderr)


async def _with(config: Config, work: Callable[[Store], Awaitable[T]]) -> T:
    from mailer.store.engine import open_store

    store = open_store(config.database.url, password=config.database.password)
    try:
        return await work(store)
    finally:
        await store.dispose()
