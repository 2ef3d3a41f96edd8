"""Reads what a test's Maildir and ledger hold."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import select

from mailer.parts import Parts
from mailer.store.schema import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    kind: str
    template: str
    recipient: str
    language: str
    state: str


async def queued(parts: Parts) -> list[Queued]:
    """Every row of the ledger, oldest first."""
    columns = [outbox.c[name] for name in Queued.__dataclass_fields__]
    rows = await parts.store.read(lambda c: c.execute(select(*columns).order_by(outbox.c.id)))
    return [Queued(**row._mapping) for row in rows]


async def templates(parts: Parts) -> list[str]:
    """The templates of every row, oldest first."""
    return [row.template for row in await queued(parts)]


def mails(folder: Path) -> list[EmailMessage]:
    """Every mail in a Maildir, in the order of the ledger's rows."""
    found = []
    for file in sorted((folder / "new").iterdir()):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def text(message: EmailMessage) -> str:
    """The plain text of a mail."""
    body = message.get_body(("plain",))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content
