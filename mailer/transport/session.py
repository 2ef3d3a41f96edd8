"""One SMTP connection after its greeting: sends mails one after the other and reads the replies.

It takes over a connection that aiosmtplib has opened, greeted, secured and logged in. Where the
server offers PIPELINING, MAIL, RCPT and DATA go out in one write (RFC 2920 §3.1); else one command
at a time. After anything but a clean end the connection is closed, for then nobody knows what the
next reply would answer. What this server could not carry is refused before a word is said.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from mailer.transport.carriage import Extensions, commands, obstacle, stuffed
from mailer.transport.outcome import Outcome, Outgoing, Phase, judge, lost, taken
from mailer.transport.replies import NotSmtp, Replies, Reply

PIECE_OCTETS = 65_536
_SERVICE_ENDS = 421


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds (RFC 5321 §4.5.3.2). ``idle`` is how long an unused
    connection is kept, ``goodbye`` how long the reply to QUIT is waited for."""

    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    piece: float = 180.0
    final_dot: float = 600.0
    idle: float = 20.0
    goodbye: float = 2.0


class Disconnected(ConnectionError):
    """The peer is gone, silent for too long, or does not speak SMTP."""


class Session(asyncio.Protocol):
    """A greeted connection. `send` never raises for what the peer does."""

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        extensions: Extensions,
        *,
        patience: Patience,
    ) -> None:
        self._transport = transport
        self._extensions = extensions
        self._patience = patience
        self._replies = Replies()
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._leaving = False
        self._broken: str | None = None
        self.last_used = 0.0

    @property
    def usable(self) -> bool:
        """Whether another mail can be sent over it."""
        return self._broken is None and not self._leaving and not self._transport.is_closing()

    @property
    def offered(self) -> Extensions:
        """What the server offered."""
        return self._extensions

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS layer, None on a plain connection."""
        found = self._transport.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    # --- what asyncio calls ---

    def data_received(self, data: bytes) -> None:
        if self._broken is not None:
            return
        try:
            self._replies.feed(data)
        except NotSmtp as fault:
            self._break(str(fault))
        if self._leaving:
            self._break("closed")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(f"the server closed the connection{f' ({exc})' if exc else ''}")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake()

    # --- one mail ---

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hand over one mail. A session that is not `usable` afterwards has to be replaced."""
        refusal = obstacle(outgoing, self._extensions)
        if refusal is not None:
            return refusal
        try:
            refusal = await self._envelope(outgoing)
            if refusal is not None:
                return refusal
            return await self._content(stuffed(outgoing.content))
        except asyncio.CancelledError:
            self._break("cancelled")
            raise

    async def _envelope(self, outgoing: Outgoing) -> Outcome | None:
        """MAIL, RCPT and DATA: None if the content may follow. The first refusal is what counts,
        later replies only keep step."""
        lines = commands(outgoing, self._extensions)
        refusal: Outcome | None = None
        phase = Phase.MAIL
        try:
            if self._extensions.pipelining:
                self._write(b"".join(lines), replies=len(lines))
            for phase, line in zip((Phase.MAIL, Phase.RCPT, Phase.DATA), lines, strict=True):
                if not self._extensions.pipelining:
                    self._write(line, replies=1)
                verdict = self._verdict(phase, await self._reply(self._seconds(phase)), refusal)
                refusal = refusal or verdict
                if refusal is not None and not self._extensions.pipelining:
                    break
            if refusal is not None and self.usable:
                self._write(b"RSET\r\n", replies=1)
                if not (await self._reply(self._patience.command)).positive:
                    self._break("the server refuses RSET")
        except Disconnected as error:
            return refusal or lost(phase, str(error))
        return refusal

    def _verdict(self, phase: Phase, reply: Reply, refusal: Outcome | None) -> Outcome | None:
        """None for the reply that was hoped for."""
        if phase is Phase.DATA and reply.code == 354:
            if refusal is not None:  # pipelined after a refusal: an empty mail must not go out
                self._break("DATA accepted without a recipient")
            return None
        if phase is not Phase.DATA and reply.positive:
            return None
        if reply.code < 400:
            self._break(f"{reply.code} is no reply to {phase}")
            return lost(phase, f"unexpected reply {reply.code} {reply.text}")
        return self._judged(phase, reply)

    async def _content(self, wire: bytes) -> Outcome:
        """The mail itself. Up to its last piece the server cannot have it; from then on it may."""
        phase = Phase.DATA
        try:
            self._replies.expect(1)
            view = memoryview(wire)
            while len(view) > PIECE_OCTETS and not self._replies:
                self._write(view[:PIECE_OCTETS])
                view = view[PIECE_OCTETS:]
                await self._drained()
            if self._replies:
                return self._cut_short(await self._reply(self._patience.final_dot))
            self._write(view)
            phase = Phase.DOT
            reply = await self._reply(self._patience.final_dot)
        except Disconnected as error:
            return lost(phase, str(error))
        if reply.positive:
            return taken(reply.code, reply.text)
        if reply.code < 400:
            self._break(f"{reply.code} is no reply to a mail")
            return lost(phase, f"unexpected reply {reply.code} {reply.text}")
        return self._judged(phase, reply)

    def _cut_short(self, reply: Reply) -> Outcome:
        """A verdict before the end of the mail: what is left of it cannot be taken back."""
        self._break("the server answered before the end of the mail")
        if reply.code < 400:
            return lost(Phase.DATA, f"early reply {reply.code} {reply.text}")
        return self._judged(Phase.DOT, reply)

    def _judged(self, phase: Phase, reply: Reply) -> Outcome:
        if reply.code == _SERVICE_ENDS:
            self._break("the server closes the connection")
        return judge(phase, reply.code, reply.text)

    def _seconds(self, phase: Phase) -> float:
        return self._patience.data if phase is Phase.DATA else self._patience.command

    # --- the wire ---

    def _write(self, data: bytes | memoryview, *, replies: int = 0) -> None:
        if not self.usable:
            raise Disconnected(self._broken or "the connection is closing")
        self._replies.expect(replies)
        self._transport.write(data)

    async def _reply(self, seconds: float) -> Reply:
        """The next reply. One that came before the connection broke still counts."""
        await self._until(lambda: bool(self._replies), seconds, "no reply")
        return self._replies.take()

    async def _drained(self) -> None:
        """Wait until the system has taken nearly all of what was written, or a reply came."""
        await self._until(
            lambda: not self._paused or bool(self._replies), self._patience.piece, "nothing taken"
        )
        if self._broken is not None and not self._replies:
            raise Disconnected(self._broken)

    async def _until(self, holds: Callable[[], bool], seconds: float, complaint: str) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    if self._broken is not None:
                        raise Disconnected(self._broken)
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        except TimeoutError:
            self._break(f"{complaint} for {seconds:g} s")
            raise Disconnected(f"{complaint} for {seconds:g} s") from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, cause: str) -> None:
        if self._broken is None:
            self._broken = cause
            self._transport.abort()
        self._wake()

    # --- the end ---

    def drop(self) -> None:
        """Close without ceremony."""
        self._break("closed")

    def leave(self) -> None:
        """Say QUIT; the reply, or its absence, ends the connection by itself."""
        if not self.usable:
            return
        self._write(b"QUIT\r\n", replies=1)
        self._leaving = True
        asyncio.get_running_loop().call_later(self._patience.goodbye, self.drop)

    async def quit(self) -> None:
        """Say goodbye and wait for the reply; what the server answers does not matter."""
        self.leave()
        if not self._leaving:
            return
        try:
            await self._reply(self._patience.goodbye)
        except Disconnected:
            return
        self.drop()
