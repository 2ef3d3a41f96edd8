"""What comes back to the return path of our own mails: reports of delivery, and people's replies.

Never answered. A report counts only when its token is one of ours (S25).
"""

from __future__ import annotations

from mailer.intake import forwarding
from mailer.intake.context import Asker, Context, Outcome
from mailer.message.address import Purpose
from mailer.message.command import ReturnPath, ToOwner
from mailer.message.incoming import Incoming


async def take(context: Context, asker: Asker, command: ReturnPath, mail: Incoming) -> Outcome:
    """Note a report; pass a person's reply on to the organisers."""
    token = context.mint.read(Purpose.BOUNCE, command.token)
    if token is None:
        return Outcome(word="ignored: forged or stale return path")
    if mail.machine is None:
        return await forwarding.to_owner(context, asker, ToOwner(), mail)
    return Outcome(word=f"report on mail {token.subject}")
