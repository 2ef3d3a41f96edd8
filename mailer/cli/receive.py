"""`mailer receive`: one mail from a mail server's pipe.

The running daemon gets it over its own listener; if none answers, it is committed here. The exit
code is what the mail server acts on (sysexits.h): 0 only when the mail is durable, 75 to keep it
and try again, 67 for an address that is not ours. Nothing but these; a surprise is 75 (F38).
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from mailer.cli.frame import config_option, load_config, run_async

if TYPE_CHECKING:
    import smtplib

    from mailer.config.model import Config, Endpoint

_TRY_AGAIN = 75  # EX_TEMPFAIL
_NO_SUCH_ADDRESS = 67  # EX_NOUSER
_BAD_MAIL = 65  # EX_DATAERR
_BAD_USAGE = 64  # EX_USAGE
_SECONDS = 60.0
_ANY_END = re.compile(rb"\r\n|\r|\n")


@click.command()
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
    except SystemExit:
        raise SystemExit(_TRY_AGAIN) from None  # the mail is good, the set-up is not
    content = sys.stdin.buffer.read(config.inbound.max_message_bytes + 1)
    if len(content) > config.inbound.max_message_bytes:
        _end(_BAD_MAIL, f"the mail is larger than {config.inbound.max_message_bytes} bytes")
    content = _ANY_END.sub(b"\r\n", content)
    sender = sender.strip("<>")
    left = _hand_over(config, sender, recipients, content)
    if left:
        try:
            run_async(_commit(config, sender, left, content))
        except SystemExit as error:
            code = error.code if error.code == _NO_SUCH_ADDRESS else _TRY_AGAIN
            raise SystemExit(code) from None
        except Exception as error:  # whatever it is, the mail server still has the mail
            _end(_TRY_AGAIN, f"cannot store the mail: {error}")


def _end(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)


def _hand_over(
    config: Config, sender: str, recipients: tuple[str, ...], content: bytes
) -> tuple[str, ...]:
    """Give it to the daemon, one transaction a recipient; those that it did not take."""
    import smtplib

    inbound = config.inbound
    if inbound.lmtp is not None:
        return _over(smtplib.LMTP, inbound.lmtp, sender, recipients, content)
    if inbound.smtp is not None:
        return _over(smtplib.SMTP, inbound.smtp, sender, recipients, content)
    return recipients


def _over(
    client: type[smtplib.SMTP],
    endpoint: Endpoint,
    sender: str,
    recipients: tuple[str, ...],
    content: bytes,
) -> tuple[str, ...]:
    import smtplib

    left = list(recipients)
    try:
        with client(endpoint.host, endpoint.port, timeout=_SECONDS) as session:
            session.ehlo_or_helo_if_needed()
            for recipient in recipients:
                session.mail(sender)
                code, _ = session.rcpt(recipient)
                if code == 250 and session.data(content)[0] == 250:
                    left.remove(recipient)
                else:
                    session.rset()
    except (OSError, smtplib.SMTPException):
        return tuple(left)
    return tuple(left)


async def _commit(config: Config, sender: str, recipients: tuple[str, ...], content: bytes) -> None:
    from mailer.parts import open_parts
    from scheduler.clock import SystemClock

    async with open_parts(config, SystemClock()) as parts:
        mail = parts.intake.read(content, sender=sender)
        for address in recipients:
            recipient = parts.intake.route(address)
            if recipient is None:
                _end(_NO_SUCH_ADDRESS, f"no such address here: {address}")
            else:
                await parts.intake.take(mail, recipient, address=address, source="pipe")
