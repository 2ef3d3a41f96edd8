"""Hands one mail to our own running daemon over its listener, for `mailer receive`.

Blocking and small, as it runs once for each mail. One transaction a recipient, so that each has a
verdict of its own. Whatever goes wrong only means that the daemon did not take it.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from mailer.transport.carriage import Extensions, commands, obstacle, stuffed
from mailer.transport.outcome import Outgoing
from mailer.transport.replies import NotSmtp, Replies, Reply

_SECONDS = 60.0
_OUR_DAEMON = Extensions(pipelining=True, eight_bit=True, smtputf8=True, size=0)


def hand_over(
    place: tuple[str, int],
    *,
    lmtp: bool,
    greeting: str,
    sender: str,
    recipients: Sequence[str],
    content: bytes,
    seconds: float = _SECONDS,
) -> tuple[str, ...]:
    """The recipients for whom the daemon has stored the mail. Somebody else's server, known by
    another ``greeting``, gets nothing."""
    taken: list[str] = []
    try:
        with socket.create_connection(place, timeout=seconds) as connection:
            talk = _Talk(connection)
            if str(talk.reply()) != greeting:
                return ()
            if not talk.say(b"LHLO localhost\r\n" if lmtp else b"EHLO localhost\r\n").positive:
                return ()
            for recipient in recipients:
                mail = Outgoing(id=0, sender=sender, recipient=recipient, content=content)
                if obstacle(mail, _OUR_DAEMON) is None and talk.deliver(mail):
                    taken.append(recipient)
    except (OSError, NotSmtp):
        return tuple(taken)
    return tuple(taken)


class _Talk:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._replies = Replies()
        self._replies.expect(1)

    def reply(self) -> Reply:
        while not self._replies:
            data = self._connection.recv(65_536)
            if not data:
                raise ConnectionResetError("the daemon closed the connection")
            self._replies.feed(data)
        return self._replies.take()

    def say(self, line: bytes) -> Reply:
        self._replies.expect(1)
        self._connection.sendall(line)
        return self.reply()

    def deliver(self, mail: Outgoing) -> bool:
        sender, recipient, data = commands(mail, _OUR_DAEMON)
        fine = self.say(sender).positive and self.say(recipient).positive
        if fine and self.say(data).code == 354:
            return self.say(stuffed(mail)).positive
        self.say(b"RSET\r\n")
        return False
