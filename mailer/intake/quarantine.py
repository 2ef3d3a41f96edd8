"""Mails whose processing fails again and again: counted, and after the third time kept aside (F31).

Until then the sender is told to try again, since most surprises pass. From then on the mail is
ours: its bytes are kept as long as the journal, log and `mailer check` say so, and the sender is
told that it was taken, or it would come for days. Counted in the database, not in memory: so the
count outlives a restart, and `mailer receive` and other nodes share it.
"""

from __future__ import annotations

from datetime import timedelta

from mailer.log import get_logger
from mailer.store import journal
from mailer.store.engine import Connection, Store
from mailer.store.journal import Arrival
from scheduler.clock import Clock

MOST_FAILURES = 3
_FROM, _TO = "X-Envelope-From: ", "X-Envelope-To: "

_log = get_logger(__name__)


def enveloped(content: bytes, *, sender: str | None, address: str) -> bytes:
    """A mail with its envelope in front, so that it can be taken once more."""
    lines = [] if sender is None else [f"{_FROM}{sender}\r\n"]
    return "".join([*lines, f"{_TO}{address}\r\n"]).encode("utf-8", "surrogateescape") + content


def opened(kept: bytes) -> tuple[bytes, str | None, str]:
    """What `enveloped` was given: content, sender, address."""
    sender = None
    head, _, rest = kept.partition(b"\r\n")
    if head.startswith(_FROM.encode()):
        sender = head.decode("utf-8", "surrogateescape").removeprefix(_FROM)
        head, _, rest = rest.partition(b"\r\n")
    return rest, sender, head.decode("utf-8", "surrogateescape").removeprefix(_TO)


class Quarantine:
    """Counts failures on a store; what it keeps it keeps so long."""

    def __init__(self, store: Store, clock: Clock, *, keep_for: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._keep_for = keep_for

    async def keeps(self, arrival: Arrival, content: bytes, error: Exception) -> bool:
        """Count a failure of a mail; whether it is kept aside now. ``content`` is what is kept
        then, as `enveloped` makes it. Raises StoreUnavailable."""
        now = self._clock.now()

        async def unit(connection: Connection) -> journal.Failure | None:
            failure = await journal.fail(connection, arrival, now)
            if failure is not None and failure.times >= MOST_FAILURES:
                blob_id = await journal.keep(connection, content, until=now + self._keep_for)
                await journal.conclude(
                    connection,
                    failure.entry_id,
                    outcome=f"{journal.KEPT_ASIDE}: {type(error).__name__}",
                    blob_id=blob_id,
                )
            return failure

        failure = await self._store.write(unit)
        if failure is None:  # another copy of it was taken, or kept, in the meantime
            return True
        if failure.times < MOST_FAILURES:
            return False
        _log.error(
            "a mail could not be processed again and again, and is kept aside",
            action="mail.kept_aside",
            entry=failure.entry_id,
            source=arrival.source,
            cause=type(error).__name__,
        )
        return True
