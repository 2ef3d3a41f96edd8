"""What organisers write, from the text to its release: queue, edit, approve, drop, by whatever way.

One transaction each, the caller's. Knows who may say yes; never sends and never renders. A version
is approved, not an announcement: another text voids what was asked of the one before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from mailer.config.model import Approval as Policy
from mailer.config.model import Series
from mailer.errors import AnnouncementError, AnnouncementRefused, Fault
from mailer.files.announcement_md import Manuscript
from mailer.intake.context import Context
from mailer.message.address import Address, parse_address
from mailer.store import announcement, expansion, halt, programme, setting, written
from mailer.store.announcement import Announcement, State
from mailer.store.programme import WebinarRecord
from mailer.store.written import Draft, Written
from scheduler.model import Kind, Status

LIVES_FOR = timedelta(days=7)  # after it is due, unless its author says otherwise
AT_ONCE = 5_000  # rows that follow a cancellation at once; the planner does the others
COMMAND_LINE = "the command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """An announcement, and whether it was there already."""

    item: Written
    already: bool = False


class Step(StrEnum):
    """What became of a wish to approve or to drop."""

    DONE = "done"
    ALREADY = "already"  # approved before
    VOID = "void"  # it was about another version
    OWN = "own"  # who wrote it cannot approve it
    ENDED = "ended"  # it has gone out, or will not any more


async def queue(
    context: Context, text: Manuscript, *, writer: str, approved: bool, again: bool = False
) -> Queued:
    """Store a text, planned if it is ``approved`` and waiting else. The same text for the same
    people is queued once, unless ``again``. Raises AnnouncementError, AnnouncementRefused."""
    connection, series = context.connection, context.series
    await programme.lock(connection, series.id)
    new = await draft(context, text, writer=writer)
    same = None if again else await written.alive(connection, series.id, new.digest)
    if same is not None:
        _refuse_other_time(same, text)
        return Queued(item=same, already=True)
    state = State.PLANNED if approved else State.WAITING
    made = await written.add(connection, series.id, new, state=state, now=context.now)
    who = writer or COMMAND_LINE
    await written.note(connection, made, who=who, act="queued", now=context.now)
    if approved:
        await written.note(connection, made, who=who, act="approved", now=context.now)
    await setting.bump(connection)
    return await _queued(context, made)


async def edit(context: Context, announcement_id: int, text: Manuscript, *, writer: str) -> Queued:
    """Put another text in the place of one that waits; then that waits for approval. Raises
    AnnouncementError, AnnouncementRefused."""
    item = await written.by_id(context.connection, announcement_id, lock=True)
    if item is None or item.state is not State.WAITING:
        raise AnnouncementRefused(
            "it does not wait for approval any more: drop it, and write another one"
        )
    new = await draft(context, text, writer=writer)
    await written.replace(context.connection, announcement_id, new)
    await written.note(
        context.connection, announcement_id, who=writer, act="edited", now=context.now
    )
    await setting.bump(context.connection)
    return await _queued(context, announcement_id)


async def approve(
    context: Context, announcement_id: int, *, who: Address | None, version: int | None = None
) -> Step:
    """Let a waiting text go when it is due. ``who`` is None for the command line, whose word is
    enough unless another organiser has to give it."""
    item = await written.by_id(context.connection, announcement_id, lock=True)
    if item is None or item.state not in written.ALIVE:
        return Step.ENDED
    if version is not None and version != item.version:
        return Step.VOID
    if item.state is not State.WAITING:
        return Step.ALREADY
    if not may_approve(context.series, item.writer, who):
        return Step.OWN
    due_at = max(item.due_at, context.now)
    given = item.due_given or item.expires_given
    expires_at = item.expires_at if given else due_at + LIVES_FOR
    if expires_at <= context.now:
        return Step.ENDED
    await written.let_go(context.connection, item.id, due_at=due_at, expires_at=expires_at)
    await _done(context, item.id, who, "approved")
    return Step.DONE


async def drop(
    context: Context, announcement_id: int, *, who: Address | None, version: int | None = None
) -> Step:
    """Let nothing more of it go, approved or not."""
    item = await written.by_id(context.connection, announcement_id, lock=True)
    if item is None:
        return Step.ENDED
    if version is not None and version != item.version:
        return Step.VOID
    left = await halt.left(context.connection, item.id)
    if item.state is State.DONE and not left.waiting and not left.under_way:
        return Step.ENDED
    if not await halt.cancel(context.connection, item.id):
        return Step.ENDED
    await halt.follow(context.connection, item.id, after=0, limit=AT_ONCE, now=context.now)
    await _done(context, item.id, who, "dropped" if item.state is State.WAITING else "cancelled")
    return Step.DONE


def organisers(series: Series) -> tuple[Address, ...]:
    """The addresses of who looks after a series, each once."""
    found = filter(None, map(parse_address, series.organisers))
    return tuple({one.key: one for one in found}.values())


def organiser(series: Series, address: Address | None) -> Address | None:
    """The organiser with this address, as the configuration spells it; None if it is nobody's."""
    wanted = address.key if address else None
    return next((one for one in organisers(series) if one.key == wanted), None)


def may_approve(series: Series, writer: str, who: Address | None) -> bool:
    """Whether this organiser's yes is enough for what that one wrote."""
    if series.approval is not Policy.OTHER:
        return True
    author = parse_address(writer)
    return who is not None and (author is None or author.key != who.key)


def as_manuscript(item: Written) -> Manuscript:
    """What is stored, as its author gave it: a new version keeps what it does not say anew."""
    return Manuscript(
        subject=item.subject,
        body=item.content,
        at=item.due_at if item.due_given else None,
        expires_at=item.expires_at if item.expires_given else None,
        audience=item.audience,
        webinar=item.webinar or "",
        language=item.language,
    )


async def recipients(context: Context, announcement_id: int) -> int:
    """How many would get it if it were let go now."""
    item = await announcement.by_id(context.connection, announcement_id)
    if item is None:
        return 0
    return await expansion.count_readers(context.connection, item, now=context.now)


def as_planned(series: Series, new: Draft) -> Announcement:
    """What a text would become, for counting its readers and drawing it before it is stored."""
    return Announcement(
        id=0,
        key="",
        series_id=series.id,
        webinar_id=new.webinar_id,
        notice_id="",
        kind=Kind.MESSAGE,
        audience=new.audience,
        sequence=new.sequence,
        due_at=new.due_at,
        released_at=new.due_at,
        expires_at=new.expires_at,
        state=State.PLANNED,
        reason="",
        expanded_to=0,
        total=0,
    )


async def _queued(context: Context, announcement_id: int) -> Queued:
    item = await written.by_id(context.connection, announcement_id)
    assert item is not None  # this transaction wrote it
    return Queued(item=item)


async def _done(context: Context, announcement_id: int, who: Address | None, act: str) -> None:
    name = who.mailbox if who else COMMAND_LINE
    await written.note(context.connection, announcement_id, who=name, act=act, now=context.now)
    await setting.bump(context.connection)


async def draft(context: Context, text: Manuscript, *, writer: str) -> Draft:
    """A text as it would be stored. Raises AnnouncementError."""
    record = await _webinar(context, text.webinar) if text.webinar else None
    due_at = text.at or context.now
    return Draft(
        subject=text.subject,
        content=text.body,
        audience=text.audience,
        webinar_id=record.id if record else None,
        sequence=record.sequence if record else 0,
        language=text.language or context.series.language,
        digest=_digest(context.series, text),
        writer=writer,
        due_at=due_at,
        due_given=text.at is not None,
        expires_at=text.expires_at or due_at + LIVES_FOR,
        expires_given=text.expires_at is not None,
    )


async def _webinar(context: Context, slug: str) -> WebinarRecord:
    """The webinar that a text is about: as it is now, for if it moves the text is void."""
    record = await programme.find(context.connection, context.series.id, slug)
    if record is not None and record.status is Status.SCHEDULED:
        return record
    state = f", which is {record.status}" if record else ""
    fault = Fault(
        where="webinar",
        found=f"{slug!r}{state}",
        expected="the id of a webinar that takes place or took place",
        hint="`mailer webinar list` has them all",
    )
    raise AnnouncementError("announcement", (fault,))


def _digest(series: Series, text: Manuscript) -> str:
    """What makes it the same announcement: its words and whom they are for, not when."""
    whole = [series.id, text.subject, text.body, text.audience, text.webinar, text.language]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:32]


def _refuse_other_time(same: Written, text: Manuscript) -> None:
    if text.at is not None and same.due_at != text.at:
        raise there_already(same)


def there_already(same: Written) -> AnnouncementRefused:
    """Why a text is not queued once more."""
    return AnnouncementRefused(
        f"the same text for the same people is announcement {same.id} already, {same.state} for "
        f"{same.due_at:%Y-%m-%d %H:%M} UTC: cancel that one first, or change a word"
    )
