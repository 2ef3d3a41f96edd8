"""Lets organisers into their pages: a link that works once and not for long, for their mailbox.

Who is one says the configuration. A link is mailed to that address alone, or told on the command
line; whoever has read it is believed, so nobody else ever sees it.
"""

from __future__ import annotations

from datetime import timedelta

from mailer.intake import briefing
from mailer.intake.context import Context
from mailer.message.address import Address, Purpose
from mailer.store import quota, visit
from mailer.store.quota import Quota

SIGN_IN = "reply-sign-in"  # the mail
LINKS_PER_HOUR = 5  # to one address
_HOUR = timedelta(hours=1)


async def mail_link(context: Context, organiser: Address) -> bool:
    """Mail a link to an organiser; False if they had enough of them within the hour."""
    scope = f"sign-in:{context.address_hash(organiser).hex()}"
    enough = Quota(scope=scope, limit=LINKS_PER_HOUR, span=_HOUR)
    if await quota.take(context.connection, (enough,), context.now):
        return False
    link_id = await visit.offer(context.connection, organiser.key, now=context.now)
    await briefing.key(
        context,
        organiser,
        SIGN_IN,
        detail={"minutes": visit.LINK_FOR // timedelta(minutes=1)},
        named_id=link_id,
        expires_at=context.now + visit.LINK_FOR,
    )
    return True


async def make_link(context: Context, organiser: Address) -> str:
    """A link to hand over by other means than a mail; the token in it works like the mailed one."""
    link_id = await visit.offer(context.connection, organiser.key, now=context.now)
    token = context.mint.mint(Purpose.SIGN_IN, subject=link_id, day=context.now.date())
    return f"{context.base_url}/admin/sign-in/{token}"
