"""What a lane has claimed and not begun: rows whose mails are being made, and finished mails.

Everything in it goes back into the ledger as it was, unless it is taken: when somebody leaves, when
sending stops, when it has lain here too long, or when its deadline has passed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mailer.dispatch.judging import returned, too_late
from mailer.dispatch.making import Made
from mailer.dispatch.recording import Recording
from mailer.store.lease import Claimed
from mailer.store.settlement import Settlement
from mailer.transport.outcome import Outgoing

FRESH_SECONDS = 1.0  # what was claimed longer ago is claimed anew, for much may have changed


class Ready(NamedTuple):
    """A finished mail; ``claimed_at`` in monotonic seconds."""

    row: Claimed
    outgoing: Outgoing
    claimed_at: float

    def is_fresh(self, monotonic: float) -> bool:
        """Whether it may go without being claimed anew."""
        return monotonic - self.claimed_at < FRESH_SECONDS

    def is_late(self, now: datetime) -> bool:
        """Whether its deadline has passed."""
        return self.row.expires_at is not None and self.row.expires_at <= now


class Stock:
    """Tells the recording of each row that leaves it other than by `take`."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._coming: dict[int, Claimed] = {}
        self._ready: deque[Ready] = deque()
        self._recalled: set[int] = set()  # subscriptions, since the last claim

    def __len__(self) -> int:
        """How many finished mails there are."""
        return len(self._ready)

    def open(self) -> None:
        """A claim begins: who is recalled from now on gets nothing of it."""
        self._recalled.clear()

    def expect(self, rows: Sequence[Claimed]) -> tuple[Claimed, ...]:
        """Take in what was claimed; those whose mails are to be made."""
        for row in rows:
            if row.subscription_id in self._recalled:
                self._recording.add(returned(row))
            else:
                self._coming[row.id] = row
        return tuple(self._coming.values())

    def put(self, made: Made, claimed_at: float) -> None:
        """A mail is finished, or there is none for this row."""
        row, mail = made
        if self._coming.pop(row.id, None) is None:
            return  # recalled meanwhile
        if isinstance(mail, Settlement):
            self._recording.add(mail)
        else:
            self._ready.append(Ready(row, mail, claimed_at))

    def take(self, *, monotonic: float, now: datetime) -> Ready | None:
        """The next mail that may still go out."""
        while self._ready:
            one = self._ready.popleft()
            if not one.is_fresh(monotonic):
                self._recording.add(returned(one.row))
            elif one.is_late(now):
                self._recording.add(too_late(one.row))
            else:
                return one
        return None

    def recall(self, subscription_id: int) -> None:
        """Give back what was claimed for a subscription."""
        self._recalled.add(subscription_id)
        for row in [one for one in self._coming.values() if one.subscription_id == subscription_id]:
            self._recording.add(returned(self._coming.pop(row.id)))
        for one in [one for one in self._ready if one.row.subscription_id == subscription_id]:
            self._ready.remove(one)
            self._recording.add(returned(one.row))

    def drain(self) -> list[Claimed]:
        """Take every finished mail out, for whoever knows what has become of them."""
        rows = [one.row for one in self._ready]
        self._ready.clear()
        return rows

    def give_back(self) -> None:
        """Give back every finished mail."""
        for row in self.drain():
            self._recording.add(returned(row))

    def give_back_all(self) -> None:
        """Give back what is being made as well: nothing more will come of it."""
        self.give_back()
        while self._coming:
            _, row = self._coming.popitem()
            self._recording.add(returned(row))
