"""The way out over SMTP to the server that carries our mail onwards (the smarthost).

aiosmtplib opens, greets, secures and logs in; then `pipeline` takes over the connection. TLS that
is asked for is never given up: a server without it, or with a bad certificate, is an outage (F21).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import aiosmtplib

from mailer.config.model import Outbound, Security
from mailer.transport.carriage import Extensions
from mailer.transport.fleet import Fleet
from mailer.transport.outcome import Outcome, Phase, judge, lost
from mailer.transport.patience import Patience
from mailer.transport.pipeline import Pipeline
from mailer.transport.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The server as a connection found it. ``tls`` is the protocol's name, empty without TLS;
    ``certificate_ends_at`` is None without a verified certificate."""

    extensions: Extensions
    tls: str = ""
    certificate_ends_at: datetime | None = None


class SmtpTransport:
    """Carries mails over connections to one server, opened when needed and used again."""

    def __init__(
        self, settings: Outbound, *, hostname: str, patience: Patience | None = None
    ) -> None:
        self._settings = settings
        self._hostname = hostname
        self._patience = patience or Patience(final_dot=settings.final_dot_timeout)
        self._tls: ssl.SSLContext | None = None

    def carrier(self, source: Source, *, connections: int) -> Fleet:
        """Carry the mails of a source."""
        return Fleet(self._open, source, connections=connections, patience=self._patience)

    async def probe(self) -> Peer | Outcome:
        """Open a connection as for a mail and end it: what the server is like, or what is wrong."""
        client = await self._greeted()
        if isinstance(client, Outcome):
            return client
        tls = client.get_transport_info("ssl_object")
        offered = _extensions(client)
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=self._patience.goodbye)
        client.close()
        if not isinstance(tls, ssl.SSLObject):
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

    async def _open(
        self,
        source: Source,
        on_wait: Callable[[Pipeline], None],
        on_end: Callable[[Pipeline], None],
    ) -> Pipeline | Outcome:
        """A new connection, ready for its first mail; else what came of it."""
        client = await self._greeted()
        if isinstance(client, Outcome):
            return client
        # uvloop's transports are none of asyncio's classes: what they can do is what counts.
        transport: asyncio.WriteTransport | None = client.transport  # type: ignore[assignment]
        if transport is None or transport.is_closing():
            client.close()
            return lost(Phase.EHLO, "the server closed the connection")
        connection = transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pipeline = Pipeline(
            transport,
            _extensions(client),
            source,
            patience=self._patience,
            on_wait=on_wait,
            on_end=on_end,
        )
        transport.set_protocol(pipeline)
        return pipeline

    async def _greeted(self) -> aiosmtplib.SMTP | Outcome:
        """A connection that is greeted, secured and logged in; else what came of it."""
        phase = Phase.CONNECT
        client = self._client()
        ready = False
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
            ready = True
        except aiosmtplib.SMTPResponseException as error:
            if error.code < 0:  # aiosmtplib's mark for what is no reply
                return lost(phase, error.message)
            return judge(phase, error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return lost(
                phase, f"{type(error).__name__}: {error}", alarm=_needs_person(phase, error)
            )
        finally:
            if not ready:  # cancelled as well: no half-open connection stays behind
                client.close()
        return client

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
        dsn=client.supports_extension("dsn"),
        size=_number(size) if client.supports_extension("size") else None,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
