"""`mailer init`: from nothing to a configuration that works, by asking or with defaults.

Writes only what is not there yet, and nothing at all unless the configuration it made holds. What
is asked is in `init_questions`, what is written in `mailer.config.wiring`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import fail, json_option, run_async, show
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.cli.init_questions import Wishes
    from mailer.config.model import Config
    from mailer.store.engine import Connection

CONFIG = "config.toml"
PASSWORD_FILE = "smarthost.password"  # noqa: S105 - a file's name
SAMPLE_SEASON = "2026"
_SECRET_BYTES = 20
_PRIVATE = 0o077  # the database holds addresses: nobody but its owner reads it


@click.command()
@click.argument(
    "folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--yes", is_flag=True, help="Ask nothing; what is not given is at its default.")
@click.option("--title", metavar="TEXT", help="The series' title.")
@click.option("--address", metavar="ADDRESS", help="The series' address.")
@click.option("--timezone", metavar="ZONE", help="IANA zone, such as Europe/Zurich.")
@click.option("--organiser", metavar="ADDRESS", help="Who gets people's questions.")
@click.option(
    "--send",
    type=click.Choice(["local", "smarthost", "maildir"]),
    help="How mail leaves: by the mail server on this machine, by another, or into files.",
)
@click.option("--smarthost", metavar="HOST[:PORT]", help="The other mail server.")
@click.option("--username", metavar="NAME", help="Name to sign in with there.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File whose one line is the password that goes with it.",
)
@click.option("--web", metavar="URL", help="Where people will see the pages; `none` for no pages.")
@click.option(
    "--link",
    is_flag=True,
    help="Only print a new link for the set-up pages of a DIR that is there.",
)
@click.option("--sample/--no-sample", default=None, help="Import a sample programme to look at.")
@json_option
def init(
    folder: Path, *, yes: bool, link: bool, as_json: bool, **given: str | Path | bool | None
) -> None:
    """Write a first configuration and database into DIR (default: here), by asking.

    Beside them it writes the lines for Postfix and a unit for systemd. Nothing that exists is
    overwritten. At the end it says what comes next. With pages (--web) that is a link which leads
    through the rest in a browser, from the mail server to the first subscriber; until it has come
    to its end, only answers and confirmations are sent.

    \b
    mailer init
    mailer init /var/lib/mailer --yes --title "Film talks" --address talks@lists.example.org
    mailer init /var/lib/mailer --web http://127.0.0.1:8080
    """
    from mailer.cli.init_questions import wishes

    folder = Path(os.path.abspath(folder))
    if link:
        _new_link(folder, as_json=as_json)
        return
    _refuse_existing(folder)
    wished = wishes(given, ask=not yes)
    with _making(folder) as made:
        config = _written(folder, wished, made)
        secret = _secret() if config.web else ""
        run_async(_database(config, sample=wished.sample, secret=secret))
        made.extend(_write_wiring(folder, config))
    opened_by = _link(config, secret)
    steps = next_steps(config, folder, opened_by)
    database = config.database.url
    if as_json:
        show(
            {
                "config": str(config.source),
                "database": database,
                "files": [str(path) for path in made],
                "link": opened_by,
                "next": [{"step": step, "command": command} for step, command in steps],
            }
        )
    else:
        _tell(config, made, steps)


def _refuse_existing(folder: Path) -> None:
    names = (CONFIG, "mailer.service", PASSWORD_FILE, *_postfix_names())
    existing = [folder / name for name in names if (folder / name).exists()]
    if existing:
        fail(
            f"{existing[0]} exists already, and init overwrites nothing: "
            "name another folder, or move it away"
        )


def _postfix_names() -> tuple[str, ...]:
    return ("postfix/main.cf.append", "postfix/mailer-transport", "postfix/mailer-recipients")


@contextmanager
def _making(folder: Path) -> Iterator[list[Path]]:
    """Collects what is written; if something fails, it is taken away again."""
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield made
    except OSError as error:
        _take_back(made)
        fail(f"cannot write into {folder}: {error.strerror or error}")
    except (MailerError, SystemExit):
        _take_back(made)
        raise


def _take_back(made: list[Path]) -> None:
    for path in made:
        with suppress(OSError):
            path.unlink()


def _written(folder: Path, wished: Wishes, made: list[Path]) -> Config:
    """The configuration, read back from the file: what init writes must hold."""
    from mailer.config.reading import read_config
    from mailer.config.wiring import default_config_text
    from mailer.errors import ConfigError

    if wished.password:
        with _umask(_PRIVATE):
            made.append(_write(folder / PASSWORD_FILE, wished.password + "\n"))
    made.insert(0, _write(folder / CONFIG, default_config_text(wished.answers)))
    try:
        return read_config(folder / CONFIG, os.environ)
    except ConfigError as error:
        fail("\n".join(str(fault) for fault in error.faults), 2)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:  # never over a file that appeared meanwhile
        file.write(text)
    return path


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _secret() -> str:
    """What the link of the set-up pages ends with: nobody can guess it."""
    import base64

    return base64.b32encode(os.urandom(_SECRET_BYTES)).decode("ascii").lower()


def _link(config: Config, secret: str) -> str:
    return f"{config.base_url}/admin/first/{secret}" if secret else ""


def _new_link(folder: Path, *, as_json: bool) -> None:
    """Print another link for the set-up pages; the one before opens nothing any more."""
    from mailer.config.reading import read_config
    from mailer.errors import ConfigError

    try:
        config = read_config(folder / CONFIG, os.environ)
    except ConfigError as error:
        fail(str(error), 2)
    if config.web is None:
        fail("there are no pages: give the configuration a [web] table first", 2)
    secret = _secret()
    run_async(_put_link(config, secret))
    made = _link(config, secret)
    if as_json:
        show({"link": made})
    else:
        click.echo(made)


async def _put_link(config: Config, secret: str) -> None:
    from mailer.parts import open_parts
    from mailer.store import first_run
    from scheduler.clock import SystemClock

    async with open_parts(config, SystemClock()) as parts:
        until = parts.clock.now() + first_run.LINK_LIVES_FOR
        await parts.store.write(lambda c: first_run.begin(c, secret, until=until))


async def _database(config: Config, *, sample: bool, secret: str) -> None:
    from mailer.cli import programme_input
    from mailer.intake import editing
    from mailer.parts import open_parts
    from mailer.store import first_run
    from scheduler.clock import SystemClock

    clock = SystemClock()
    with _umask(_PRIVATE):
        async with open_parts(config, clock, upgrade=True) as parts:
            if secret:
                until = clock.now() + first_run.LINK_LIVES_FOR
                await parts.store.write(
                    lambda c: first_run.begin(c, secret, until=until, hold=True)
                )
            if not sample:
                return
            (series,) = config.series
            drafts = programme_input.read_sample(SAMPLE_SEASON, series)

            async def unit(connection: Connection) -> None:
                await editing.import_drafts(connection, series, drafts, now=clock.now())

            await parts.store.write(unit)


def _write_wiring(folder: Path, config: Config) -> list[Path]:
    """Lines for Postfix and a unit for systemd; to be looked at before they are put in place."""
    import getpass

    from mailer.config import wiring

    us = (config.source, _executable(), getpass.getuser())
    texts = {
        "postfix/main.cf.append": wiring.postfix_main_cf(config),
        "postfix/mailer-transport": wiring.postfix_transport_map(config),
        "postfix/mailer-recipients": wiring.postfix_recipient_map(config),
        "postfix/master.cf.append": wiring.postfix_master_cf(*us),
        "mailer.service": wiring.systemd_unit(*us),
    }
    return [_write(folder / name, text) for name, text in texts.items()]


def _executable() -> Path:
    """This command, as a unit file can name it."""
    import shutil

    called = Path(sys.argv[0])
    if called.name == "mailer" and called.is_file():
        return called.absolute()
    beside = Path(sys.executable).with_name("mailer")
    found = shutil.which("mailer")
    return beside if beside.is_file() or found is None else Path(found)


def _called() -> str:
    """How this command is called in a terminal: by its name, if that is found there."""
    import shlex
    import shutil

    return "mailer" if shutil.which("mailer") else shlex.quote(str(_executable()))


def next_steps(config: Config, folder: Path, link: str) -> list[tuple[str, str]]:
    """What to do now, in order: a sentence, and the command for it; ``link`` is that of the set-up
    pages, empty if there are none."""
    import shlex

    here = folder == Path.cwd()
    called = _called()
    program = called if here else f"{called} --config {shlex.quote(str(config.source))}"
    address = config.series[0].address
    smtp = config.inbound.smtp
    postfix = shlex.quote(str(folder / "postfix"))
    unit = shlex.quote(str(folder / "mailer.service"))
    steps = [
        ("Look whether all is in order", f"{program} check"),
        ("Run the daemon; Ctrl-C ends it", f"{program} serve"),
    ]
    if link:
        near = config.web is not None and config.base_url.startswith("http:")
        where = "on this machine" if near else "once the web server in front is there"
        steps.append(
            (
                f"Open this link in a browser {where}: it leads through the rest, in five steps. "
                f"It is a secret, and good for a week (`{called} init --link` makes another)",
                link,
            )
        )
    elif smtp is not None:
        steps.append(
            (
                "In another terminal, subscribe as people will: by a mail to the series",
                "printf 'From: you@example.org\\nSubject: subscribe\\n\\n' | "
                f"{program} receive --from you@example.org --to {shlex.quote(address)}",
            )
        )
    return [
        *steps,
        ("Fill the programme", f"{program} webinar import FILE.toml"),
        ("See what will go out, and when", f"{program} plan"),
        (
            "Let Postfix hand over the series' mail (read the lines first)",
            f"cat {postfix}/main.cf.append >> /etc/postfix/main.cf && "
            f"cp {postfix}/mailer-transport {postfix}/mailer-recipients /etc/postfix/ && "
            "postfix check && postfix reload",
        ),
        (
            "Start it with the machine",
            f"cp {unit} /etc/systemd/system/ && systemctl enable --now mailer",
        ),
    ]


def _tell(config: Config, made: list[Path], steps: list[tuple[str, str]]) -> None:
    click.echo("Written:")
    for path in made:
        click.echo(f"  {path}")
    click.echo(f"The database is {config.database.url}")
    if config.outbound.transport == "maildir":
        click.echo(f"Mails do not leave this machine yet: they become files in {_outbox(config)}")
    if os.geteuid() == 0:
        click.echo(
            "You are root, so the daemon would run as root. For good, make a user of its own and "
            "run init as that user.",
            err=True,
        )
    click.echo("\nWhat comes next:")
    for number, (step, command) in enumerate(steps, 1):
        click.echo(f"\n{number}. {step}:\n   {command}")


def _outbox(config: Config) -> Path:
    return config.outbound.maildir / "new"
