"""One SMTP connection after its greeting: sends mails one after the other and reads the replies.

It takes over a connection that aiosmtplib has opened, greeted, secured and logged in. Where the
server offers PIPELINING, MAIL, RCPT and DATA go out in one write (RFC 2920 §3.1); else one command
at a time. After anything but a clean end the connection is closed, for then nobody knows what the
next reply would answer.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass

from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase, judge, lost

_MAX_REPLY_BYTES = 65_536
_COMMAND_SECONDS = 300.0  # RFC 5321 §4.5.3.2
_DATA_SECONDS = 120.0
_LINE = re.compile(rb"([2-5]\d\d)([ -]?)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What the server offered in its EHLO reply that matters here."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    size: int = 0


class Disconnected(ConnectionError):
    """The peer is gone, silent for too long, or does not speak SMTP."""


class Session(asyncio.Protocol):
    """A greeted connection. `send` never raises for what the peer does."""

    def __init__(
        self,
        transport: asyncio.Transport,
        extensions: Extensions,
        *,
        final_dot_seconds: float,
        command_seconds: float = _COMMAND_SECONDS,
    ) -> None:
        self._transport = transport
        self._extensions = extensions
        self._final_dot_seconds = final_dot_seconds
        self._command_seconds = command_seconds
        self._buffer = bytearray()
        self._lines: list[str] = []
        self._replies: deque[tuple[int, str]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._broken: str | None = None
        self.last_used = 0.0

    @property
    def usable(self) -> bool:
        """Whether another mail can be sent over it."""
        return self._broken is None and not self._transport.is_closing()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._take_line(line)
        if len(self._buffer) > _MAX_REPLY_BYTES or len(self._lines) > 1000:
            self._break("the server's reply is too long")

    def _take_line(self, line: bytes) -> None:
        match = _LINE.fullmatch(line)
        if match is None:
            self._break(f"the server does not speak SMTP: {line[:80]!r}")
            return
        code, more, text = match.groups()
        self._lines.append(text.decode("utf-8", "replace").replace("\0", ""))
        if more != b"-":
            self._replies.append((int(code), " ".join(self._lines)[:1000]))
            self._lines = []
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(f"the server closed the connection{f' ({exc})' if exc else ''}")

    def _break(self, cause: str) -> None:
        if self._broken is None:
            self._broken = cause
            self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _reply(self, seconds: float) -> tuple[int, str]:
        if not self._replies:
            if self._broken is not None:
                raise Disconnected(self._broken)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(seconds):
                    await self._waiter
            except TimeoutError:
                self._break(f"no reply for {seconds:g} s")
            finally:
                self._waiter = None
        if not self._replies:
            raise Disconnected(self._broken or "no reply")
        return self._replies.popleft()

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hand over one mail. A session that is not `usable` afterwards has to be replaced."""
        refusal = self._cannot_carry(outgoing)
        if refusal is not None:
            return refusal
        phase = Phase.MAIL
        try:
            if self._extensions.pipelining:
                self._transport.write(b"".join(self._commands(outgoing)))
            outcome: Outcome | None = None
            for phase, command in zip(
                (Phase.MAIL, Phase.RCPT, Phase.DATA), self._commands(outgoing), strict=True
            ):
                if not self._extensions.pipelining:
                    if outcome is not None:
                        break
                    self._transport.write(command)
                outcome = await self._step(phase, outcome)
            if outcome is not None:
                await self._reset()
                return outcome
            phase = Phase.DOT
            self._transport.write(stuffed(outgoing.content))
            code, text = await self._reply(self._final_dot_seconds)
        except Disconnected as error:
            return lost(phase, str(error))
        except asyncio.CancelledError:
            self._break("cancelled")
            raise
        if 200 <= code < 300:
            return Outcome(fate=Fate.SENT, phase=Phase.DOT, code=code, text=text)
        if code == 421:
            self._break("the server closes the connection")
        return judge(Phase.DOT, code, text)

    async def _step(self, phase: Phase, outcome: Outcome | None) -> Outcome | None:
        """Read one reply; the first refusal is what counts, later ones only keep step."""
        seconds = _DATA_SECONDS if phase is Phase.DATA else self._command_seconds
        code, text = await self._reply(seconds)
        if phase is Phase.DATA and code == 354:
            if outcome is not None:  # pipelined after a refusal: an empty mail must not go out
                self._break("DATA accepted without a recipient")
            return outcome
        if code >= 300 and outcome is None:
            outcome = judge(phase, code, text)
            if code == 421:
                self._break("the server closes the connection")
        return outcome

    async def _reset(self) -> None:
        if self.usable:
            self._transport.write(b"RSET\r\n")
            code, _ = await self._reply(self._command_seconds)
            if code >= 300:
                self._break("the server refuses RSET")

    def _commands(self, outgoing: Outgoing) -> tuple[bytes, bytes, bytes]:
        options = ""
        if self._extensions.size:
            options += f" SIZE={len(outgoing.content)}"
        if self._extensions.eight_bit and not outgoing.content.isascii():
            options += " BODY=8BITMIME"
        if not outgoing.recipient.isascii():
            options += " SMTPUTF8"
        return (
            f"MAIL FROM:<{outgoing.sender}>{options}\r\n".encode(),
            f"RCPT TO:<{outgoing.recipient}>\r\n".encode(),
            b"DATA\r\n",
        )

    def _cannot_carry(self, outgoing: Outgoing) -> Outcome | None:
        """Refuse here what this server could not take, or what is no address (S7)."""
        if any(character in outgoing.recipient + outgoing.sender for character in "\r\n\0<> "):
            return Outcome(fate=Fate.REFUSED, phase=Phase.RCPT, text="not a mailbox address")
        if not outgoing.recipient.isascii() and not self._extensions.smtputf8:
            text = "5.6.7 the server does not take addresses outside ASCII (RFC 6531)"
            return Outcome(fate=Fate.REFUSED, phase=Phase.RCPT, text=text)
        if 0 < self._extensions.size < len(outgoing.content):
            text = f"5.3.4 larger than the {self._extensions.size} bytes that the server takes"
            return Outcome(fate=Fate.REFUSED, phase=Phase.MAIL, text=text)
        return None

    def drop(self) -> None:
        """Close without ceremony."""
        self._break("closed")

    async def quit(self) -> None:
        """Say goodbye; what the server answers does not matter."""
        if self.usable:
            self._transport.write(b"QUIT\r\n")
            try:
                await self._reply(2.0)
            except Disconnected:
                return
        self._break("closed")


def stuffed(content: bytes) -> bytes:
    """The mail as it goes after 354: dots doubled at line starts, ended by a lone dot (§4.5.2)."""
    body = content.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")
