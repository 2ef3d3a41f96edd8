"""Every mail becomes a file: for trying out, for simulations, for handing mail to something else.

The envelope is kept in X-Envelope-From and X-Envelope-To. A file appears under ``new`` complete or
not at all, and is on disk before the mail counts as sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from mailer.log import get_logger
from mailer.transport.carriage import is_mailbox
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase, impossible
from mailer.transport.source import Source

_log = get_logger(__name__)


def make_maildir(folder: Path) -> None:
    """Make what is missing of a Maildir."""
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)


class MaildirTransport:
    """Writes mails into one Maildir, named by the ledger's row, so that a second try replaces."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_maildir(folder)

    def carrier(self, source: Source, *, connections: int) -> Writer:
        """Write the mails of a source, one after the other."""
        return Writer(self._folder, source)


class Writer:
    """A carrier into a folder."""

    def __init__(self, folder: Path, source: Source) -> None:
        self._folder = folder
        self._source = source
        self._ending = False
        self._writing: asyncio.Task[None] | None = None
        self._current: Outgoing | None = None

    def wake(self, waiting: int) -> None:
        """Go on writing."""
        if waiting and self._writing is None and not self._ending:
            self._writing = asyncio.get_running_loop().create_task(self._run(), name="maildir")

    def rest(self) -> None:
        """Nothing is held open."""

    async def end(self) -> None:
        """Finish the file that is being written; a file is never left half."""
        self._ending = True
        if self._writing is not None:
            await asyncio.shield(self._writing)

    def cut(self) -> None:
        """Wait for no file."""
        self._ending = True
        self._tell(Outcome(fate=Fate.DOUBT, phase=Phase.DOT, text="cut off"))

    async def _run(self) -> None:
        source = self._source
        while not self._ending and source.may_hand_over() and (outgoing := source.take()):
            self._current = outgoing
            self._tell(await self._written(outgoing))
        self._writing = None

    def _tell(self, outcome: Outcome) -> None:
        outgoing, self._current = self._current, None
        if outgoing is not None:  # else it was cut off meanwhile
            self._source.done(outgoing, outcome)

    async def _written(self, outgoing: Outgoing) -> Outcome:
        if not is_mailbox(outgoing.recipient) or not is_mailbox(outgoing.sender or "a@b"):
            return impossible(Phase.RCPT, "5.1.3 not a mailbox address")
        try:
            name = await asyncio.to_thread(_write, self._folder, outgoing)
        except OSError as error:
            return Outcome(fate=Fate.OUTAGE, phase=Phase.DATA, text=str(error), alarm=True)
        except Exception as fault:  # nobody knows how far it came
            _log.exception("writing failed", action="outbox.in_doubt", row=outgoing.id)
            reason = f"internal: {type(fault).__name__}"
            return Outcome(fate=Fate.DOUBT, phase=Phase.DOT, text=reason)
        return Outcome(fate=Fate.SENT, phase=Phase.DOT, code=250, text=f"written as {name}")


def _write(folder: Path, outgoing: Outgoing) -> str:
    digest = hashlib.sha256(outgoing.sender.encode()).hexdigest()[:12]
    name = f"{outgoing.id:012d}.{digest}.mailer"
    envelope = f"X-Envelope-From: <{outgoing.sender}>\r\nX-Envelope-To: <{outgoing.recipient}>\r\n"
    waiting = folder / "tmp" / name
    try:
        with waiting.open("wb") as file:
            file.write(envelope.encode() + outgoing.content)
            file.flush()
            os.fsync(file.fileno())
        waiting.rename(folder / "new" / name)
    except OSError:
        waiting.unlink(missing_ok=True)
        raise
    _sync_folder(folder / "new")
    return name


def _sync_folder(folder: Path) -> None:
    """A new name is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
