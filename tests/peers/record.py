"""What a sink saw, as values: transactions, what a client did against the rules, and the oracle.

The oracle is a file with one line per recipient, on disk before the client gets its reply. It is
the truth that lost and doubled mails are counted against after a crash.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LONGEST_LINE = 998  # bytes without CRLF (RFC 5322, 2.1.1)
MESSAGE_ID = re.compile(rb"(?im)^Message-ID:[ \t]*(?:\r\n[ \t]+)?(\S+)")
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
# The extension that must have been offered before the parameter is used.
PARAMETERS = {
    "SIZE": "SIZE",
    "BODY": "8BITMIME",
    "SMTPUTF8": "SMTPUTF8",
    "RET": "DSN",
    "ENVID": "DSN",
    "NOTIFY": "DSN",
    "ORCPT": "DSN",
    "AUTH": "AUTH",
}


class Outcome(StrEnum):
    """How a transaction ended. Cut: the connection was gone before the final dot."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One RCPT that was accepted: the address and the parameters as given."""

    address: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One mail from MAIL to its end; times are of the monotonic clock.

    `answered` is false where the client never got the reply to its final dot; `followed` is true
    where commands had come in together with that dot. Over LMTP there is a transaction for each
    recipient.
    """

    connection: int
    over_tls: bool
    mail_from: str
    parameters: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    refused: tuple[str, ...]
    content: bytes
    outcome: Outcome
    reply: str
    answered: bool
    followed: bool
    started: float
    ended: float

    @property
    def addresses(self) -> tuple[str, ...]:
        """The recipients that were accepted."""
        return tuple(recipient.address for recipient in self.recipients)

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets; empty if there is none."""
        head, _, _ = self.content.partition(b"\r\n\r\n")
        found = MESSAGE_ID.search(head)
        return found[1].decode("ascii", "replace") if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One line of the oracle."""

    message_id: str
    recipient: str
    outcome: Outcome


def write_oracle(file: Path, transaction: Transaction) -> None:
    """Add a line for each recipient, and return once they are on disk."""
    lines = (
        f"{transaction.message_id}\t{address}\t{transaction.outcome}\n"
        for address in transaction.addresses
    )
    with file.open("a", encoding="utf-8") as oracle:
        oracle.writelines(lines)
        oracle.flush()
        os.fsync(oracle.fileno())


def read_oracle(file: Path) -> list[Delivery]:
    """All deliveries, in the order in which they happened."""
    fields = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    return [
        Delivery(message_id=message_id, recipient=recipient, outcome=Outcome(outcome))
        for message_id, recipient, outcome in fields
    ]


def parameter_faults(parameters: tuple[str, ...], offered: frozenset[str]) -> list[str]:
    """Parameters of MAIL or RCPT that no extension on offer allows."""
    names = [parameter.partition("=")[0].upper() for parameter in parameters]
    return [
        f"{name} without {PARAMETERS.get(name, 'any extension')} on offer"
        for name in names
        if PARAMETERS.get(name) not in offered
    ]


def content_faults(transaction: Transaction) -> list[str]:
    """What is wrong with the content as bytes on the wire (RFC 5321, 2.3.8; RFC 6152)."""
    faults = []
    if BARE.search(transaction.content):
        faults.append("bare CR or LF in the content")
    if b"\0" in transaction.content:
        faults.append("NUL in the content")
    if any(len(line) > LONGEST_LINE for line in transaction.content.split(b"\r\n")):
        faults.append("line of more than 998 bytes")
    body = {parameter.upper() for parameter in transaction.parameters}
    if not transaction.content.isascii() and "BODY=8BITMIME" not in body:
        faults.append("8-bit content without BODY=8BITMIME")
    return faults
