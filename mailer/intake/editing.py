"""Changes of the programme, each applied in the caller's transaction.

One change is one revision; what changes nothing makes none. Every change counts the change counter
up, so that a running daemon plans anew and tells whom it concerns. A change that makes no sense is
refused with `ChangeRefused`, an unknown id with `UnknownWebinar`; nothing is stored then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mailer.config.keys import nearest
from mailer.config.model import Series
from mailer.errors import ChangeRefused, UnknownWebinar
from mailer.files.draft import WebinarDraft
from mailer.files.slug import unique
from mailer.intake.drafting import Difference, content_of, differences, merged
from mailer.message.facts import Link
from mailer.store import programme, setting
from mailer.store.engine import Connection
from mailer.store.programme import NewWebinar, Revision, WebinarRecord
from scheduler.model import Status

LONGEST_NUMBER = 9  # digits


class Action(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Remark(StrEnum):
    """What an organiser should know beside what was done."""

    TOGETHER = "together"  # with another webinar, at the same time
    STAYS_CANCELLED = "stays cancelled"
    NO_DRAFT = "no draft"  # what was published never becomes one again
    UNTOLD = "untold"  # people were to be told, but it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One remark; ``other`` is the webinar it speaks of, if it does."""

    remark: Remark
    other: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What became of one webinar. ``notes`` are for the organiser."""

    record: WebinarRecord
    action: Action
    differences: tuple[Difference, ...] = ()
    notes: tuple[Note, ...] = ()


async def import_drafts(
    connection: Connection, series: Series, drafts: Sequence[WebinarDraft], *, now: datetime
) -> tuple[Edited, ...]:
    """Make the programme agree with these drafts, in their order; importing twice changes nothing.

    Webinars that no draft names stay as they are, and so does a cancelled one's being cancelled.
    What was published never becomes a draft again.
    """
    known = await _load(connection, series)
    wanted = [_imported(known[one.id], one, series) for one in drafts if one.id in known]
    changes = [one for one in wanted if one is not None]
    edited = {one.record.slug: one for one in await _revise(connection, changes, now=now)}
    new = [one for one in drafts if one.id not in known]
    edited.update({one.slug: _added(one) for one in await _add(connection, series, new, now=now)})
    kept = {slug: Edited(record=one, action=Action.UNCHANGED) for slug, one in known.items()}
    result = {**kept, **edited}
    together = _collisions([one.record for one in result.values()])
    return tuple(_remarked(result[one.id], together, wanted_draft=one.draft) for one in drafts)


async def add(
    connection: Connection, series: Series, draft: WebinarDraft, *, now: datetime
) -> Edited:
    """Add one webinar. An id that was not asked for by name gives way to one that is taken."""
    known = await _load(connection, series)
    for one in known.values():
        if one.title == draft.title and one.wall_start == draft.wall_start:
            raise ChangeRefused(f"{one.slug} is this webinar already: the same title at that time")
    if draft.id in known and "id" in draft.given:
        raise ChangeRefused(
            f"the id {draft.id} is taken: `mailer webinar edit {draft.id}` changes that webinar"
        )
    draft = replace(draft, id=unique(draft.id, known))
    (made,) = await _add(connection, series, [draft], now=now)
    together = _collisions([*known.values(), made])
    return _remarked(_added(made), together, wanted_draft=draft.draft)


async def publish(connection: Connection, series: Series, slug: str, *, now: datetime) -> Edited:
    """A draft becomes scheduled; a cancelled webinar takes place after all."""
    known = await _load(connection, series)
    record = _pick(known, series, slug)
    if record.status is Status.SCHEDULED:
        return Edited(record=record, action=Action.UNCHANGED)
    if record.ends_at <= now:
        raise ChangeRefused(f"{record.slug} would be over: move it first")
    change = Revision(record=record, status=Status.SCHEDULED, reason="")
    return await _change(connection, known, change, now=now)


async def edit(
    connection: Connection,
    series: Series,
    slug: str,
    draft: WebinarDraft,
    given: Collection[str],
    *,
    notify: bool = False,
    now: datetime,
) -> Edited:
    """Replace the ``given`` fields of a webinar by a draft's; what is the same is no change. With
    ``notify`` people are told even what does not change time, place or status."""
    known = await _load(connection, series)
    record = _pick(known, series, slug)
    change = Revision(record=record, content=merged(record, draft, given, series), asked=notify)
    return await _change(connection, known, change, now=now)


async def cancel(
    connection: Connection, series: Series, slug: str, *, reason: str | None, now: datetime
) -> Edited:
    """It does not take place; its number and id stay. None as ``reason`` keeps the stored one."""
    known = await _load(connection, series)
    record = _pick(known, series, slug)
    if record.status_at(now) is Status.OVER:
        raise ChangeRefused(f"{record.slug} is over: it cannot be cancelled any more")
    change = Revision(record=record, status=Status.CANCELLED, reason=reason)
    return await _change(connection, known, change, now=now)


async def put_materials(
    connection: Connection,
    series: Series,
    slug: str,
    materials: Sequence[Link],
    *,
    instead: bool = False,
    notify: bool = False,
    now: datetime,
) -> Edited:
    """Add recordings and slides, or put them ``instead`` of those there are; each address once.
    With ``notify`` people are told of it apart from the follow-up."""
    known = await _load(connection, series)
    record = _pick(known, series, slug)
    by_url = {} if instead else {link.url: link for link in record.materials}
    by_url.update({link.url: link for link in materials})
    change = Revision(record=record, materials=tuple(by_url.values()), asked=notify)
    return await _change(connection, known, change, now=now)


def slips_into_past(before: WebinarRecord, after: WebinarRecord, *, now: datetime) -> bool:
    """Whether a change moves what people wait for into the past, which a mistyped date does."""
    awaited = before.status is Status.SCHEDULED and before.ends_at > now
    return awaited and before.starts_at != after.starts_at < now


async def find(connection: Connection, series: Series, slug: str) -> WebinarRecord:
    """The webinar with this id, or this number. Raises `UnknownWebinar`."""
    records = await programme.listing(connection, series_id=series.id)
    return _pick({record.slug: record for record in records}, series, slug)


async def _load(connection: Connection, series: Series) -> dict[str, WebinarRecord]:
    await programme.lock(connection, series.id)
    records = await programme.listing(connection, series_id=series.id)
    return {record.slug: record for record in records}


def _pick(known: Mapping[str, WebinarRecord], series: Series, slug: str) -> WebinarRecord:
    if slug in known:
        return known[slug]
    if slug.isascii() and slug.isdecimal() and len(slug) <= LONGEST_NUMBER:
        for record in known.values():
            if record.number == int(slug):
                return record
    close = nearest(slug[:64], known)
    hint = f"did you mean {close}?" if close else "`mailer webinar list` shows all"
    raise UnknownWebinar(f"there is no webinar {slug[:64]!r} in {series.id}; {hint}")


async def _add(
    connection: Connection, series: Series, drafts: Sequence[WebinarDraft], *, now: datetime
) -> tuple[WebinarRecord, ...]:
    new = [
        NewWebinar(slug=one.id, content=content_of(one, series), draft=one.draft) for one in drafts
    ]
    made = await programme.add_all(connection, series_id=series.id, new=new, now=now)
    if made:
        await setting.bump(connection)
    return made


def _added(record: WebinarRecord) -> Edited:
    return Edited(record=record, action=Action.ADDED)


def _imported(record: WebinarRecord, draft: WebinarDraft, series: Series) -> Revision | None:
    """What an import changes of a stored webinar, None if nothing."""
    content = merged(record, draft, draft.given | {"title", "starts"}, series)
    published = record.status is Status.DRAFT and not draft.draft
    change = Revision(
        record=record, content=content, status=Status.SCHEDULED if published else None
    )
    return change if _is_change(change) else None


def _is_change(change: Revision) -> bool:
    record = change.record
    pairs = (
        (change.content, record.content),
        (change.status, record.status),
        (change.materials, record.materials),
        (change.reason, record.reason),
    )
    return any(new is not None and new != old for new, old in pairs)


async def _change(
    connection: Connection,
    known: Mapping[str, WebinarRecord],
    change: Revision,
    *,
    now: datetime,
) -> Edited:
    if not _is_change(change):
        return Edited(record=change.record, action=Action.UNCHANGED)
    (edited,) = await _revise(connection, [change], now=now)
    records = {**known, edited.record.slug: edited.record}
    edited = _remarked(edited, _collisions(list(records.values())), wanted_draft=False)
    if change.asked and max(change.record.ends_at, edited.record.ends_at) <= now:
        edited = replace(edited, notes=(*edited.notes, Note(remark=Remark.UNTOLD)))
    return edited


async def _revise(
    connection: Connection, changes: Sequence[Revision], *, now: datetime
) -> tuple[Edited, ...]:
    if not changes:
        return ()
    records = await programme.revise_all(connection, changes, now=now)
    await setting.bump(connection)
    return tuple(
        Edited(record=record, action=Action.CHANGED, differences=differences(one.record, record))
        for one, record in zip(changes, records, strict=True)
    )


def _remarked(
    edited: Edited, together: Mapping[str, Sequence[str]], *, wanted_draft: bool
) -> Edited:
    record = edited.record
    notes = []
    if edited.action is not Action.UNCHANGED:
        others = together.get(record.slug, ())
        notes += [Note(remark=Remark.TOGETHER, other=other) for other in others]
        if record.status is Status.CANCELLED and not _became(edited, Status.CANCELLED):
            notes.append(Note(remark=Remark.STAYS_CANCELLED))
    if wanted_draft and record.status is not Status.DRAFT:
        notes.append(Note(remark=Remark.NO_DRAFT))
    return replace(edited, notes=tuple(notes))


def _became(edited: Edited, status: Status) -> bool:
    return any(one.field == "status" and one.new == status for one in edited.differences)


def _collisions(records: Sequence[WebinarRecord]) -> dict[str, list[str]]:
    """By id, the ids of the webinars that run at any time of it; cancelled ones do not count."""
    found: dict[str, list[str]] = {}
    held = sorted(
        (one for one in records if one.status is not Status.CANCELLED),
        key=lambda one: (one.starts_at, one.number),
    )
    for place, one in enumerate(held):
        for later in range(place + 1, len(held)):
            other = held[later]
            if other.starts_at >= one.ends_at:
                break
            found.setdefault(one.slug, []).append(other.slug)
            found.setdefault(other.slug, []).append(one.slug)
    return found
