"""What a transport's outcome means for a row of the ledger. Pure."""

from __future__ import annotations

from datetime import datetime

from mailer.message.judgement import BounceClass
from mailer.message.report_class import classify_failure
from mailer.store.lease import PACED, Claimed
from mailer.store.outbox import State
from mailer.store.settlement import Settlement
from mailer.transport.outcome import Fate, Outcome, Phase
from scheduler.backoff import next_attempt

_OF_THIS_MAIL = (Phase.RCPT, Phase.DATA, Phase.DOT)
_FOR_GOOD = "no more tries before its deadline"
_TOO_LONG = "tried for five days"


def settlement(row: Claimed, outcome: Outcome, *, now: datetime, jitter: float) -> Settlement:
    """The row's next state. An outage is not the recipient's: the try does not count, unless the
    server gave up over this very mail, which must not hold up the others for ever."""
    match outcome.fate:
        case Fate.SENT:
            return _settled(row, outcome, State.SENT, "")
        case Fate.REFUSED:
            refused = _settled(row, outcome, State.FAILED, f"refused at {outcome.phase}")
            cls, status = _bounce(outcome)
            return refused._replace(bounce_class=cls, bounce_status=status)
        case Fate.OUTAGE if outcome.phase not in _OF_THIS_MAIL or outcome.code is None:
            reason = f"the mail server is not available ({outcome.phase})"
            return _settled(
                row, outcome, State.QUEUED, reason, not_before=now, attempts=row.attempts - 1
            )
        case Fate.DEFERRED | Fate.DOUBT | Fate.OUTAGE:
            return _later(row, outcome, now=now, jitter=jitter)


def _bounce(outcome: Outcome) -> tuple[BounceClass | None, str]:
    """Why the recipient was refused, and the enhanced status; None if it was not the recipient."""
    if outcome.phase is not Phase.RCPT or outcome.code is None:
        return None, ""
    return classify_failure("", _quoted(outcome))


def returned(row: Claimed) -> Settlement:
    """The claim never became a try: the row is as it was."""
    return Settlement(
        id=row.id,
        state=State.QUEUED,
        not_before=row.not_before,
        attempts=row.attempts - 1,
    )


def later(row: Claimed, turn: datetime) -> Settlement:
    """The claim never became a try: the row's domain has its turn for it later."""
    return Settlement(
        id=row.id, state=State.QUEUED, reason=PACED, not_before=turn, attempts=row.attempts - 1
    )


def failed(row: Claimed, reason: str) -> Settlement:
    """There is no mail to send for it."""
    return Settlement(id=row.id, state=State.FAILED, reason=reason, attempts=row.attempts)


def too_late(row: Claimed) -> Settlement:
    """Its deadline passed between claim and try."""
    return Settlement(id=row.id, state=State.EXPIRED, reason="too late", attempts=row.attempts - 1)


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
        state = State.EXPIRED if expires else State.FAILED
        return _settled(row, outcome, state, _FOR_GOOD if expires else _TOO_LONG, doubt=doubt)
    reason = "in doubt: no reply after the final dot" if doubt else f"later ({outcome.phase})"
    return _settled(row, outcome, State.QUEUED, reason, not_before=again, doubt=doubt)


def _settled(
    row: Claimed,
    outcome: Outcome,
    state: State,
    reason: str,
    *,
    not_before: datetime | None = None,
    attempts: int | None = None,
    doubt: bool = False,
) -> Settlement:
    return Settlement(
        id=row.id,
        state=state,
        reason=reason,
        not_before=not_before,
        attempts=row.attempts if attempts is None else attempts,
        reply_code=outcome.code,
        reply=_quoted(outcome),
        doubt=doubt,
    )


def _quoted(outcome: Outcome) -> str:
    """What the other server said, as kept in the ledger."""
    return f"{outcome.code} {outcome.text}" if outcome.code is not None else outcome.text
