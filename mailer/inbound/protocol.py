"""SMTP as spoken to those who deliver to us: aiosmtpd with what it lacks. `lmtp` builds on it.

Enhanced status codes on every reply (RFC 2034), paths by the grammar of RFC 5321 §4.1.2, content
without an object for each line, replies to pipelined commands in one piece (RFC 2920 §3.2),
STARTTLS that forgets what came before it (RFC 3207 §4.2), no AUTH, no answer to VRFY or EXPN (S14),
and nothing of an internal error on the wire. Decides nothing about mail.
"""

# ruff: noqa: N802 - aiosmtpd finds its hooks by these names

from __future__ import annotations

import asyncio
import collections
import re
import ssl
from collections.abc import Coroutine
from typing import Any, cast

from aiosmtpd.smtp import SMTP

from mailer.inbound.content import Content, longest_line
from mailer.inbound.doorman import Doorman
from mailer.inbound.room import NO_ROOM, Room
from mailer.log import get_logger

LINE_OCTETS = 1_048_576  # real mail has longer lines than the 1,000 of RFC 5321 §4.5.3.1.6
_PIECE_OCTETS = 65_536  # of content, read at once
COMMAND_OCTETS = 1_024  # twice §4.5.3.1.4, for the parameters of the extensions
COMMAND_SECONDS = 300.0  # §4.5.3.2.7
_HEARD_SECONDS = 1.0  # content that comes in is noted this often
_PLAIN = re.compile(r"([245])(\d\d) (?!\d\.\d{1,3}\.\d{1,3} )")
_ENHANCED = {
    "250": "2.0.0",
    "454": "4.7.0",
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
_LAST_LINE = b".\r\n"
_LATER = "451 4.3.0 Something went wrong here, please try again later"
TOO_MUCH = "552 5.3.4 This is larger than the mails that are taken here"
TOO_LONG = "500 5.5.2 A line of this is too long (see RFC 5321 §4.5.3.1.6)"
WHOLE_MAIL = (TOO_MUCH, TOO_LONG, NO_ROOM)  # what is said of a content, whoever it is for
# A path with an optional source route, which is ignored, and what follows it.
_PATH = re.compile(
    r'<(?:@[^:<>"\s]*:)?(?P<angle>(?:"(?:[^"\\]|\\.)*"|[^<>"\s])*)>(?:\s+(?P<more>.*))?'
    r'|(?P<bare>[^\s<>"]+)(?:\s+(?P<rest>.*))?',
    re.DOTALL,
)

_log = get_logger(__name__)


class SmtpProtocol(SMTP):
    """One client's session."""

    line_length_limit = _PIECE_OCTETS  # of what aiosmtpd reads itself: commands
    line_octets = LINE_OCTETS
    greeting_verb = "EHLO"

    def __init__(
        self,
        handler: object,
        doorman: Doorman,
        room: Room,
        *,
        hostname: str,
        size_limit: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        # aiosmtpd keeps these in one dictionary for all sessions, and lets each EHLO add to them.
        self.command_size_limits = collections.defaultdict(lambda: COMMAND_OCTETS)
        super().__init__(
            handler,
            hostname=hostname,
            ident="ready",
            data_size_limit=size_limit,
            enable_SMTPUTF8=True,
            tls_context=tls,
            timeout=COMMAND_SECONDS,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=asyncio.get_running_loop(),
        )
        self.doorman = doorman
        self._room = room
        self._grouped = False
        self._held: list[str] = []
        self._gone = False
        self._heard_at = 0.0

    # --- the connection ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, if there is room."""
        refusal = self.doorman.admit(self)
        if refusal is not None:
            self._gone = True
            cast(asyncio.WriteTransport, transport).write(f"{refusal}\r\n".encode())
            transport.close()
            return
        super().connection_made(transport)
        assert self._handler_coroutine is not None
        self._handler_coroutine.add_done_callback(_ended)

    def data_received(self, data: bytes) -> None:
        """Hand on; a client that keeps sending its mail is not silent."""
        if self._gone:
            return
        self._reset_timeout()
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """The client has said all it will."""
        return None if self._gone else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """End, once."""
        if self._gone:
            return
        self._gone = True
        self.doorman.forget(self)
        super().connection_lost(error)

    def send_away(self, reply: str) -> None:
        """Say this and close."""
        if self.transport is not None and not self.transport.is_closing():
            self._writer.write(f"{reply}\r\n".encode())
            self.transport.close()

    def _reset_timeout(self, duration: float | None = None) -> None:
        now = self.loop.time()
        if self._timeout_handle is not None and now - self._heard_at < _HEARD_SECONDS:
            return
        self._heard_at = now
        self.doorman.hear(self)
        super()._reset_timeout(duration)

    # --- replies ---

    async def push(self, status: str | bytes) -> None:
        """Write a reply, with an enhanced status code where aiosmtpd gives none."""
        if isinstance(status, bytes):
            status = status.decode("utf-8", "replace")
        match = _PLAIN.match(status)
        if match is not None and not self._is_greeting(status):
            code = _ENHANCED.get(status[:3], f"{match[1]}.0.0")
            status = f"{status[:3]} {code} {status[4:]}"
        self._held.append(status.encode("utf-8", "replace").decode())
        if self._grouped and b"\n" in self._reader._buffer:  # type: ignore[attr-defined]
            return  # the next command is here already: its reply brings this one along
        said, self._held = "\r\n".join(self._held), []
        await super().push(said)

    async def _in_group(self, command: Coroutine[Any, Any, None]) -> None:
        """Answer a command together with those pipelined behind it (RFC 2920 §3.2 names which)."""
        self._grouped = True
        try:
            await command
        finally:
            self._grouped = False

    def _is_greeting(self, status: str) -> bool:
        """The greeting and the answers to HELO and EHLO carry no enhanced code (RFC 2034 §4)."""
        return status.startswith("220 ") or status in (f"250 {self.hostname}", "250 HELP")

    async def handle_exception(self, error: Exception) -> str:
        """A surprise is temporary, and its cause is for the log alone."""
        _log.exception("a session failed", action="mail.failed", cause=type(error).__name__)
        return _LATER

    # --- commands ---

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Address and parameters; ``<>`` for the null sender, None for what is no path."""
        found = _PATH.fullmatch(arg.strip())
        if found is None:
            return None, None
        if found["bare"] is not None:
            return found["bare"], found["rest"] or ""
        return found["angle"] or "<>", found["more"] or ""

    async def check_helo_needed(self, helo: str = "HELO") -> bool:
        """Whether the client has yet to say who it is."""
        return await super().check_helo_needed(self.greeting_verb)

    async def smtp_EHLO(self, arg: str) -> None:
        """Greet; limits do not add up from one EHLO to the next."""
        self.command_size_limits.clear()
        await super().smtp_EHLO(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:
        """A mail begins."""
        await self._in_group(super().smtp_MAIL(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:
        """One more recipient; the null path names none."""
        if arg is not None and re.fullmatch(r"(?i)TO:\s*<>.*", arg):
            await self._in_group(self.push("501 5.1.3 A recipient is an address"))
            return
        await self._in_group(super().smtp_RCPT(arg))

    async def smtp_DATA(self, arg: str | None) -> None:
        """The content; aiosmtpd's own way keeps an object for each line of it."""
        assert self.envelope is not None
        if await self.check_helo_needed():
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 Say RCPT first")
        elif arg:
            await self.push("501 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._take_content()
            self._set_post_data_state()  # type: ignore[no-untyped-call]

    async def _take_content(self) -> None:
        """Read up to the end; what is refused of it is refused there, not before (§4.2.5)."""
        share, content = self._room.share(), Content()
        refusal = None
        try:
            rest = None
            while rest is None:
                piece = await self._reader.read(_PIECE_OCTETS)
                if not piece:
                    raise ConnectionResetError  # as if it had never begun
                rest = content.feed(piece)
                if refusal is None:
                    refusal = self._too_much(content) or share.take(len(piece))
                if refusal is not None:
                    content.forget()
                    share.give_back()  # at once: or many large ones would all wait for each other
            self._reader._buffer[:0] = rest  # type: ignore[attr-defined]
            await self.push(refusal or await self._answer(content))
        except MemoryError:  # nobody knows where in the content we are: it has to come anew
            self.send_away(NO_ROOM)
        finally:
            share.give_back()

    def _too_much(self, content: Content) -> str | None:
        limit = self.data_size_limit
        return TOO_MUCH if limit and content.octets > limit + len(_LAST_LINE) else None

    async def _answer(self, received: Content) -> str:
        assert self.envelope is not None
        self.envelope.original_content = received.whole()
        if received.octets > self.line_octets < longest_line(self.envelope.original_content):
            return TOO_LONG
        return str(await self._call_handler_hook("DATA"))

    async def smtp_STARTTLS(self, arg: str) -> None:
        """Go on under TLS as if nothing had been said yet."""
        assert self.session is not None
        if arg:
            await self.push("501 Syntax: STARTTLS")
        elif self.tls_context is None:
            await self.push("502 Not offered here")
        elif self.session.ssl is not None:
            await self.push("503 It is on already")
        else:
            await self._start_tls(self.tls_context)

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        assert self.session is not None
        assert self.transport is not None
        peer = self.session.peer
        await self.push("220 2.0.0 Ready to start TLS")
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # said in clear: forgotten
        try:
            await self._writer.start_tls(context)
        except OSError as error:  # SSLError is one
            _log.info("a TLS handshake failed", action="tls.failed", cause=str(error))
            self.transport.close()
            self.connection_lost(None)  # asyncio does not tell
            return
        self.transport = self._writer.transport
        self._reader._transport = self.transport  # type: ignore[attr-defined]
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session = self._create_session()
        self.session.peer = peer
        self.session.ssl = {"cipher": self.transport.get_extra_info("cipher")}

    async def smtp_AUTH(self, arg: str) -> None:
        """Nobody signs in to deliver here."""
        await self.push("502 Not offered here")

    async def smtp_VRFY(self, arg: str) -> None:
        """The same answer for every address."""
        await self.push("252 2.5.0 Cannot say, but will try")

    async def smtp_HELP(self, arg: str) -> None:
        """There is not much to say."""
        await self.push("214 2.0.0 See RFC 5321")


def _ended(session: asyncio.Task[None]) -> None:
    """A client that goes away in the middle is no news."""
    if not session.cancelled() and (error := session.exception()) is not None:
        _log.debug("a session was cut", action="session.cut", cause=type(error).__name__)
