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

import aiosmtplib

from mailer.config.model import Outbound, Security
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase, judge, lost
from mailer.transport.session import Extensions, Session

_CONNECT_SECONDS = 60.0
_IDLE_SECONDS = 20.0


class SmtpTransport:
    """Sends over connections to one server, opened when needed and used again."""

    def __init__(self, settings: Outbound, *, hostname: str) -> None:
        self._settings = settings
        self._hostname = hostname
        self._idle: list[Session] = []
        self._tls: ssl.SSLContext | None = None

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hand over one mail on an idle or a new connection."""
        session = self._take_idle() or await self._open()
        if isinstance(session, Outcome):
            return session
        try:
            return await session.send(outgoing)
        finally:
            if session.usable:
                session.last_used = asyncio.get_running_loop().time()
                self._idle.append(session)

    async def close(self) -> None:
        """Say QUIT on every idle connection."""
        sessions, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in sessions))

    def _take_idle(self) -> Session | None:
        oldest = asyncio.get_running_loop().time() - _IDLE_SECONDS
        while self._idle:
            session = self._idle.pop()
            if session.usable and session.last_used >= oldest:
                return session
            session.drop()
        return None

    async def _open(self) -> Session | Outcome:
        client = self._client()
        try:
            phase = Phase.CONNECT
            await client.connect(timeout=_CONNECT_SECONDS)
            phase = Phase.EHLO
            await client.ehlo()
            if self._settings.security is Security.STARTTLS:
                phase = Phase.STARTTLS
                await client.starttls(tls_context=self._context())
                await client.ehlo()
            if self._settings.username:
                phase = Phase.AUTH
                await client.login(self._settings.username, self._settings.password or "")
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            return judge(phase, error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            outcome = lost(phase, f"{type(error).__name__}: {error}")
            secure = phase is Phase.STARTTLS or isinstance(error.__cause__, ssl.SSLError)
            return _alarming(outcome) if secure else outcome
        return self._take_over(client)

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
        )

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            ca_file = self._settings.ca_file
            self._tls = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        return self._tls

    def _take_over(self, client: aiosmtplib.SMTP) -> Session:
        transport = client.transport
        assert isinstance(transport, asyncio.Transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(
            transport,
            _extensions(client),
            final_dot_seconds=self._settings.final_dot_timeout,
        )
        transport.set_protocol(session)
        return session


def _extensions(client: aiosmtplib.SMTP) -> Extensions:
    size = client.esmtp_extensions.get("size", "").strip()
    return Extensions(
        pipelining=client.supports_extension("pipelining"),
        eight_bit=client.supports_extension("8bitmime"),
        smtputf8=client.supports_extension("smtputf8"),
        size=int(size) if size.isdigit() else 0,
    )


def _alarming(outcome: Outcome) -> Outcome:
    return Outcome(fate=Fate.OUTAGE, phase=outcome.phase, text=outcome.text, alarm=True)
