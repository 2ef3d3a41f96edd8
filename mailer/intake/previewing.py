"""What organisers are told of announcements: previews that ask, what became of them, faults.

Queues mails and decides nothing. Each organiser who is asked gets a token of their own.
"""

from __future__ import annotations

from enum import StrEnum

from mailer.config.model import Approval as Policy
from mailer.errors import AnnouncementError, AnnouncementRefused
from mailer.intake import announcing, answering
from mailer.intake.announcing import Queued
from mailer.intake.context import Asker, Context
from mailer.message.address import Address, parse_address
from mailer.store import approval, halt, written
from mailer.store.announcement import State
from mailer.store.approval import Approval
from mailer.store.written import Written

Detail = dict[str, str | int | bool]


class Told(StrEnum):
    """What became of an organiser's word, as their answer puts it."""

    APPROVED = "approved"
    DROPPED = "dropped"
    ALREADY = "already"
    VOID = "void"
    OWN = "own"
    ENDED = "ended"


async def preview(
    context: Context, asker: Asker, queued: Queued, *, attachments: bool = False
) -> tuple[Address, ...]:
    """Ask whoever may decide about the present version; who may approve it."""
    item = queued.item
    recipients = await announcing.recipients(context, item.id)
    asked = _to_be_asked(context, item)
    approvers = tuple(
        one for one in asked if announcing.may_approve(context.series, item.writer, one)
    )
    for one in asked:
        approval_id = await approval.ask(
            context.connection,
            item.id,
            version=item.version,
            organiser=one.mailbox,
            may_approve=one in approvers,
            now=context.now,
        )
        detail = {
            **_facts(item),
            "body": item.content,
            "text_language": item.language,
            "recipients": recipients,
            "audience": item.audience.value,
            "webinar": item.webinar or "",
            "writer": item.writer,
            "own": parse_address(item.writer) == one,
            "may_approve": one in approvers,
            "approvers": ", ".join(other.mailbox for other in approvers),
            "attachments": attachments,
        }
        await answering.to_organiser(
            context, asker, one, "reply-preview", detail=detail, approval_id=approval_id
        )
    return approvers


def _to_be_asked(context: Context, item: Written) -> tuple[Address, ...]:
    """Who wrote it, or every organiser where another one has to say yes."""
    everyone = announcing.organisers(context.series)
    if context.series.approval is Policy.OTHER:
        return everyone
    author = announcing.organiser(context.series, parse_address(item.writer))
    return (author,) if author else everyone


async def tell(context: Context, asker: Asker, to: Address, asked: Approval, told: Told) -> None:
    """Answer an organiser's word; where it was about another's text, that one hears of it too."""
    item = await written.by_id(context.connection, asked.announcement_id)
    if item is None:
        return
    left = await halt.left(context.connection, item.id)
    detail: Detail = {
        **_facts(item),
        "told": told.value,
        "who": to.mailbox,
        "recipients": await announcing.recipients(context, item.id),
        "sent": left.sent,
        "under_way": left.under_way,
        "stoppable": told is Told.APPROVED,
    }
    again = asked.id if told is Told.APPROVED else 0
    await answering.to_organiser(
        context, asker, to, "reply-announcement", detail=detail, approval_id=again
    )
    author = announcing.organiser(context.series, parse_address(item.writer))
    if told in (Told.APPROVED, Told.DROPPED) and author is not None and author != to:
        detail["stoppable"] = False
        await answering.to_organiser(context, asker, author, "reply-announcement", detail=detail)


async def refuse(
    context: Context,
    asker: Asker,
    to: Address,
    error: AnnouncementError | AnnouncementRefused,
    *,
    asked: Approval | None = None,
) -> None:
    """Say what is wrong with a text; an answer to that may put it right."""
    detail: Detail = {"reason": "\n".join(_reasons(error)), "changes": asked is not None}
    await answering.to_organiser(
        context,
        asker,
        to,
        "reply-announcement-refused",
        detail=detail,
        approval_id=asked.id if asked else 0,
    )


def _reasons(error: AnnouncementError | AnnouncementRefused) -> list[str]:
    faults = error.faults if isinstance(error, AnnouncementError) else ()
    return [str(fault) for fault in faults] or [str(error)]


def _facts(item: Written) -> Detail:
    given = item.due_given or item.state is not State.WAITING
    return {
        "number": item.id,
        "subject": item.subject,
        "at": item.due_at.isoformat() if given else "",
        "expires": item.expires_at.isoformat(),
    }
