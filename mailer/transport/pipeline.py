"""One SMTP connection after its greeting, kept busy: it pulls mails and tells what became of each.

Where the server offers PIPELINING the end of one mail and MAIL, RCPT, DATA of the next leave in one
write (RFC 2920 §3.1), so that a mail costs one round trip; else one command at a time. Every reply
is charged to the mail whose command it answers. A loss before a mail's final dot makes it safe to
send again; after the dot it is in doubt (RFC 5321 §4.1.1.4, §4.5.3.2).
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase, judge, lost

_MAX_REPLY_BYTES = 65_536
_MAX_REPLY_LINES = 1_000
_KEPT_TEXT = 1_000
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_UNSAFE = re.compile(r"[\x00-\x20<>\x7f]")


class Source(Protocol):
    """Where a connection's mails come from, and where their outcomes go. Neither call waits."""

    def take(self) -> Outgoing | None:
        """The next finished mail, None if there is none at this moment."""

    def done(self, outgoing: Outgoing, outcome: Outcome) -> None:
        """What became of a mail that was taken; called once for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What the server offered in its EHLO reply that matters here; ``size`` 0 is no limit."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds to wait for a reply: to the dot the server may need long (§4.5.3.2.6)."""

    command: float = 300.0
    data: float = 120.0
    dot: float = 600.0

    def of(self, phase: Phase) -> float:
        """The limit for one phase."""
        return {Phase.DATA: self.data, Phase.DOT: self.dot}.get(phase, self.command)


@dataclass(slots=True, kw_only=True)
class _Transaction:
    """A mail under way. ``refusal`` is the first reply that was not hoped for."""

    outgoing: Outgoing
    refusal: Outcome | None = None


class Pipeline(asyncio.Protocol):
    """A greeted connection. ``on_idle`` is called when there is nothing to take, ``closed`` is done
    when the connection has ended and every mail it took has its outcome."""

    def __init__(
        self,
        transport: asyncio.Transport,
        extensions: Extensions,
        source: Source,
        *,
        patience: Patience,
        on_idle: Callable[[Pipeline], None] = lambda _: None,
    ) -> None:
        self._transport = transport
        self._extensions = extensions
        self._source = source
        self._patience = patience
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self._expected: deque[tuple[Phase | None, _Transaction | None]] = deque()
        self._buffer = bytearray()
        self._texts: list[bytes] = []
        self._dirty = False  # a transaction was opened and not ended: RSET before the next MAIL
        self._ending = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.last_used = self._loop.time()

    @property
    def busy(self) -> bool:
        """Whether a reply is awaited."""
        return bool(self._expected)

    def kick(self) -> None:
        """There may be something to take."""
        if not self._expected and not self.closed.done() and not self._ending:
            self._begin()

    def end(self) -> None:
        """Take nothing more; QUIT once what is under way has ended."""
        self._ending = True
        if not self._expected and not self.closed.done():
            self._quit()

    def abort(self, cause: str) -> None:
        """Close at once; what is under way gets its outcome now."""
        if self.closed.done():
            return
        self._transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        under_way, self._expected = self._expected, deque()
        self.closed.set_result(cause)
        told: set[int] = set()
        for phase, transaction in under_way:
            if phase is not None and transaction is not None and id(transaction) not in told:
                told.add(id(transaction))
                self._source.done(transaction.outgoing, transaction.refusal or lost(phase, cause))

    # asyncio.Protocol

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort(f"the server closed the connection{f' ({exc})' if exc else ''}")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        begin = 0
        while (end := self._buffer.find(b"\n", begin)) >= 0:
            line = bytes(self._buffer[begin:end])
            begin = end + 1
            self._take_line(line.removesuffix(b"\r"))
            if self.closed.done():
                return
        del self._buffer[:begin]
        if len(self._buffer) > _MAX_REPLY_BYTES or len(self._texts) > _MAX_REPLY_LINES:
            self.abort("the server's reply is too long")

    def _take_line(self, line: bytes) -> None:
        match = _LINE.fullmatch(line)
        if match is None or not self._expected:
            early = "a reply to nothing" if match else f"no SMTP: {line[:80]!r}"
            self.abort(f"the server sent {early}")
            return
        code, more, text = match.groups()
        if more == b"-":
            self._texts.append(text)
            return
        if self._texts:
            text = b" ".join([*self._texts, text or b""])
            self._texts.clear()
        self._take_reply(int(code), text or b"")

    # One reply

    def _take_reply(self, code: int, text: bytes) -> None:
        phase, transaction = self._expected.popleft()
        self._watch()
        if transaction is None or phase is None:  # RSET
            if code >= 300:
                self.abort("the server refuses RSET")
            elif not self._expected:
                self._begin()
            return
        if phase is Phase.DOT:
            self._take_final(transaction, code, text)
        elif phase is Phase.DATA:
            self._take_data(transaction, code, text)
        else:
            self._note(transaction, phase, code, text)
            if not self._extensions.pipelining and not self.closed.done():
                self._go_on(transaction, phase)

    def _note(self, transaction: _Transaction, phase: Phase, code: int, text: bytes) -> None:
        """Keep the first refusal of a mail; later ones only follow from it."""
        if code >= 300 and transaction.refusal is None:
            transaction.refusal = judge(phase, code, _readable(text))
        if code == 421:
            self._expected.appendleft((phase, transaction))
            self.abort("the server closes the connection (421)")

    def _take_data(self, transaction: _Transaction, code: int, text: bytes) -> None:
        if code == 354 and transaction.refusal is None:
            self._send_content(transaction)
            return
        if code == 354:  # pipelined after a refusal: end it with nothing (RFC 2920 §3.1)
            self._expect(Phase.DOT, transaction)
            self._transport.write(b".\r\n")
            return
        self._note(transaction, Phase.DATA, max(code, 300), text)
        if not self.closed.done():
            self._settle(transaction, transaction.refusal)
            self._begin()

    def _take_final(self, transaction: _Transaction, code: int, text: bytes) -> None:
        if transaction.refusal is not None:
            self._settle(transaction, transaction.refusal)
        elif code < 300:
            self._dirty = False
            self._settle(
                transaction,
                Outcome(fate=Fate.SENT, phase=Phase.DOT, code=code, text=_readable(text)),
            )
        else:
            self._settle(transaction, judge(Phase.DOT, code, _readable(text)))
        if code == 421:
            self.abort("the server closes the connection (421)")
        elif not self._expected:
            self._begin()

    def _settle(self, transaction: _Transaction, outcome: Outcome | None) -> None:
        assert outcome is not None
        self._source.done(transaction.outgoing, outcome)

    # Writing

    def _begin(self) -> None:
        """Open the next transaction on an idle connection."""
        if self._ending:
            self._quit()
            return
        following = self._next()
        if following is None:
            self.last_used = self._loop.time()
            self._on_idle(self)
        elif self._dirty:
            self._dirty = False
            self._expect(None, None)
            if self._extensions.pipelining:
                self._transport.write(b"RSET\r\n" + self._open(following))
            else:
                self._transport.write(b"RSET\r\n")
                self._waiting = following
        else:
            self._transport.write(self._open(following))

    _waiting: _Transaction | None = None

    def _next(self) -> _Transaction | None:
        """The next mail that this server can carry at all."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            return waiting
        while not self._ending and (outgoing := self._source.take()) is not None:
            refusal = self._cannot_carry(outgoing)
            if refusal is None:
                return _Transaction(outgoing=outgoing)
            self._source.done(outgoing, refusal)
        return None

    def _open(self, transaction: _Transaction) -> bytes:
        """MAIL, RCPT, DATA in one piece, or MAIL alone where the server takes one at a time."""
        self._expect(Phase.MAIL, transaction)
        self._dirty = True
        if not self._extensions.pipelining:
            return self._mail(transaction.outgoing)
        self._expect(Phase.RCPT, transaction)
        self._expect(Phase.DATA, transaction)
        outgoing = transaction.outgoing
        return self._mail(outgoing) + b"RCPT TO:<" + outgoing.recipient.encode() + b">\r\nDATA\r\n"

    def _go_on(self, transaction: _Transaction, phase: Phase) -> None:
        """Without pipelining: the next command of a mail, or the next mail after a refusal."""
        if transaction.refusal is not None:
            self._settle(transaction, transaction.refusal)
            self._begin()
        elif phase is Phase.MAIL:
            self._expect(Phase.RCPT, transaction)
            self._transport.write(f"RCPT TO:<{transaction.outgoing.recipient}>\r\n".encode())
        else:
            self._expect(Phase.DATA, transaction)
            self._transport.write(b"DATA\r\n")

    def _send_content(self, transaction: _Transaction) -> None:
        """The mail, its dot, and the next mail's commands if there is one: in one write."""
        self._expect(Phase.DOT, transaction)
        content = stuffed(transaction.outgoing.content)
        following = self._next() if self._extensions.pipelining else None
        if following is None:
            self._transport.write(content)
        else:
            self._transport.write(content + self._open(following))

    def _mail(self, outgoing: Outgoing) -> bytes:
        options = ""
        if self._extensions.size:
            options += f" SIZE={len(outgoing.content)}"
        if self._extensions.eight_bit and not outgoing.content.isascii():
            options += " BODY=8BITMIME"
        if not outgoing.recipient.isascii():
            options += " SMTPUTF8"
        return f"MAIL FROM:<{outgoing.sender}>{options}\r\n".encode()

    def _cannot_carry(self, outgoing: Outgoing) -> Outcome | None:
        """Refuse here what this server could not take, or what is no address (S7)."""
        if _UNSAFE.search(outgoing.recipient) or _UNSAFE.search(outgoing.sender):
            return _refused(Phase.RCPT, "5.1.3 not a mailbox address")
        if not outgoing.recipient.isascii() and not self._extensions.smtputf8:
            return _refused(Phase.RCPT, "5.6.7 the server takes ASCII addresses only (RFC 6531)")
        if 0 < self._extensions.size < len(outgoing.content):
            return _refused(Phase.MAIL, f"5.3.4 larger than {self._extensions.size} bytes")
        return None

    def _quit(self) -> None:
        self._transport.write(b"QUIT\r\n")
        self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
        if not self.closed.done():
            self.closed.set_result("")

    # Time

    def _expect(self, phase: Phase | None, transaction: _Transaction | None) -> None:
        self._expected.append((phase, transaction))
        if len(self._expected) == 1:
            self._watch()

    def _watch(self) -> None:
        """Set the deadline of the oldest awaited reply; one timer looks at it now and then."""
        if not self._expected:
            return
        seconds = self._patience.of(self._expected[0][0] or Phase.MAIL)
        self._deadline = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self.closed.done() or not self._expected:
            return
        left = self._deadline - self._loop.time()
        if left <= 0:
            self.abort("no reply in time")
        else:
            self._timer = self._loop.call_later(left, self._look)


def stuffed(content: bytes) -> bytes:
    """The mail as it goes after 354: dots doubled at line starts, ended by a lone dot (§4.5.2)."""
    if b"\r\n." in content:
        content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


def _refused(phase: Phase, text: str) -> Outcome:
    return Outcome(fate=Fate.REFUSED, phase=phase, text=text)


def _readable(text: bytes) -> str:
    return text[:_KEPT_TEXT].decode("utf-8", "replace").replace("\0", "")
