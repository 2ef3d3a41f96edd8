"""A pool of connections to the mail server that carries our mail onwards (the smarthost).

aiosmtplib opens, greets, secures and logs in; `session` does the rest. As many connections are open
as mails are under way; idle ones are kept for a while. TLS that is asked for is never given up: a
server without it, or with a bad certificate, is an outage (F21).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

import aiosmtplib

from mailer.config.model import Outbound, Security
from mailer.transport.carriage import Extensions
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase, judge, lost
from mailer.transport.session import Patience, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The server as a connection found it. ``tls`` is the protocol's name, empty without TLS;
    ``certificate_ends_at`` is None without a verified certificate."""

    extensions: Extensions
    tls: str = ""
    certificate_ends_at: datetime | None = None


class SmtpTransport:
    """Sends over connections to one server, opened when needed and used again."""

    def __init__(
        self, settings: Outbound, *, hostname: str, patience: Patience | None = None
    ) -> None:
        self._settings = settings
        self._hostname = hostname
        self._patience = patience or Patience(final_dot=settings.final_dot_timeout)
        self._idle: list[Session] = []  # the one used last at the end
        self._sweep: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hand over one mail on an idle or a new connection."""
        kept = self._take_idle()
        if kept is not None:
            outcome = await self._send_over(kept, outgoing)
            if kept.usable or not _was_stale(outcome):
                return outcome
        session = await self._open()
        if isinstance(session, Outcome):
            return session
        return await self._send_over(session, outgoing)

    async def probe(self) -> Peer | Outcome:
        """Open a connection as for a mail and end it: what the server is like, or what is wrong."""
        session = await self._open()
        if isinstance(session, Outcome):
            return session
        tls, offered = session.tls, session.offered
        await session.quit()
        if tls is None:
            return Peer(extensions=offered)
        certificate = tls.getpeercert() or {}
        ends = certificate.get("notAfter")
        return Peer(
            extensions=offered,
            tls=tls.version() or "TLS",
            certificate_ends_at=datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
            if isinstance(ends, str)
            else None,
        )

    async def close(self) -> None:
        """Say QUIT on every idle connection."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        sessions, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in sessions))

    async def _send_over(self, session: Session, outgoing: Outgoing) -> Outcome:
        try:
            return await session.send(outgoing)
        finally:
            if session.usable:
                self._keep(session)

    def _keep(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        session.last_used = loop.time()
        self._idle.append(session)
        if self._sweep is None:
            self._sweep = loop.call_later(self._patience.idle, self._leave_unused)

    def _leave_unused(self) -> None:
        """Say goodbye on what nobody needed for a while."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._patience.idle
        fresh = [session for session in self._idle if session.last_used > oldest]
        for session in self._idle[: len(self._idle) - len(fresh)]:
            session.leave()
        self._idle, self._sweep = fresh, None
        if fresh:
            again = fresh[0].last_used + self._patience.idle
            self._sweep = loop.call_at(again, self._leave_unused)

    def _take_idle(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            if session.usable:
                return session
        return None

    async def _open(self) -> Session | Outcome:
        """A new connection, ready for its first mail; else what came of it."""
        phase = Phase.CONNECT
        client = self._client()
        session: Session | None = None
        try:
            await client.connect()
            phase = Phase.EHLO
            await client.ehlo()
            if self._settings.security is Security.STARTTLS:
                phase = Phase.STARTTLS
                await client.starttls(tls_context=self._context())
                phase = Phase.EHLO
                await client.ehlo()
            if self._settings.username:
                phase = Phase.AUTH
                await client.login(self._settings.username, self._settings.password or "")
            session = self._take_over(client)
        except aiosmtplib.SMTPResponseException as error:
            if error.code < 0:  # aiosmtplib's mark for what is no reply
                return lost(phase, error.message)
            return judge(phase, error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return lost(
                phase, f"{type(error).__name__}: {error}", alarm=_needs_person(phase, error)
            )
        finally:
            if session is None:  # cancelled as well: no half-open connection stays behind
                client.close()
        return session

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        implicit = settings.security is Security.TLS
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=self._hostname,
            use_tls=implicit,
            start_tls=False,
            tls_context=self._context() if implicit else None,
            timeout=self._patience.greeting,
        )

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            ca_file = self._settings.ca_file
            self._tls = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        return self._tls

    def _take_over(self, client: aiosmtplib.SMTP) -> Session:
        # uvloop's transports are none of asyncio's classes: what they can do is what counts.
        transport: asyncio.WriteTransport | None = client.transport  # type: ignore[assignment]
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        connection = transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(transport, _extensions(client), patience=self._patience)
        transport.set_protocol(session)
        return session


def _was_stale(outcome: Outcome) -> bool:
    """Whether a kept connection had come to its end before this mail: then a new one decides."""
    return (
        outcome.phase is Phase.MAIL and outcome.fate is Fate.OUTAGE and outcome.code in (None, 421)
    )


def _needs_person(phase: Phase, error: Exception) -> bool:
    """Whether waiting alone will not help: TLS or AUTH that does not work as configured."""
    broken_off = isinstance(error, aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError)
    if phase is Phase.STARTTLS or isinstance(error, ssl.SSLError | ValueError):
        return not broken_off
    if isinstance(error.__cause__, ssl.SSLError):
        return True
    return phase is Phase.AUTH and not broken_off and not isinstance(error, OSError)


def _extensions(client: aiosmtplib.SMTP) -> Extensions:
    size = client.esmtp_extensions.get("size", "").strip()
    return Extensions(
        pipelining=client.supports_extension("pipelining"),
        eight_bit=client.supports_extension("8bitmime"),
        smtputf8=client.supports_extension("smtputf8"),
        size=_number(size) if client.supports_extension("size") else None,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
