"""One connection to the oracle, as far as SMTP goes: a command, a reply, and what is wrong with it.

An `asyncio.Protocol`, for speed: all that came in one go is obeyed in one go. It knows pipelining
and content, no TLS and no AUTH (`tests.peers.sink` does).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.peers.record import MESSAGE_ID, Outcome
from tests.peers.trouble import Drop, Phase, Trouble

if TYPE_CHECKING:
    from tests.faults.oracle import Oracle

LONGEST_COMMAND = 4096
END = b"\r\n.\r\n"
PATH = re.compile(rb"(?i)(?:FROM|TO):[ ]?<([^>]*)>")
TO = re.compile(rb"(?im)^To:[ \t]*(?:\r\n[ \t]+)?(\S+)")
BEGUN = re.compile(rb"RCPT TO:<([^>]*)>")


class Talk(asyncio.Protocol):
    """One connection, as far as SMTP goes: a command, a reply."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.buffer = bytearray()
        self.out = bytearray()
        self.tail = b""
        self.recipients: list[str] = []
        self.has_sender = False
        self.in_content = False
        self.body_begun = False
        self.held = False  # nothing is read while a reply is late
        self.leaving = False
        self.taken = 0

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.oracle.talks.add(self)
        seen = self.oracle.seen
        seen.connections += 1
        seen.most_connections = max(seen.most_connections, len(self.oracle.talks))
        self.reply(Phase.CONNECT, "", "220 oracle.example.org ready")

    def connection_lost(self, exc: Exception | None) -> None:
        self.held = self.leaving = True
        self.oracle.talks.discard(self)

    def data_received(self, data: bytes) -> None:
        if self.leaving:
            return
        found = BEGUN.findall(self.tail + data)
        self.oracle.seen.begun += map(text_of, found)
        self.tail = data[data.rfind(b"\n") + 1 :]
        self.buffer += data
        self.advance()

    # --- reading ---

    def advance(self) -> None:
        """Obey all that is there whole."""
        while not self.held:
            if self.in_content:
                if not self.content():
                    return
                continue
            end = self.buffer.find(b"\n")
            if end < 0:
                if len(self.buffer) > LONGEST_COMMAND:
                    self.oracle.seen.faults.append("a command without an end")
                    self.reset()
                return
            line = bytes(self.buffer[:end]).rstrip(b"\r")
            del self.buffer[: end + 1]
            self.obey(line)

    def obey(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        match verb.upper():
            case b"MAIL":
                self.mail(argument)
            case b"RCPT":
                self.recipient(argument)
            case b"DATA":
                self.data()
            case b"EHLO" | b"HELO":
                self.forget()
                lines = ["oracle.example.org", *self.oracle.options.extensions]
                text = [f"250-{each}" for each in lines[:-1]] + [f"250 {lines[-1]}"]
                self.reply(Phase.EHLO, "", "\n".join(text))
            case b"RSET":
                self.forget()
                self.reply(Phase.RSET, "", "250 2.0.0 forgotten")
            case b"QUIT":
                self.reply(Phase.QUIT, "", "221 2.0.0 goodbye", then=self.leave)
            case _:
                self.reply(None, "", "500 5.5.2 unknown command")

    def forget(self) -> None:
        self.has_sender, self.recipients = False, []

    def mail(self, argument: bytes) -> None:
        limit = self.oracle.options.messages_per_connection
        if limit and self.taken >= limit:
            self.reply(None, "", "421 4.7.0 enough for one connection")
            return
        usual = "503 5.5.1 not now" if self.has_sender else "250 2.1.0 sender ok"
        self.has_sender |= self.reply(Phase.MAIL, text_of(argument), usual)

    def recipient(self, argument: bytes) -> None:
        found = PATH.match(argument)
        address = text_of(found[1]) if found else ""
        usual = "250 2.1.5 recipient ok" if self.has_sender else "503 5.5.1 MAIL first"
        if self.reply(Phase.RCPT, address, usual):
            self.recipients.append(address)

    def data(self) -> None:
        usual = "354 go on" if self.recipients else "554 5.5.1 no recipient"
        argument = " ".join(self.recipients)
        self.in_content = self.reply(Phase.DATA, argument, usual)
        self.body_begun = False

    def content(self) -> bool:
        """The mail, once it is here whole; False if it is not."""
        if self.buffer and not self.body_begun:
            self.body_begun = True
            trouble = self.oracle.troubles.due(Phase.BODY, "")
            if trouble is not None and trouble.drop is not None:
                self.drop(trouble.drop)
                return False
        found = self.buffer.find(END)
        if found < 0:
            return False
        mail = bytes(self.buffer[:found])
        del self.buffer[: found + len(END)]
        self.in_content = False
        self.dot(mail)
        return True

    def dot(self, mail: bytes) -> None:
        """Decide, write down, and only then answer."""
        head = mail[: mail.find(b"\r\n\r\n")]
        message_id = MESSAGE_ID.search(head)
        to = TO.search(head)
        if to is None or [text_of(to[1]).strip("<>")] != self.recipients:
            self.oracle.seen.faults.append(f"a mail to {to and to[1]!r} for {self.recipients}")
        known = text_of(message_id[1]) if message_id else ""
        lines = [f"{known}\t{address}\t{Outcome.ACCEPTED}\n" for address in self.recipients]
        argument = " ".join(self.recipients)
        self.forget()
        self.taken += 1
        self.reply(Phase.DOT, argument, "250 2.0.0 taken", record="".join(lines))

    # --- answering ---

    def reply(
        self,
        phase: Phase | None,
        argument: str,
        usual: str,
        *,
        record: str | None = None,
        then: Callable[[], None] = lambda: None,
    ) -> bool:
        """Answer, or do what trouble is due; whether the answer is the hoped-for one."""
        trouble = self.oracle.troubles.due(phase, argument) if phase is not None else None
        said = usual if trouble is None or trouble.reply is None else trouble.reply
        lines = said if isinstance(said, bytes) else wire_text(said)
        fine = lines[:1] in (b"2", b"3")
        if record is not None and fine:
            self.oracle.seen.accepted += 1
        if lines.startswith(b"421"):
            then = self.leave
        self.carry_out(trouble, lines, record if fine else None, then)
        return fine

    def carry_out(
        self, trouble: Trouble | None, lines: bytes, record: str | None, then: Callable[[], None]
    ) -> None:
        if trouble is None:
            self.out += lines
            self.oracle.write(self, record)
            then()
            return
        self.oracle.write(self, record)
        if trouble.drop in (Drop.BEFORE, Drop.RESET):
            self.oracle.flush()
            self.drop(trouble.drop)
            return
        if trouble.drop is Drop.AFTER:
            then = self.leave
        if trouble.delay_seconds or trouble.byte_by_byte:
            self.held = True
            pieces = [lines[i : i + 1] for i in range(len(lines))]
            self.late(deque(pieces if trouble.byte_by_byte else [lines]), then, trouble)
            return
        self.out += lines
        then()

    def late(self, pieces: deque[bytes], then: Callable[[], None], trouble: Trouble) -> None:
        """Answer after a while, piece by piece; then read on."""
        loop = asyncio.get_running_loop()

        def piece() -> None:
            if self.leaving:
                return
            self.transport.write(pieces.popleft())
            if pieces:
                loop.call_later(0.0005, piece)
                return
            self.held = False
            then()
            if not self.leaving:
                self.advance()

        loop.call_later(trouble.delay_seconds, piece)

    def send(self) -> None:
        """What is to be said goes out."""
        if self.out and not self.transport.is_closing():
            self.transport.write(bytes(self.out))
            self.out.clear()

    # --- going away ---

    def leave(self) -> None:
        """Say nothing more, as a server does that closes: what still comes in is not read, but
        what was said arrives (RFC 9293 §3.6: without RST)."""
        self.oracle.flush()
        self.send()
        self.held = self.leaving = True
        self.oracle.seen.dismissed += map(text_of, BEGUN.findall(self.buffer))
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        asyncio.get_running_loop().call_later(1.0, self.transport.close)

    def drop(self, how: Drop) -> None:
        if how is Drop.RESET:
            self.oracle.seen.resets += 1
            self.reset()
        else:
            self.held = self.leaving = True
            self.transport.close()

    def reset(self) -> None:
        """End the connection by RST."""
        self.held = self.leaving = True
        raw = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def text_of(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def wire_text(reply: str) -> bytes:
    return "".join(f"{line}\r\n" for line in reply.split("\n")).encode("utf-8", "surrogateescape")
