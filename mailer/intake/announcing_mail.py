"""Organisers who announce by mail: their text comes in, a preview goes back, a token decides.

A From can be forged, so it causes at most a preview to the organiser who really has that address
(S5); whatever follows needs the token in it. A token stands for one organiser and one version.
"""

from __future__ import annotations

from mailer.errors import AnnouncementError, AnnouncementRefused
from mailer.files.announcement_md import read
from mailer.intake import announcing, forwarding, limiting, previewing
from mailer.intake.announcing import Step
from mailer.intake.context import Asker, Context, Outcome
from mailer.intake.previewing import Told
from mailer.message.address import Address, Purpose, parse_address
from mailer.message.authored import authored
from mailer.message.command import Announce, Approve, Drop, Redraft, ToOwner
from mailer.message.incoming import Incoming
from mailer.store import approval, written
from mailer.store.announcement import State
from mailer.store.approval import Approval

NO_SUCH = "ignored: unknown token"

_Asked = tuple[Approval, Address]  # what a token asks about, and the organiser it was mailed to


async def announce(context: Context, asker: Asker, command: Announce, mail: Incoming) -> Outcome:
    """Take an organiser's text and send the preview; what anybody else writes there is a mail for
    the organisers."""
    author = announcing.organiser(context.series, asker.address)
    if author is None:
        return await forwarding.to_owner(context, asker, ToOwner(), mail)
    if not asker.proven and not await limiting.within_limits(context, author, proven=False):
        return Outcome(word=f"announcement {limiting.HELD_BACK}")
    try:
        text = read(
            authored(mail.content, answers=False),
            context.series,
            now=context.now,
            source="announcement",
            subject=mail.subject,
        )
        queued = await announcing.queue(context, text, writer=author.mailbox, approved=False)
    except (AnnouncementError, AnnouncementRefused) as error:
        await previewing.refuse(context, asker, author, error)
        return Outcome(word="announcement refused: faulty text")
    if queued.already and queued.item.state is not State.WAITING:
        known = announcing.there_already(queued.item)
        await previewing.refuse(context, asker, author, known)
        return Outcome(word=f"announcement {queued.item.id} is there already")
    await previewing.preview(context, asker, queued, attachments=mail.attachments)
    return Outcome(word=f"announcement {queued.item.id} waits for approval")


async def approve(context: Context, asker: Asker, command: Approve) -> Outcome:
    """Let go what the token is about."""
    found = await _asked(context, command.token)
    if found is None:
        return Outcome(word=NO_SUCH)
    asked, who = found
    step = await announcing.approve(context, asked.announcement_id, who=who, version=asked.version)
    return await _decided(context, asker, found, step, Told.APPROVED)


async def drop(context: Context, asker: Asker, command: Drop) -> Outcome:
    """Stop what the token is about, whether it was approved or not."""
    found = await _asked(context, command.token)
    if found is None:
        return Outcome(word=NO_SUCH)
    asked, who = found
    step = await announcing.drop(context, asked.announcement_id, who=who, version=asked.version)
    return await _decided(context, asker, found, step, Told.DROPPED)


async def redraft(context: Context, asker: Asker, command: Redraft, mail: Incoming) -> Outcome:
    """Put another text in the place of the one that the token is about, and preview that."""
    found = await _asked(context, command.token)
    if found is None:
        return Outcome(word=NO_SUCH)
    asked, who = found
    item = await written.by_id(context.connection, asked.announcement_id)
    if item is None or item.version != asked.version:
        return await _decided(context, asker, found, Step.VOID, Told.VOID)
    # A program that answers every mail of ours would otherwise do so for ever.
    if not await limiting.within_limits(context, who, proven=True):
        return Outcome(word=f"announcement {limiting.HELD_BACK}")
    try:
        text = read(
            authored(mail.content, answers=command.answers),
            context.series,
            now=context.now,
            source="announcement",
            subject="" if command.answers else mail.subject,
            before=announcing.as_manuscript(item),
        )
        queued = await announcing.edit(context, item.id, text, writer=who.mailbox)
    except (AnnouncementError, AnnouncementRefused) as error:
        await previewing.refuse(context, asker, who, error, asked=asked)
        return Outcome(word=f"announcement {item.id} not changed: faulty text")
    await previewing.preview(context, asker, queued, attachments=mail.attachments)
    return Outcome(word=f"announcement {item.id} changed, waits for approval")


async def _asked(context: Context, token: str) -> _Asked | None:
    """What a token says, as long as its organiser still is one."""
    read_token = context.mint.read(Purpose.APPROVE, token)
    asked = await approval.asked(context.connection, read_token.subject) if read_token else None
    item = await written.by_id(context.connection, asked.announcement_id) if asked else None
    who = announcing.organiser(context.series, parse_address(asked.organiser)) if asked else None
    if asked is None or who is None or item is None or item.series_id != context.series.id:
        return None
    return asked, who


async def _decided(
    context: Context, asker: Asker, found: _Asked, step: Step, done: Told
) -> Outcome:
    asked, who = found
    told = done if step is Step.DONE else _INSTEAD[step]
    await previewing.tell(context, asker, who, asked, told)
    return Outcome(word=f"announcement {asked.announcement_id} {told}")


_INSTEAD = {
    Step.ALREADY: Told.ALREADY,
    Step.VOID: Told.VOID,
    Step.OWN: Told.OWN,
    Step.ENDED: Told.ENDED,
}
