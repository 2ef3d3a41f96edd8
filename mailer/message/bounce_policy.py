"""Decides what mails that came back mean for their reader: nothing yet, a test, or the end.

Goes by what became of the mails to one mailbox. A mail that nothing came back for within two days
was delivered, and wipes out all that came back before it. A block is a matter between the servers:
it counts neither for nor against anybody. Nobody is removed before a test mail of ours, sent after
the rest had come back, came back as well (S25). The order of the mails does not matter; no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from mailer.config.model import Bounces
from mailer.message.judgement import BounceClass

DELIVERED_AFTER = timedelta(days=2)  # most reports come within minutes, nearly all within a day


class Decision(StrEnum):
    KEEP = "keep"
    PROBE = "probe"
    END = "end"
    HOLD = "hold"  # never of this policy: what it decided waits until a wave is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail to the mailbox, handed over ``at``; a mail still on its way out is as of now.

    ``cls`` is why it came back, None if nothing was heard. ``probe`` marks our test mail.
    """

    at: datetime
    cls: BounceClass | None = None
    probe: bool = False


def decide(mails: Iterable[Mail], limits: Bounces, *, now: datetime) -> Decision:
    """What to do about the reader of this mailbox now."""
    mails = tuple(mails)
    arrived = [one.at for one in mails if _arrived(one, now)]
    since = max(arrived, default=None)
    run = [one for one in mails if since is None or one.at > since]
    back = [one for one in run if _counts(one)]
    if any(one.probe for one in back):
        return Decision.END
    return Decision.PROBE if _is_enough(back, limits) and not _tested(run, back) else Decision.KEEP


def _arrived(mail: Mail, now: datetime) -> bool:
    return mail.cls is None and now - mail.at >= DELIVERED_AFTER


def _counts(mail: Mail) -> bool:
    return mail.cls is not None and mail.cls is not BounceClass.BLOCK


def _is_enough(back: list[Mail], limits: Bounces) -> bool:
    """Gone for good on several days, or out of reach for long."""
    days = {one.at.astimezone(UTC).date() for one in back if one.cls is BounceClass.HARD}
    if len(days) >= limits.hard_days:
        return True
    if len(back) < limits.soft_mails:
        return False
    times = [one.at for one in back]
    return max(times) - min(times) >= limits.soft_span


def _tested(run: list[Mail], back: list[Mail]) -> bool:
    """Whether a test is out, or was blocked after the last mail that came back."""
    last = max((one.at for one in back), default=None)
    return any(
        one.probe and (one.cls is None or (last is not None and one.at >= last)) for one in run
    )
