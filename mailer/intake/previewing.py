"""What organisers are told of announcements: previews that ask, what became of them, faults.

Queues mails and decides nothing. Each organiser who is asked gets a token of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from mailer.config.model import Approval as Policy
from mailer.errors import AnnouncementError, AnnouncementRefused
from mailer.files.announcement_md import Manuscript
from mailer.intake import announcing, briefing
from mailer.intake.announcing import Queued
from mailer.intake.context import Asker, Context
from mailer.message.address import Address, parse_address
from mailer.message.command import Channel
from mailer.message.letter import Letter
from mailer.store import announcement, approval, expansion, halt, setting, suppression, written
from mailer.store.announcement import State
from mailer.store.approval import Approval
from mailer.store.engine import Connection
from mailer.store.written import Written

Detail = dict[str, str | int | bool]
PREVIEW, ANSWER = "reply-preview", "reply-announcement"
COUNTED = frozenset({PREVIEW, ANSWER})  # mails that say how many would get it, as they leave
NOBODY = Asker(address=None, channel=Channel.WEB)


class Told(StrEnum):
    """What became of an organiser's word, as their answer puts it."""

    APPROVED = "approved"
    DROPPED = "dropped"
    ALREADY = "already"
    VOID = "void"
    OWN = "own"
    ENDED = "ended"


async def queue(context: Context, text: Manuscript, *, writer: str, again: bool = False) -> Queued:
    """Queue what somebody wrote who is known to have written it: it goes out when it is due, or
    the other organisers are asked where one of them has to approve. Raises AnnouncementError,
    AnnouncementRefused."""
    approved = context.series.approval is not Policy.OTHER
    queued = await announcing.queue(context, text, writer=writer, approved=approved, again=again)
    if not approved and not queued.already:
        await preview(context, NOBODY, queued)
    return queued


async def try_out(context: Context, letter: Letter, to: Address) -> str | None:
    """Send one copy to somebody who looks at it; the reason why not, if they must not be mailed."""
    found = await suppression.of_address(context.connection, context.address_hash(to))
    for one in found:
        if one.scope in (context.series.id, suppression.EVERYWHERE):
            return one.reason
    await briefing.try_out(context, letter, to)
    await setting.bump(context.connection)
    return None


async def preview(
    context: Context, asker: Asker, queued: Queued, *, attachments: bool = False
) -> tuple[Address, ...]:
    """Ask whoever may decide about the present version; who may approve it."""
    item = queued.item
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
            "audience": item.audience.value,
            "webinar": item.webinar or "",
            "writer": item.writer,
            "own": parse_address(item.writer) == one,
            "may_approve": one in approvers,
            "approvers": ", ".join(other.mailbox for other in approvers),
            "attachments": attachments,
        }
        await briefing.to_organiser(
            context, asker, one, PREVIEW, detail=detail, approval_id=approval_id
        )
    return approvers


def _to_be_asked(context: Context, item: Written) -> tuple[Address, ...]:
    """Who wrote it, or every organiser where another one has to say yes."""
    everyone = announcing.organisers(context.series)
    if context.series.approval is Policy.OTHER:
        return everyone
    author = announcing.organiser(context.series, parse_address(item.writer))
    return (author,) if author else everyone


async def count_of(
    connection: Connection, detail: Mapping[str, str | int | bool], *, now: datetime
) -> int:
    """How many would get the announcement that a mail with these details is about. Goes through
    everybody: for reading alone."""
    item = await announcement.by_id(connection, int(detail["number"]))
    return 0 if item is None else await expansion.count_readers(connection, item, now=now)


async def tell(context: Context, asker: Asker, to: Address, asked: Approval, told: Told) -> None:
    """Answer an organiser's word; where it was about another's text, that one hears of it too."""
    item = await written.by_id(context.connection, asked.announcement_id)
    if item is None:
        return
    detail = await _told(context, item, to, told)
    again = asked.id if told is Told.APPROVED else 0
    await briefing.to_organiser(
        context,
        asker,
        to,
        ANSWER,
        detail={**detail, "stoppable": told is Told.APPROVED},
        approval_id=again,
    )
    await tell_author(context, item, to, told)


async def tell_author(context: Context, item: Written, who: Address, told: Told) -> None:
    """Write to whose text another organiser approved or dropped."""
    author = announcing.organiser(context.series, parse_address(item.writer))
    if told not in (Told.APPROVED, Told.DROPPED) or author is None or author == who:
        return
    detail = await _told(context, item, who, told)
    await briefing.to_organiser(context, NOBODY, author, ANSWER, detail=detail)


async def _told(context: Context, item: Written, who: Address, told: Told) -> Detail:
    left = await halt.left(context.connection, item.id)
    return {
        **_facts(item),
        "at": "" if item.due_at <= context.now else item.due_at.isoformat(),
        "told": told.value,
        "who": who.mailbox,
        "sent": left.sent,
        "under_way": left.under_way,
        "stoppable": False,
    }


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
    await briefing.to_organiser(
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
