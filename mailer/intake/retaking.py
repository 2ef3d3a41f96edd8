"""Takes a mail once more that was kept aside: by hand, when what was wrong is mended.

It goes the way of every mail, so that it is applied once, and is kept aside again if it still
fails. The bytes are dropped only after they were taken, or were kept anew.
"""

from __future__ import annotations

from mailer.errors import StoreUnavailable
from mailer.intake.context import Outcome
from mailer.intake.delivery import Intake
from mailer.intake.quarantine import opened
from mailer.log import get_logger
from mailer.store import aside, journal
from mailer.store.engine import Store

UNREADABLE = "still cannot be read"
FAILS = "still cannot be processed"
NOT_OURS = "is for an address that is not ours any more"

_log = get_logger(__name__)


async def retake(store: Store, intake: Intake, entry_id: int) -> Outcome | None:
    """What became of a mail; None if none of this number is kept. One that stays where it is has an
    outcome of `journal.KEPT_ASIDE`, with the reason behind it. Raises StoreUnavailable."""
    kept = await store.read(lambda c: aside.find(c, entry_id))
    if kept is None:
        return None
    content, sender, address = opened(kept.content)
    recipient = intake.route(address)
    if recipient is None:
        return Outcome(word=f"{journal.KEPT_ASIDE}: {NOT_OURS}")
    try:
        mail = intake.read(content, sender=sender)
    except Exception:
        _log.exception("reading a mail failed", action="mail.failed")
        return Outcome(word=f"{journal.KEPT_ASIDE}: {UNREADABLE}")
    # A mail that could not be read had another key, so it comes in as a new one.
    is_same = journal.dedupe_key(mail.digest, address) == kept.dedupe_key
    if is_same:
        await store.write(lambda c: aside.release(c, kept))
    try:
        outcome = await intake.take(mail, recipient, address=address, source=kept.source)
    except StoreUnavailable:
        raise
    except Exception:  # the first failure of what comes in as a new one
        _log.exception("taking a mail failed", action="mail.failed")
        return Outcome(word=f"{journal.KEPT_ASIDE}: {FAILS}")
    later = None if is_same else f"taken later: {outcome.word}"
    await store.write(lambda c: aside.drop(c, kept, outcome=later))
    return outcome
