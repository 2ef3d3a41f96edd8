"""LMTP (RFC 2033): SMTP as a local delivery agent speaks it.

LHLO takes the place of EHLO, and after the dot there is a reply for each recipient.
"""

# ruff: noqa: N802 - aiosmtpd finds its hooks by these names

from __future__ import annotations

from mailer.inbound.protocol import WHOLE_MAIL, SmtpProtocol


class LmtpProtocol(SmtpProtocol):
    """The same as a local delivery agent: LHLO, and a reply for each recipient after the dot."""

    greeting_verb = "LHLO"

    async def smtp_LHLO(self, arg: str) -> None:
        """Greet; the answer is that to EHLO."""
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, arg: str) -> None:
        """LMTP has no HELO (RFC 2033 §4.1)."""
        await self.push("500 5.5.1 This is LMTP: say LHLO")

    async def smtp_EHLO(self, arg: str) -> None:
        """LMTP has no EHLO."""
        await self.smtp_HELO(arg)

    async def push(self, status: str | bytes) -> None:
        """A mail that is refused as a whole is refused for each of its recipients."""
        whole = isinstance(status, str) and status.startswith(WHOLE_MAIL)
        recipients = len(self.envelope.rcpt_tos) if whole and self.envelope else 1
        for _ in range(max(recipients, 1)):
            await super().push(status)
