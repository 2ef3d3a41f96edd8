"""Every mail becomes a file: for trying out, for simulations, for handing mail to something else.

The envelope is kept in X-Envelope-From and X-Envelope-To. A file appears under ``new`` complete or
not at all, and is on disk before the mail counts as sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from mailer.transport.carriage import is_mailbox
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase, impossible


class MaildirTransport:
    """Writes mails into one Maildir, named by the ledger's row, so that a second try replaces."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Write one mail and sync it to disk."""
        if not is_mailbox(outgoing.recipient) or not is_mailbox(outgoing.sender or "a@b"):
            return impossible(Phase.RCPT, "5.1.3 not a mailbox address")
        try:
            name = await asyncio.to_thread(self._write, outgoing)
        except OSError as error:
            return Outcome(fate=Fate.OUTAGE, phase=Phase.DATA, text=str(error), alarm=True)
        return Outcome(fate=Fate.SENT, phase=Phase.DOT, code=250, text=f"written as {name}")

    async def close(self) -> None:
        """Nothing is held open."""

    def _write(self, outgoing: Outgoing) -> str:
        digest = hashlib.sha256(outgoing.sender.encode()).hexdigest()[:12]
        name = f"{outgoing.id:012d}.{digest}.mailer"
        envelope = (
            f"X-Envelope-From: <{outgoing.sender}>\r\nX-Envelope-To: <{outgoing.recipient}>\r\n"
        )
        waiting = self._folder / "tmp" / name
        try:
            with waiting.open("wb") as file:
                file.write(envelope.encode() + outgoing.content)
                file.flush()
                os.fsync(file.fileno())
            waiting.rename(self._folder / "new" / name)
        except OSError:
            waiting.unlink(missing_ok=True)
            raise
        _sync_folder(self._folder / "new")
        return name


def _sync_folder(folder: Path) -> None:
    """A new name is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
