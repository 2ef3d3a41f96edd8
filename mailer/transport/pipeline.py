"""One SMTP connection after its greeting: pulls mails from a source and tells what became of each.

Where the server offers PIPELINING, the end of one mail and MAIL, RCPT, DATA of the next leave in
one write (RFC 2920 §3.1), so that a mail costs one round trip; else one command at a time. Every
reply belongs to the oldest command without one, and is charged to that command's mail. What is lost
before a mail's end is safe to send again; after it the mail is in doubt (RFC 5321 §4.5.3.2.6).
After anything that does not fit the connection is closed, for then nobody knows what the next reply
would answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mailer.transport.carriage import Extensions, commands, obstacle, stuffed
from mailer.transport.outcome import Outcome, Outgoing, Phase, judge, lost, taken
from mailer.transport.patience import Deadline, Patience
from mailer.transport.replies import NotSmtp, Replies, Reply
from mailer.transport.source import Source

PIECE_OCTETS = 65_536  # a larger mail is written alone, and watched while it leaves
_SERVICE_ENDS = 421
_GO_ON = 354
_ENVELOPE = (Phase.MAIL, Phase.RCPT, Phase.DATA)


class _Step(Enum):
    """A command whose reply is awaited, other than those of a mail."""

    RSET = "rset"
    QUIT = "quit"


@dataclass(slots=True, eq=False)
class _Mail:
    """A mail under way; ``refusal`` is the first reply to it that was not hoped for."""

    outgoing: Outgoing
    refusal: Outcome | None = None


_Awaited = tuple[Phase | _Step, _Mail | None]  # whose reply is the next one


class Pipeline(asyncio.Protocol):
    """A greeted connection. ``on_wait`` is told when there was nothing to take, or when what was
    taken may not be handed over yet (`holds`); ``on_end`` when the connection has ended and each
    mail it took has come back to the source."""

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        extensions: Extensions,
        source: Source,
        *,
        patience: Patience,
        on_wait: Callable[[Pipeline], None],
        on_end: Callable[[Pipeline], None],
    ) -> None:
        self._transport = transport
        self._extensions = extensions
        self._source = source
        self._patience = patience
        self._on_wait = on_wait
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._replies = Replies()
        self._awaited: deque[_Awaited] = deque()
        self._next: _Mail | None = None  # waits for the reply to RSET
        self._held: _Mail | None = None  # the server waits for it
        self._open = False  # a transaction was begun and not ended: RSET before the next MAIL
        self._ended_one = False  # the server has had its say on a mail before
        self._ending = False
        self._ended: str | None = None  # why
        self._unsent: int | None = None  # octets that the system has not taken, of a large mail
        self._deadline = Deadline(self._late)
        self.idle_since = self._loop.time()
        # Writing is resumed when all has left: until then the end of a large mail is still here.
        transport.set_write_buffer_limits(high=PIECE_OCTETS, low=0)

    # --- what the owner calls ---

    @property
    def holds(self) -> bool:
        """Whether the server waits for a mail that may not be handed over yet."""
        return self._held is not None

    def kick(self) -> None:
        """There may be something to take, or to hand over."""
        if self._held is not None:
            self._let_go(self._held)
        elif not self._awaited and not self._ending and self._ended is None:
            self._begin()

    def end(self) -> None:
        """Take nothing more, and say QUIT after what is under way."""
        self._ending = True
        if not self._awaited and self._held is None and self._ended is None:
            self._quit()

    def abort(self, cause: str) -> None:
        """Close at once. What is under way comes back to the source now."""
        if self._ended is not None:
            return
        self._ended = cause
        self._transport.abort()
        self._deadline.cancel()
        self._on_end(self)
        self._bring_back(cause)

    # --- what asyncio calls ---

    def data_received(self, data: bytes) -> None:
        fault: str | None = None
        heard = False
        try:
            self._replies.feed(data)
        except NotSmtp as nonsense:
            fault = str(nonsense)
        while self._replies and self._ended is None:
            reply = self._replies.take()
            if fault is not None and reply.code == _GO_ON:
                break  # what follows was said before the mail could be: nothing may follow it
            self._hear(reply)
            heard = True
        if fault is not None:
            self.abort(fault)
        elif heard:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort(f"the server closed the connection{f' ({exc})' if exc else ''}")

    def pause_writing(self) -> None:
        self._unsent = self._left()
        self._watch()

    def resume_writing(self) -> None:
        self._unsent = None
        self._watch()

    # --- one reply ---

    def _hear(self, reply: Reply) -> None:
        step, mail = self._awaited.popleft()
        if step is _Step.QUIT:
            self.abort("closed")
        elif step is _Step.RSET:
            self._after_rset(reply)
        else:
            assert mail is not None
            self._after_step(step, mail, reply)

    def _after_step(self, step: Phase, mail: _Mail, reply: Reply) -> None:
        if step is Phase.DOT:
            self._after_content(mail, reply)
        elif step is Phase.DATA:
            self._after_data(mail, reply)
        else:
            self._after_envelope(step, mail, reply)

    def _after_envelope(self, phase: Phase, mail: _Mail, reply: Reply) -> None:
        """MAIL or RCPT. The first refusal is what counts, later replies only keep step."""
        if not reply.positive and not self._refused(phase, mail, reply):
            return
        if self._extensions.pipelining:
            return
        if mail.refusal is not None:
            self._give_up(mail)
            return
        _, recipient, data = commands(mail.outgoing, self._extensions)
        at_recipient = phase is Phase.MAIL
        self._await(Phase.RCPT if at_recipient else Phase.DATA, mail)
        self._write(recipient if at_recipient else data)

    def _after_data(self, mail: _Mail, reply: Reply) -> None:
        if reply.code != _GO_ON:
            if self._refused(Phase.DATA, mail, reply):
                self._give_up(mail)
        elif mail.refusal is not None:  # an empty mail must not go out
            self._awaited.appendleft((Phase.DATA, mail))
            self.abort("DATA accepted without a recipient")
        else:
            self._send_content(mail)

    def _after_content(self, mail: _Mail, reply: Reply) -> None:
        if self._unsent is not None:
            self._cut_short(mail, reply)
        elif reply.positive:
            self._open = bool(self._awaited)
            self._done(mail, taken(reply.code, reply.text))
            self._go_on()
        elif self._refused(Phase.DOT, mail, reply):
            self._open = bool(self._awaited)
            self._give_up(mail)

    def _cut_short(self, mail: _Mail, reply: Reply) -> None:
        """A verdict before the end of the mail: what is left of it cannot be taken back."""
        if reply.code >= 400:
            self._done(mail, judge(Phase.DOT, reply.code, reply.text))
        else:
            self._done(mail, lost(Phase.DATA, f"early reply {reply}"))
        self.abort("the server answered before the end of the mail")

    def _after_rset(self, reply: Reply) -> None:
        if not reply.positive:
            self.abort("the server refuses RSET")
        elif self._next is not None:
            mail, self._next = self._next, None
            self._write(commands(mail.outgoing, self._extensions)[0])
            self._await(Phase.MAIL, mail)

    def _refused(self, phase: Phase, mail: _Mail, reply: Reply) -> bool:
        """Note a refusal; False if the connection has ended with it."""
        if reply.code < 400:
            self._awaited.appendleft((phase, mail))
            self.abort(f"{reply} is no reply to {phase}")
            return False
        if reply.code == _SERVICE_ENDS and phase is Phase.MAIL and self._ended_one:
            self._awaited.appendleft((phase, mail))  # a kept connection came to its end
            self.abort("the server closes the connection")
            return False
        mail.refusal = mail.refusal or judge(phase, reply.code, reply.text)
        if reply.code == _SERVICE_ENDS:
            self._done(mail, mail.refusal)
            self._forget(mail)
            self.abort("the server closes the connection")
            return False
        return True

    # --- what comes back ---

    def _done(self, mail: _Mail, outcome: Outcome) -> None:
        self._ended_one = True
        self._source.done(mail.outgoing, outcome)

    def _give_up(self, mail: _Mail) -> None:
        """The last reply to a mail that is refused."""
        assert mail.refusal is not None
        self._done(mail, mail.refusal)
        self._go_on()

    def _forget(self, mail: _Mail) -> None:
        self._awaited = deque(one for one in self._awaited if one[1] is not mail)

    def _bring_back(self, cause: str) -> None:
        """Everything under way, when nothing more will be heard."""
        awaited, self._awaited = self._awaited, deque()
        not_begun = [mail for mail in (self._next, self._held) if mail is not None]
        self._next = self._held = None
        told: set[_Mail] = set()
        for step, mail in awaited:
            if mail is None or mail in told or isinstance(step, _Step):
                continue
            told.add(mail)
            if step is Phase.MAIL and self._ended_one:
                self._source.untake(mail.outgoing)
            else:
                here = step is Phase.DOT and self._unsent is not None  # its end never left
                phase = Phase.DATA if here else step
                self._source.done(mail.outgoing, mail.refusal or lost(phase, cause))
            self._ended_one = self._ended_one or step is Phase.DOT
        for mail in not_begun:
            self._source.untake(mail.outgoing)

    # --- what goes out ---

    def _go_on(self) -> None:
        if not self._awaited and self._ended is None:
            self._begin()

    def _begin(self) -> None:
        """Open the next transaction on a connection where nothing is awaited."""
        if self._ending:
            self._quit()
            return
        mail = self._take()
        if mail is None:
            self.idle_since = self._loop.time()
            self._on_wait(self)
        elif not self._open:
            self._write(self._opened(mail))
        elif self._extensions.pipelining:
            self._await(_Step.RSET, None)
            self._write(b"RSET\r\n" + self._opened(mail))
        else:
            self._next = mail
            self._await(_Step.RSET, None)
            self._write(b"RSET\r\n")
            self._open = False

    def _take(self) -> _Mail | None:
        """The next mail that this server can carry at all."""
        while not self._ending and (outgoing := self._source.take()) is not None:
            refusal = obstacle(outgoing, self._extensions)
            if refusal is None:
                return _Mail(outgoing)
            self._source.done(outgoing, refusal)
        return None

    def _opened(self, mail: _Mail) -> bytes:
        """What opens a mail's transaction: all of its commands, or MAIL alone."""
        lines = commands(mail.outgoing, self._extensions)
        self._open = True
        if not self._extensions.pipelining:
            self._await(Phase.MAIL, mail)
            return lines[0]
        for phase in _ENVELOPE:
            self._await(phase, mail)
        return b"".join(lines)

    def _send_content(self, mail: _Mail) -> None:
        """The mail and its end; with the next mail's commands if there is a next one already."""
        if not self._source.may_hand_over():
            self._held = mail
            self._on_wait(self)
            return
        wire = stuffed(mail.outgoing)
        self._await(Phase.DOT, mail)
        alone = len(wire) > PIECE_OCTETS or not self._extensions.pipelining
        following = None if alone else self._take()
        self._write(wire if following is None else wire + self._opened(following))

    def _let_go(self, held: _Mail) -> None:
        if self._source.may_still(held.outgoing):
            self._held = None
            self._send_content(held)
        else:
            self.abort("a mail is not wanted any more")

    def _quit(self) -> None:
        self._await(_Step.QUIT, None)
        self._write(b"QUIT\r\n")

    def _write(self, data: bytes) -> None:
        if self._ended is None:
            self._transport.write(data)

    def _left(self) -> int:
        return self._transport.get_write_buffer_size()

    # --- time ---

    def _await(self, step: Phase | _Step, mail: _Mail | None) -> None:
        self._replies.expect(1)
        self._awaited.append((step, mail))
        if len(self._awaited) == 1:
            self._watch()

    def _watch(self) -> None:
        """The oldest awaited reply has its time from now on."""
        if self._awaited:
            self._deadline.set(self._seconds(self._awaited[0][0]))

    def _seconds(self, step: Phase | _Step) -> float:
        if self._unsent is not None:
            return self._patience.piece
        match step:
            case Phase.DOT:
                return self._patience.final_dot
            case Phase.DATA:
                return self._patience.data
            case _Step.QUIT:
                return self._patience.goodbye
            case _:
                return self._patience.command

    def _late(self) -> None:
        """The deadline has passed."""
        if self._ended is not None or not self._awaited:
            return
        if self._unsent is not None and self._left() < self._unsent:
            self._unsent = self._left()  # it goes on
            self._watch()
            return
        waited = "nothing taken" if self._unsent is not None else "no reply"
        self.abort(f"{waited} for {self._seconds(self._awaited[0][0]):g} s")
