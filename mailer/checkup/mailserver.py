"""The mail server that carries our mail onwards: reached as for a mail, but none is sent.

Connect, EHLO, STARTTLS or TLS, the certificate, sign-in, QUIT: the same steps by the same code as
when sending.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path

from mailer.checkup.certificate import lasts
from mailer.checkup.finding import Finding, fault, note, ok
from mailer.config.model import Outbound, Security, TransportKind
from mailer.config.tables import is_loopback
from mailer.transport.outcome import Outcome, Phase
from mailer.transport.smtp import Peer, SmtpTransport

SECONDS = 10.0
_ADVICE = {
    Phase.CONNECT: "see whether it runs, and whether host, port and firewall are right",
    Phase.EHLO: "see what else answers at this port, and whether it is one for TLS from the start",
    Phase.STARTTLS: 'let it offer STARTTLS with a valid certificate, or see "security", "ca_file"',
    Phase.AUTH: "see username and password under [outbound]",
}


async def mail_server(outbound: Outbound, *, hostname: str, now: datetime) -> tuple[Finding, ...]:
    """Whether mail can leave as configured."""
    if outbound.transport is TransportKind.MAILDIR:
        return (_maildir(outbound.maildir),)
    subject = f"{outbound.host}:{outbound.port}"
    transport = SmtpTransport(outbound, hostname=hostname)
    try:
        async with asyncio.timeout(SECONDS):
            found = await transport.probe()
    except TimeoutError:
        return (_unreachable(subject, Phase.CONNECT, f"no answer within {SECONDS:.0f} s"),)
    if isinstance(found, Outcome):
        said = f"{found.code} {found.text}" if found.code is not None else found.text
        return (_unreachable(subject, found.phase, f"{said} (at {found.phase})"),)
    return tuple(_reached(subject, outbound, found, now))


def _unreachable(subject: str, phase: Phase, found: str) -> Finding:
    return fault(
        "mail server",
        subject,
        found,
        expected="a server that takes our mail",
        advice=_ADVICE.get(phase, "see the server's log"),
    )


def _reached(subject: str, outbound: Outbound, peer: Peer, now: datetime) -> list[Finding]:
    words = ["answers"]
    words += [peer.tls] if peer.tls else []
    words += ["signed in"] if outbound.username else []
    words += [] if peer.extensions.pipelining else ["no PIPELINING (slower)"]
    rows = [ok("mail server", subject, ", ".join(words))]
    if outbound.security is Security.NONE and not is_loopback(outbound.host):
        rows.append(
            note(
                "mail server",
                subject,
                "mail goes there unencrypted",
                expected='security = "starttls" or "tls"',
                advice="see whether the server offers it",
            )
        )
    if peer.certificate_ends_at is not None:
        rows.append(lasts(subject, peer.certificate_ends_at, now))
    return rows


def _maildir(folder: Path) -> Finding:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if os.access(there, os.W_OK | os.X_OK):
        return note(
            "mail server",
            str(folder),
            "mails become files in this folder; none leaves this machine",
            expected='transport = "smtp" when it is to be real',
            advice="see [outbound]",
        )
    return fault(
        "mail server",
        str(folder),
        "cannot be written",
        expected="a folder that this user may write",
        advice=f"change the owner of {there}, or outbound.maildir",
    )
