"""SMTP and LMTP as spoken to those who deliver to us: aiosmtpd with what it lacks.

Enhanced status codes on every refusal (RFC 2034), one LMTP reply per recipient (RFC 2033 §4.2), and
nothing of an internal error on the wire. Decides nothing about mail.
"""

from __future__ import annotations

import asyncio
import re
import ssl

from aiosmtpd.smtp import SMTP

from mailer.log import get_logger

LINE_OCTETS = 1_048_576  # real mail has longer lines than the 1,000 of RFC 5321 §4.5.3.1.6
COMMAND_SECONDS = 300.0  # §4.5.3.2.7
_PLAIN = re.compile(r"([45])(\d\d) (?!\d\.\d{1,3}\.\d{1,3} )")
_ENHANCED = {
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "504": "5.5.4",
    "530": "5.7.0",
    "552": "5.3.4",
    "553": "5.1.7",
    "555": "5.5.4",
}
_SAID_BY_AIOSMTPD = {
    "250 OK": "250 2.0.0 OK",
    "221 Bye": "221 2.0.0 Bye",
    "252 Cannot VRFY user, but will accept message and attempt delivery": (
        "252 2.5.0 Cannot say, but will try"
    ),
}

_log = get_logger(__name__)


class SmtpProtocol(SMTP):
    """One client's session."""

    line_length_limit = LINE_OCTETS

    def __init__(
        self, handler: object, *, hostname: str, size_limit: int, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(
            handler,
            hostname=hostname,
            ident="ready",
            data_size_limit=size_limit,
            enable_SMTPUTF8=True,
            tls_context=tls,
            timeout=COMMAND_SECONDS,
            loop=asyncio.get_running_loop(),
        )

    async def push(self, status: str | bytes) -> None:
        """Write a reply, with an enhanced status code where aiosmtpd gives none."""
        if isinstance(status, bytes):
            status = status.decode("utf-8", "replace")
        status = _SAID_BY_AIOSMTPD.get(status, status)
        match = _PLAIN.match(status)
        if match is not None:
            code = _ENHANCED.get(status[:3], f"{match[1]}.0.0")
            status = f"{status[:3]} {code} {status[4:]}"
        await super().push(status)

    async def handle_exception(self, error: Exception) -> str:
        """A surprise is temporary, and its cause is for the log alone."""
        _log.error(
            "a session failed", action="mail.failed", cause=f"{type(error).__name__}: {error}"
        )
        return "451 4.3.0 Something went wrong here, please try again later"


class LmtpProtocol(SmtpProtocol):
    """The same as a local delivery agent: LHLO, and a reply for each recipient after the dot."""

    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's
        """Greet; the answer is that to EHLO."""
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's
        """LMTP has no HELO (RFC 2033 §4.1)."""
        await self.push("500 5.5.1 This is LMTP: say LHLO")

    async def smtp_EHLO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's
        """LMTP has no EHLO."""
        await self.smtp_HELO(arg)

    async def push(self, status: str | bytes) -> None:
        """A mail that is refused as a whole is refused for each of its recipients."""
        whole = isinstance(status, str) and status.startswith(
            ("552 Error: Too much", "500 Line too long")
        )
        recipients = len(self.envelope.rcpt_tos) if whole and self.envelope else 1
        for _ in range(max(recipients, 1)):
            await super().push(status)
