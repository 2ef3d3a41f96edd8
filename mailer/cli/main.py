"""Finds the command that was asked for and loads only its file, so that --help comes at once."""

from __future__ import annotations

import importlib

import click

import mailer
from mailer.cli.frame import fail

# Command → module that has a click command of that name (dashes become underscores there).
COMMANDS = {
    "init": "Write a first configuration and database, and say what comes next.",
    "check": "Examine the set-up and say what is wrong with it.",
    "serve": "Run the daemon.",
    "receive": "Take one mail on standard input, for a mail server's pipe.",
    "classify": "Say what mails would be taken for, without doing it.",
    "webinar": "The programme: import, add, edit, move, cancel, list.",
    "registration": "Who comes to which webinar.",
    "announcement": "What goes out to subscribers, and what organisers write.",
    "subscriber": "People: list, add, import, export, forget.",
    "organiser": "A link to sign in to the organisers' pages.",
    "plan": "Show every mail that would go out, and when.",
    "simulate": "Run the real engine under a virtual clock into a Maildir.",
    "outbox": "The state of sending; stop it, let it go, try again.",
    "bounces": "What is held back because too much comes back at once.",
    "quarantine": "Mails that could not be processed; try them again.",
    "template": "The mails' texts, and your own in their place.",
    "explain": "Everything about one person: consent, mails, and why.",
    "db": "Upgrade, back up, restore, copy the database; new keys.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"mailer.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "config_path",
    type=click.Path(),
    metavar="FILE",
    help="The configuration. Else $MAILER_CONFIG, ./config.toml, /etc/mailer/config.toml.",
)
@click.version_option(mailer.__version__, prog_name="mailer")
@click.pass_context
def cli(ctx: click.Context, config_path: str | None) -> None:
    """Mailing list and announcement service for a recurring webinar series.

    Begin with `mailer init`. `mailer COMMAND --help` explains each command.
    """
    ctx.obj = config_path


def main() -> None:
    """Entry point of the installed command. What the system refuses (no room, no permission, a
    folder that is not there) is one line, as every failure."""
    try:
        cli(prog_name="mailer")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        fail(f"{place}{error.strerror or error}")
