"""`mailer receive`: one mail from a mail server's pipe.

The running daemon gets it over its own listener; if none answers, it is committed here. The exit
code is what the mail server acts on (sysexits.h): 0 only when the mail is durable, 75 to keep it
and try again, 67 for an address that is not ours. Nothing but these; a surprise is 75 (F38).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from mailer.cli.frame import config_option, load_config, run_async
from mailer.config.model import Config

if TYPE_CHECKING:
    from mailer.intake.delivery import Intake
    from mailer.message.address import Recipient

_TRY_AGAIN = 75  # EX_TEMPFAIL
_NO_SUCH_ADDRESS = 67  # EX_NOUSER
_BAD_MAIL = 65  # EX_DATAERR
_BAD_USAGE = 64  # EX_USAGE
_ANY_END = re.compile(rb"\r\n|\r|\n")


class Pipe(click.Command):
    """A command for mail servers: they know 64, and would bounce a mail for click's 2."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments; ends with 64 if they do not hold."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            _end(_BAD_USAGE, error.format_message())


@click.command(cls=Pipe)
@click.option("--from", "sender", metavar="SENDER", help="The envelope sender; <> for none.")
@click.option("--to", "recipients", metavar="RCPT", multiple=True, help="An envelope recipient.")
@config_option
@click.pass_context
def receive(
    ctx: click.Context, sender: str | None, recipients: tuple[str, ...], own_config: str | None
) -> None:
    """Take one mail on standard input and exit 0 when it is safely stored.

    For a mail server's pipe transport; the operations manual has the lines for Postfix. Exits 75 if
    it cannot be stored now, 67 if the address is not one of the series.

    \b
    mailer receive --from ana@example.org --to webinars@lists.example.org < mail.eml
    """
    if sender is None or not recipients:
        _end(_BAD_USAGE, "receive needs --from SENDER and --to RCPT")
    try:
        config = load_config(ctx, own_config)
        _receive(config, sender.strip("<>"), recipients)
    except SystemExit as error:
        if error.code in (_NO_SUCH_ADDRESS, _BAD_MAIL):
            raise
        raise SystemExit(_TRY_AGAIN) from None  # the mail is good, the set-up is not
    except Exception as error:  # whatever it is, the mail server still has the mail
        _end(_TRY_AGAIN, f"cannot store the mail: {type(error).__name__}: {error}")


def _receive(config: Config, sender: str, recipients: Sequence[str]) -> None:
    """Store it for every address of ours before anything is said about the others."""
    from mailer.message.address import route

    content = _mail(config.inbound.max_message_bytes)
    ours = [address for address in recipients if route(address, config.series) is not None]
    taken = _hand_over(config, sender, ours, content) if ours else ()
    left = [address for address in ours if address not in taken]
    if left:
        run_async(_commit(config, sender, left, content))
    unknown = [address for address in recipients if address not in ours]
    if unknown:
        _end(_NO_SUCH_ADDRESS, f"no such address here: {', '.join(unknown)}")


def _mail(limit: int) -> bytes:
    """Standard input with CRLF line ends."""
    if sys.stdin is None:
        _end(_TRY_AGAIN, "standard input is closed")
    content = sys.stdin.buffer.read(limit + 1)
    if not content:
        _end(_TRY_AGAIN, "there is no mail on standard input")
    if len(content) > limit:
        _end(_BAD_MAIL, f"the mail is larger than {limit} bytes")
    return _ANY_END.sub(b"\r\n", content)


def _end(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)


def _hand_over(
    config: Config, sender: str, recipients: Sequence[str], content: bytes
) -> tuple[str, ...]:
    """Give it to the running daemon; for whom it was stored."""
    from mailer.transport.handover import hand_over

    lmtp, smtp = config.inbound.lmtp, config.inbound.smtp
    endpoint = lmtp or smtp
    if endpoint is None:
        return ()
    return hand_over(
        (endpoint.host, endpoint.port),
        lmtp=lmtp is not None,
        greeting=f"220 {config.series[0].address.rpartition('@')[2]} ready",
        sender=sender,
        recipients=recipients,
        content=content,
    )


async def _commit(config: Config, sender: str, recipients: Sequence[str], content: bytes) -> None:
    from mailer.parts import open_parts
    from scheduler.clock import SystemClock

    async with open_parts(config, SystemClock()) as parts:
        ours = {address: parts.intake.route(address) for address in recipients}
        try:
            mail = parts.intake.read(content, sender=sender)
        except Exception as error:
            if not await _set_aside(parts.intake, content, sender, ours, error):
                raise
            return
        for address, recipient in ours.items():
            assert recipient is not None  # looked at before
            await parts.intake.take(mail, recipient, address=address, source="pipe")


async def _set_aside(
    intake: Intake,
    content: bytes,
    sender: str,
    ours: Mapping[str, Recipient | None],
    error: Exception,
) -> bool:
    """Whether a mail that cannot be read is kept aside for all of them, and not to come again."""
    kept = [
        await intake.set_aside(
            content, recipient, sender=sender, address=address, source="pipe", error=error
        )
        for address, recipient in ours.items()
        if recipient is not None
    ]
    return all(kept)
