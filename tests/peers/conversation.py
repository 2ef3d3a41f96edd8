"""One connection to a sink: commands in, replies out, in the order of RFC 5321 4.1.4.

It decides nothing about what a test wants: options and troubles come from the sink, and what
happened goes back to it as transactions.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from typing import TYPE_CHECKING, NoReturn

from tests.peers.record import Outcome, Recipient, Transaction, parameter_faults
from tests.peers.trouble import Drop, Phase, Trouble
from tests.peers.wire import Closed, Wire

if TYPE_CHECKING:
    from tests.peers.sink import Sink

PATH = re.compile(r"(?i)(?:FROM|TO):[ ]?<([^>]*)>(?:[ ](.*))?")
ENHANCED = re.compile(rb"(?m)^([245]\d\d[ -])[245]\.\d{1,3}\.\d{1,3} ")


class Conversation:
    """The state of one connection."""

    def __init__(self, sink: Sink, wire: Wire, *, number: int) -> None:
        self.sink = sink
        self.wire = wire
        self.number = number
        self.options = sink.options
        self.greeted = False
        self.extended = False
        self.signed_in = False
        self.taken = 0
        self.forget_mail()

    def forget_mail(self) -> None:
        """No mail transaction is open."""
        self.mail_from: str | None = None
        self.parameters: tuple[str, ...] = ()
        self.recipients: list[Recipient] = []
        self.refused: list[str] = []
        self.started = 0.0

    @property
    def offered(self) -> frozenset[str]:
        """The keywords of the extensions that EHLO names now."""
        offered = self.options.extensions
        if self.options.tls and not self.wire.over_tls:
            offered |= {"STARTTLS"}
        if self.options.credentials and self.wire.over_tls:
            offered |= {"AUTH"}
        return offered

    async def run(self) -> None:
        """Talk until one side ends it."""
        await self.reply(Phase.CONNECT, "", "220 sink.example.org ready")
        while True:
            line = await self.wire.line()
            self.sink.commands.append((self.number, line))
            if self.wire.has_unread and "PIPELINING" not in self.offered:
                self.sink.violations.append("sent ahead without PIPELINING on offer")
            await self.sink.tell()
            verb, _, argument = line.decode("utf-8", "surrogateescape").partition(" ")
            if not await self.obey(verb.upper(), argument):
                return

    async def obey(self, verb: str, argument: str) -> bool:
        """Carry out one command; whether the conversation goes on."""
        match verb:
            case "EHLO" | "HELO" | "LHLO":
                await self.greet(verb, argument)
            case "STARTTLS":
                await self.start_tls()
            case "AUTH":
                await self.sign_in(argument)
            case "MAIL":
                return await self.mail(argument)
            case "RCPT":
                await self.recipient(argument)
            case "DATA":
                await self.data()
            case "RSET":
                self.forget_mail()
                await self.reply(Phase.RSET, "", "250 2.0.0 forgotten")
            case "NOOP":
                await self.send("250 2.0.0 nothing done")
            case "QUIT":
                await self.reply(Phase.QUIT, "", "221 2.0.0 goodbye")
                return False
            case _:
                await self.send("500 5.5.2 unknown command")
        return True

    async def greet(self, verb: str, argument: str) -> None:
        """EHLO, HELO, LHLO: what is on offer. A trouble's reply replaces the whole list."""
        if (verb == "LHLO") is not self.options.lmtp:
            await self.send("500 5.5.1 this is the other protocol")
            return
        self.forget_mail()
        lines = ["sink.example.org"]
        if verb != "HELO":
            lines += sorted(self.offered - {"SIZE", "AUTH"})
            lines += [f"SIZE {self.options.size_limit}"] if "SIZE" in self.offered else []
            lines += ["AUTH PLAIN"] if "AUTH" in self.offered else []
        text = "\n".join(f"250-{line}" for line in lines[:-1])
        code = await self.reply(Phase.EHLO, argument, f"{text}\n250 {lines[-1]}".lstrip())
        self.greeted = code.startswith("2")
        self.extended = verb != "HELO"

    async def start_tls(self) -> None:
        """STARTTLS: all that was said before counts for nothing (RFC 3207, 4.2)."""
        if self.options.tls is None or self.wire.over_tls:
            await self.send("502 5.5.1 not on offer")
            return
        code = await self.reply(Phase.STARTTLS, "", "220 2.0.0 go ahead")
        if code.startswith("2"):
            await self.wire.start_tls(self.options.tls)
            self.forget_mail()
            self.greeted = self.signed_in = False

    async def sign_in(self, argument: str) -> None:
        """AUTH PLAIN, with or without the initial response (RFC 4616)."""
        if "AUTH" not in self.offered:
            await self.send("502 5.5.1 not on offer")
            return
        mechanism, _, response = argument.partition(" ")
        if mechanism.upper() != "PLAIN":
            await self.send("504 5.5.4 only PLAIN")
            return
        if not response:
            await self.send("334 ")
            response = (await self.wire.line()).decode("ascii", "replace")
        right = self.is_right(response)
        usual = "235 2.7.0 signed in" if right else "535 5.7.8 wrong"
        self.signed_in = (await self.reply(Phase.AUTH, "", usual)).startswith("2")

    def is_right(self, response: str) -> bool:
        """Whether name and password are the configured ones."""
        try:
            parts = base64.b64decode(response, validate=True).decode().split("\0")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return tuple(parts[1:]) == self.options.credentials

    async def mail(self, argument: str) -> bool:
        """MAIL; whether the conversation goes on, as a limit of mails ends it with 421."""
        limit = self.options.messages_per_connection
        if limit and self.taken >= limit:
            await self.send("421 4.7.0 enough for one connection")
            return False
        found = PATH.fullmatch(argument)
        if not self.greeted or self.mail_from is not None:
            await self.send("503 5.5.1 not now")
        elif self.options.auth_required and not self.signed_in:
            await self.send("530 5.7.0 sign in first")
        elif found is None:
            await self.send("501 5.5.4 MAIL FROM:<address> is expected")
        else:
            await self.begin(argument, found)
        return True

    async def begin(self, argument: str, found: re.Match[str]) -> None:
        """A mail begins, if its sender and size suit."""
        parameters = self.check_parameters(argument, found)
        started = time.monotonic()
        usual = "250 2.1.0 sender ok"
        if self.options.size_limit and declared_size(parameters) > self.options.size_limit:
            usual = "552 5.3.4 too big"
        if (await self.reply(Phase.MAIL, argument, usual)).startswith("2"):
            self.mail_from, self.parameters, self.started = found[1], parameters, started

    async def recipient(self, argument: str) -> None:
        """RCPT: one more recipient, or a refusal that the transaction remembers."""
        found = PATH.fullmatch(argument)
        if self.mail_from is None:
            await self.send("503 5.5.1 MAIL first")
            return
        if found is None or not found[1]:
            await self.send("501 5.5.4 RCPT TO:<address> is expected")
            return
        parameters = self.check_parameters(argument, found)
        limit = self.options.recipient_limit
        full = limit and len(self.recipients) >= limit
        usual = "452 4.5.3 too many recipients" if full else "250 2.1.5 recipient ok"
        if (await self.reply(Phase.RCPT, found[1], usual)).startswith("2"):
            self.recipients.append(Recipient(address=found[1], parameters=parameters))
        else:
            self.refused.append(found[1])

    def check_parameters(self, argument: str, found: re.Match[str]) -> tuple[str, ...]:
        """The parameters; what was not on offer is noted as a violation."""
        parameters = tuple((found[2] or "").split())
        offered = self.offered if self.extended else frozenset[str]()
        self.sink.violations += parameter_faults(parameters, offered)
        if not argument.isascii() and "SMTPUTF8" not in (*self.parameters, *parameters):
            self.sink.violations.append("UTF-8 in a command without SMTPUTF8")
        return parameters

    async def data(self) -> None:
        """DATA, the content, and what becomes of it."""
        if not self.recipients:
            await self.send(
                "554 5.5.1 no valid recipients" if self.refused else "503 5.5.1 not now"
            )
            return
        code = await self.reply(Phase.DATA, "", "354 go ahead")
        if not code.startswith("3"):
            return
        if self.wire.has_unread:
            self.sink.violations.append("content sent before the reply to DATA")
        try:
            await self.body()
            content = await self.wire.content()
        except Closed:
            await self.end(tuple(self.recipients), b"", Outcome.CUT, "", answered=False)
            raise
        for group in self.groups():
            await self.dot(group, content)
        self.forget_mail()

    async def body(self) -> None:
        """The point at which content begins to come in: the place for a cut in the middle."""
        await self.wire.peek()
        trouble = self.sink.troubles.due(Phase.BODY, "")
        if trouble:
            await asyncio.sleep(trouble.delay_seconds)
            if trouble.drop:
                self.drop(trouble.drop)

    def groups(self) -> list[tuple[Recipient, ...]]:
        """Who shares a reply to the final dot: all by SMTP, nobody by LMTP (RFC 2033, 4.2)."""
        if self.options.lmtp:
            return [(recipient,) for recipient in self.recipients]
        return [tuple(self.recipients)]

    async def dot(self, group: tuple[Recipient, ...], content: bytes) -> None:
        """Decide, record, and only then answer."""
        argument = " ".join(recipient.address for recipient in group)
        trouble = self.sink.troubles.due(Phase.DOT, argument)
        too_big = self.options.size_limit and len(content) > self.options.size_limit
        usual = "552 5.3.4 too big" if too_big else "250 2.0.0 taken"
        lines = encode(usual if trouble is None or trouble.reply is None else trouble.reply)
        outcome = Outcome.ACCEPTED if lines.startswith(b"2") else Outcome.REFUSED
        answered = trouble is None or trouble.drop in (None, Drop.AFTER)
        self.taken += 1
        text = lines.decode("utf-8", "replace").strip()
        await self.end(group, content, outcome, text, answered=answered)
        await self.carry_out(trouble, lines)

    async def end(
        self,
        group: tuple[Recipient, ...],
        content: bytes,
        outcome: Outcome,
        reply: str,
        *,
        answered: bool,
    ) -> None:
        """Hand the transaction to the sink."""
        transaction = Transaction(
            connection=self.number,
            over_tls=self.wire.over_tls,
            mail_from=self.mail_from or "",
            parameters=self.parameters,
            recipients=group,
            refused=tuple(self.refused),
            content=content,
            outcome=outcome,
            reply=reply,
            answered=answered,
            followed=self.wire.has_unread,
            started=self.started,
            ended=time.monotonic(),
        )
        await self.sink.record(transaction)

    async def reply(self, phase: Phase, argument: str, usual: str) -> str:
        """Send the reply of a phase, or the trouble that is due; what was sent, as text."""
        trouble = self.sink.troubles.due(phase, argument)
        lines = encode(usual if trouble is None or trouble.reply is None else trouble.reply)
        await self.carry_out(trouble, lines)
        return lines.decode("utf-8", "replace")

    async def carry_out(self, trouble: Trouble | None, lines: bytes) -> None:
        """Answer as told: late, in pieces, or by going away."""
        if trouble is None:
            await self.transmit(lines, byte_by_byte=False)
            return
        if trouble.delay_seconds:
            await asyncio.sleep(trouble.delay_seconds)
        if trouble.drop in (Drop.BEFORE, Drop.RESET):
            self.drop(trouble.drop)
        await self.transmit(lines, byte_by_byte=trouble.byte_by_byte)
        if trouble.drop is Drop.AFTER or lines.startswith(b"421"):
            raise Closed

    def drop(self, how: Drop) -> NoReturn:
        """Go away without a word."""
        if how is Drop.RESET:
            self.wire.reset()
        raise Closed

    async def send(self, text: str) -> None:
        """Send a reply that no trouble can change."""
        await self.transmit(encode(text), byte_by_byte=False)

    async def transmit(self, lines: bytes, *, byte_by_byte: bool) -> None:
        if self.options.delay_seconds:
            await asyncio.sleep(self.options.delay_seconds)
        if "ENHANCEDSTATUSCODES" not in self.options.extensions:
            lines = ENHANCED.sub(rb"\1", lines)
        await self.wire.send(lines, byte_by_byte=byte_by_byte or self.options.byte_by_byte)


def encode(reply: str | bytes) -> bytes:
    """A reply as sent: text gets CRLF at each line, bytes go out as they are."""
    if isinstance(reply, bytes):
        return reply
    return "".join(f"{line}\r\n" for line in reply.split("\n")).encode()


def declared_size(parameters: tuple[str, ...]) -> int:
    """The value of SIZE=, 0 if there is none."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.upper() == "SIZE" and value.isdigit():
            return int(value)
    return 0
