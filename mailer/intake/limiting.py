"""How many automatic answers somebody may cause.

The limits hold per address, per the address's domain and overall, so that forged mails cannot turn
the answers against third parties (RFC 3834 §3.1.1; S1, S3, S4). What a limit holds back is silence,
counted in the journal.
"""

from __future__ import annotations

from datetime import timedelta

from mailer.intake.context import Context
from mailer.message.address import Address
from mailer.store import quota
from mailer.store.quota import Quota

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
HELD_BACK = "held back by a limit"  # what the journal says of it


def quotas(context: Context, address: Address, *, proven: bool) -> tuple[Quota, ...]:
    """What one more answer to this address counts against. What is ``proven`` to be theirs counts
    apart, so that nobody silences a person by writing in their name."""
    limits = context.config.limits
    who = context.address_hash(address).hex()
    whose = "proven" if proven else "address"
    return (
        Quota(scope=f"{whose}:{who}", limit=limits.answers_per_address_per_day, span=DAY),
        Quota(
            scope=f"domain:{address.domain}", limit=limits.answers_per_domain_per_hour, span=HOUR
        ),
        Quota(scope="all", limit=limits.answers_per_hour, span=HOUR),
    )


async def within_limits(context: Context, address: Address, *, proven: bool) -> bool:
    """Whether this address may be answered once more; counts it if so."""
    counted = quotas(context, address, proven=proven)
    return not await quota.take(context.connection, counted, context.now)
