"""What is said to each command of a delivery, and the hand-over to the intake.

RCPT: an address that is not ours is refused at once, so nobody ever gets a bounce from us. After
the dot: the mail is read once, taken for each recipient, and only what is durable is answered 250.
"""

# ruff: noqa: N802 - aiosmtpd finds its hooks by these names

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from email.utils import format_datetime

from aiosmtpd.smtp import Envelope, Session

from mailer.errors import StoreUnavailable
from mailer.inbound.protocol import SmtpProtocol
from mailer.inbound.room import NO_ROOM, Room
from mailer.intake.delivery import Intake
from mailer.log import get_logger
from mailer.message.incoming import Incoming
from scheduler.clock import Clock

TAKEN = "250 2.0.0 Taken"
LATER = "451 4.3.0 Cannot take this mail just now, please try again"
UNKNOWN = "550 5.1.1 No such address here"
BARE = "550 5.6.11 Bare CR or LF in the mail"
FULL = "452 4.5.3 Too many recipients, the rest in another mail please"
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LARGE_OCTETS = 100_000  # parsing more than this takes long enough to leave the loop to others
MAX_RECIPIENTS = 200  # RFC 5321 §4.5.3.1.8 asks for 100

_log = get_logger(__name__)


class Handler:
    """aiosmtpd's hooks for one listener."""

    def __init__(
        self, intake: Intake, clock: Clock, room: Room, *, source: str, hostname: str
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._room = room
        self._source = source
        self._hostname = hostname

    async def handle_EHLO(
        self,
        server: SmtpProtocol,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Offer what is true of this server beside what aiosmtpd says."""
        session.host_name = hostname
        under_tls = session.ssl is not None
        offered = [line for line in responses[:-1] if not (under_tls and line == "250-STARTTLS")]
        return [*offered, "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_MAIL(
        self,
        server: SmtpProtocol,
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],
    ) -> str:
        """Begin a mail if it could be stored."""
        if self._intake.fault is not None:
            return LATER
        if not self._room.has(_declared_size(mail_options)):
            _log.warning("no room for a mail", action="mail.no_room", source=self._source)
            return NO_ROOM
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 Fine"

    async def handle_RCPT(
        self,
        server: SmtpProtocol,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Take an address of ours, refuse any other."""
        if self._intake.route(address) is None:
            _log.info("refused a recipient", action="mail.refused", source=self._source)
            return UNKNOWN
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return FULL
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 Fine"

    async def handle_DATA(self, server: SmtpProtocol, session: Session, envelope: Envelope) -> str:
        """Take the mail for each recipient; over SMTP one reply stands for all of them."""
        recipients = [str(address) for address in envelope.rcpt_tos]
        server.doorman.begin_storing(server)
        try:
            replies = await self._replies(session, envelope, recipients)
        except Exception:  # unknown means temporary: the peer keeps the mail
            _log.exception("taking a mail failed", action="mail.failed")
            replies = [LATER] * len(recipients)
        finally:
            server.doorman.end_storing(server)
        if self._source == "lmtp":
            return "\r\n".join(replies)
        return next((reply for reply in replies if not reply.startswith("250")), replies[0])

    async def _replies(
        self, session: Session, envelope: Envelope, recipients: Sequence[str]
    ) -> list[str]:
        content = envelope.original_content or b""
        octets = len(content)
        if _BARE.search(content):  # never two views of one mail (RFC 5321 §2.3.8, S16)
            return [BARE] * len(recipients)
        del content  # the envelope's is the only one
        if octets <= _LARGE_OCTETS:
            return await self._read_and_take(session, envelope, recipients)
        async with self._room.one_large:
            return await self._read_and_take(session, envelope, recipients)

    async def _read_and_take(
        self, session: Session, envelope: Envelope, recipients: Sequence[str]
    ) -> list[str]:
        trace = self._received(session, envelope).encode()
        content = trace + bytes(envelope.original_content or b"")
        envelope.original_content = None  # nobody needs a large one twice
        try:
            mail = await self._read(content, envelope.mail_from or "")
        except MemoryError:
            raise
        except Exception as error:
            _log.exception("reading a mail failed", action="mail.failed")
            sent = content[len(trace) :]
            sender = envelope.mail_from or ""
            return [await self._set_aside(sent, sender, address, error) for address in recipients]
        if len(recipients) == 1:
            return [await self._take(mail, recipients[0])]
        return await asyncio.gather(*(self._take(mail, address) for address in recipients))

    async def _read(self, content: bytes, sender: str) -> Incoming:
        if len(content) > _LARGE_OCTETS:
            return await asyncio.to_thread(self._intake.read, content, sender=sender)
        return self._intake.read(content, sender=sender)

    async def _take(self, mail: Incoming, address: str) -> str:
        recipient = self._intake.route(address)
        if recipient is None:
            return UNKNOWN
        try:
            await self._intake.take(mail, recipient, address=address, source=self._source)
        except StoreUnavailable as error:
            _log.error("cannot take a mail", action="mail.deferred", cause=str(error))
            return LATER
        except Exception:  # one recipient's surprise is not the others'
            _log.exception("taking a mail failed", action="mail.failed")
            return LATER
        return TAKEN

    async def _set_aside(self, content: bytes, sender: str, address: str, error: Exception) -> str:
        recipient = self._intake.route(address)
        if recipient is None:
            return UNKNOWN
        kept = await self._intake.set_aside(
            content,
            recipient,
            sender=sender,
            address=address,
            source=self._source,
            error=error,
        )
        return TAKEN if kept else LATER

    def _received(self, session: Session, envelope: Envelope) -> str:
        """The trace field that every receiving server adds (RFC 5321 §4.4, 6531 §4.3)."""
        peer = session.peer[0] if isinstance(session.peer, tuple) else "local"
        peer = f"IPv6:{peer}" if ":" in peer else peer
        if self._source == "lmtp":
            protocol = "LMTP"
        else:
            protocol = "ESMTP" if session.extended_smtp else "SMTP"
        if envelope.smtp_utf8:
            protocol = f"UTF8{protocol.removeprefix('E')}"
        if session.ssl is not None:
            protocol += "S"
        said = re.sub(r"[^A-Za-z0-9.:\[\]_-]", "?", str(session.host_name or "unknown"))[:255]
        return (
            f"Received: from {said} ([{peer}])\r\n"
            f"\tby {self._hostname} with {protocol}; {format_datetime(self._clock.now())}\r\n"
        )


def _declared_size(mail_options: Sequence[str]) -> int:
    """How large the client says that its mail is (RFC 1870); 0 if it does not."""
    said = next((one[5:] for one in mail_options if one.startswith("SIZE=")), "")
    return int(said) if said.isdigit() else 0
