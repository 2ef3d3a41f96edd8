"""What a transport's outcome means for a row of the ledger. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailer.store.outbox import Claimed, Settlement, State
from mailer.transport.outcome import Fate, Outcome
from scheduler.backoff import next_attempt

DOUBT_PAUSE = timedelta(minutes=1)


def settlement(row: Claimed, outcome: Outcome, *, now: datetime, jitter: float) -> Settlement:
    """The row's next state. An outage is not the recipient's: the try does not count."""
    said = {"reply_code": outcome.code, "reply": _quoted(outcome)}
    match outcome.fate:
        case Fate.SENT:
            return Settlement(id=row.id, state=State.SENT, attempts=row.attempts, **said)  # type: ignore[arg-type]
        case Fate.REFUSED:
            return Settlement(
                id=row.id,
                state=State.FAILED,
                reason=f"refused at {outcome.phase}",
                attempts=row.attempts,
                **said,  # type: ignore[arg-type]
            )
        case Fate.OUTAGE:
            return Settlement(
                id=row.id,
                state=State.QUEUED,
                reason=f"the mail server is not available ({outcome.phase})",
                not_before=now,
                attempts=row.attempts - 1,
                **said,  # type: ignore[arg-type]
            )
        case Fate.DEFERRED | Fate.DOUBT:
            return _later(row, outcome, now=now, jitter=jitter)


def _later(row: Claimed, outcome: Outcome, *, now: datetime, jitter: float) -> Settlement:
    again = next_attempt(
        attempts=row.attempts,
        first_queued_at=row.queued_at,
        now=now,
        expires_at=row.expires_at,
        retry_after_seconds=None,
        jitter=jitter,
    )
    doubt = outcome.fate is Fate.DOUBT
    if again is None:
        expires = row.expires_at is not None
        return Settlement(
            id=row.id,
            state=State.EXPIRED if expires else State.FAILED,
            reason="no more tries before its deadline" if expires else "tried for five days",
            attempts=row.attempts,
            reply_code=outcome.code,
            reply=_quoted(outcome),
            doubt=doubt,
        )
    return Settlement(
        id=row.id,
        state=State.QUEUED,
        reason="in doubt: no reply after the final dot" if doubt else f"later ({outcome.phase})",
        not_before=again,
        attempts=row.attempts,
        reply_code=outcome.code,
        reply=_quoted(outcome),
        doubt=doubt,
    )


def _quoted(outcome: Outcome) -> str:
    """What the other server said, as kept in the ledger."""
    return f"{outcome.code} {outcome.text}" if outcome.code is not None else outcome.text
