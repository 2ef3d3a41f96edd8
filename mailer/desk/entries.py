"""Mailings as pages list them: what, when, to whom, how far, and what can be done about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from mailer import outlook
from mailer.config.model import Series
from mailer.desk.form import seal
from mailer.desk.organiser import Organiser
from mailer.desk.place import Desk
from mailer.intake import announcing
from mailer.message import moment
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.parts import Parts
from mailer.store import announcement, approval, history, schedule
from mailer.store.announcement import State
from mailer.store.engine import Connection
from mailer.store.halt import Left
from mailer.store.schedule import Entry
from scheduler.model import Audience

COUNTED = 20_000  # subscribers among whom each mailing's readers are counted for a list
NONE_LEFT = Left(sent=0, waiting=0, under_way=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An entry, how far it has gone out, to how many it will go, and whose yes it waits for;
    ``due`` if its time has come and it is about to be let go."""

    entry: Entry
    due: bool
    left: Left
    readers: int
    roughly: bool
    approvers: tuple[str, ...]

    @property
    def state(self) -> State:
        """As people see it: what is all let go is being sent until the last mail is out."""
        moving = self.left.waiting or self.left.under_way
        return State.SENDING if self.entry.state is State.DONE and moving else self.entry.state

    @property
    def is_moving(self) -> bool:
        """Whether a page about it should be asked for again."""
        return self.due or self.state is State.SENDING


async def standings(
    connection: Connection, parts: Parts, entries: Sequence[Entry], *, series: Series
) -> tuple[Standing, ...]:
    """What a list says of each of these. Whoever will get it is counted anew each time, to the
    person in a series of usual size; a large one says how many there are roughly."""
    size = await schedule.crowd(connection, series.id)
    if size <= COUNTED:
        return tuple([await standing(connection, parts, one) for one in entries])
    about = {one.webinar_id for one in entries if one.webinar_id is not None}
    registered = await schedule.registered(connection, about)
    left = await schedule.far(connection, [one.id for one in entries])
    whom = await approval.approvers(connection, [one.id for one in entries])
    now = parts.clock.now()
    return tuple(
        Standing(
            entry=one,
            due=_is_due(one, now),
            left=left.get(one.id, NONE_LEFT),
            readers=one.total or _roughly(one, size, registered.get(one.webinar_id or 0, 0)),
            roughly=_is_open(one),
            approvers=whom.get(one.id, ()) if one.state is State.WAITING else (),
        )
        for one in entries
    )


async def standing(connection: Connection, parts: Parts, entry: Entry) -> Standing:
    """The same of one, to the person."""
    readers = entry.total
    if _is_open(entry):
        item = await announcement.by_id(connection, entry.id)
        readers = 0 if item is None else await outlook.readers(connection, parts, item)
    waits = entry.state is State.WAITING
    whom = await approval.approvers(connection, [entry.id]) if waits else {}
    left = await schedule.far(connection, [entry.id])
    return Standing(
        entry=entry,
        due=_is_due(entry, parts.clock.now()),
        left=left.get(entry.id, NONE_LEFT),
        readers=readers,
        roughly=False,
        approvers=whom.get(entry.id, ()),
    )


def _is_due(entry: Entry, now: datetime) -> bool:
    return entry.state is State.PLANNED and entry.due_at <= now


def _is_open(entry: Entry) -> bool:
    """Whether it is yet to be seen whom it goes to."""
    return entry.state in (State.WAITING, State.PLANNED, State.PAUSED) and not entry.total


def _roughly(entry: Entry, size: int, registered: int) -> int:
    match entry.audience:
        case Audience.SUBSCRIBED:
            return size
        case Audience.REGISTERED:
            return registered
        case Audience.UNREGISTERED:
            return size - registered
    assert_never(entry.audience)


def shown(
    desk: Desk, organiser: Organiser, series: Series, one: Standing, *, version: int = 0
) -> Shown:
    """An entry as templates read it."""
    entry, now = one.entry, desk.site.clock.now()
    acts = _acts(series, organiser, one)
    return Shown(
        id=entry.id,
        url=f"/admin/{series.id}/announcements/{entry.id}",
        kind=entry.kind.value,
        subject=safe_line(entry.subject or entry.title or ""),
        webinar=entry.webinar or "",
        written=entry.writer is not None,
        writer=entry.writer or "",
        audience=entry.audience.value,
        corrects=entry.kind in history.CORRECTS,
        readers=one.readers,
        roughly=one.roughly,
        at=entry.due_at.isoformat() if entry.due_given or entry.state is not State.WAITING else "",
        expires=entry.expires_at.isoformat(),
        countdown=_countdown(one, now, organiser.who.language),
        state=one.state.value,
        reason=safe_line(entry.reason),
        approvers=", ".join(one.approvers),
        sent=one.left.sent,
        waiting=one.left.waiting,
        under_way=one.left.under_way,
        total=max(entry.total, 1),
        seal=seal(desk, organiser, purpose(entry.id)),
        version=version,
        **{f"may_{act}": allowed for act, allowed in acts.items()},
    )


def purpose(announcement_id: int) -> str:
    """What the forms of an announcement are for."""
    return f"announcement {announcement_id}"


def _acts(series: Series, organiser: Organiser, one: Standing) -> Mapping[str, bool]:
    """What can be done about it just now, and by this organiser."""
    entry, state = one.entry, one.state
    waits = state is State.WAITING and entry.writer is not None
    own_word = announcing.may_approve(series, entry.writer or "", organiser.address)
    return {
        "pause": state in (State.PLANNED, State.SENDING),
        "resume": state is State.PAUSED,
        "cancel": state in (State.WAITING, State.PLANNED, State.SENDING, State.PAUSED)
        or state is State.FAILED,
        "approve": waits and own_word,
        "ask": waits and not own_word and not one.approvers,
        "edit": waits,
        "test": entry.writer is not None,
    }


def _countdown(one: Standing, now: datetime, language: str) -> str:
    """How long until it goes out, empty for what is under way or over or waits for a word."""
    if one.state not in (State.PLANNED, State.WAITING) or not one.entry.due_given:
        return ""
    span = one.entry.due_at - now
    return moment.ahead(span, language) if span > timedelta() else ""
