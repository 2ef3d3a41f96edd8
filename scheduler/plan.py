"""Which programme mails are owed, from when, and until when they make sense.

A pure function of programme, rules, clock and what was let go: planning twice, or in another order,
gives the same. It never looks at people, never sends, and sets no limit on how far ahead it sees.

A negative offset counts from the start, a positive one from the end. Days are wall clock in the
webinar's zone, seconds absolute. An announcement expires when the first reminder after it falls
due, a reminder at the start, a follow-up 30 days after the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from scheduler.change import History, tidings
from scheduler.model import (
    Due,
    Kind,
    Notice,
    Release,
    Status,
    Webinar,
    require_aware,
)
from scheduler.recurrence import shift_days, to_utc, to_wall

FOLLOW_UP_LIVES_FOR = timedelta(days=30)


def plan(
    webinars: Sequence[Webinar],
    notices: Mapping[str, Sequence[Notice]],
    now: datetime,
    released: Sequence[Release],
    histories: Mapping[int, History] | None = None,
) -> tuple[Due, ...]:
    """Every mailing that is owed or will be, in the order of ``due_at``, webinar and notice.

    ``notices`` are the rules by series. ``released`` are the notices that were let go; one that was
    let go for an earlier sequence keeps its ``released_at``, so that a move makes nobody owed who
    was late before. What was let go for the present sequence is still returned until it expires.
    ``histories`` are those of the webinars that have changed, by id: what they call for is planned
    beside the rules.
    Raises `NaiveInstant`, and `UnknownZone` for a webinar in a zone that does not exist.
    """
    require_aware("now", now)
    by_notice: dict[tuple[int, str], list[Release]] = {}
    for release in released:
        by_notice.setdefault((release.webinar_id, release.notice_id), []).append(release)
    dues = [
        due
        for webinar in webinars
        for due in _of_webinar(webinar, notices.get(webinar.series, ()), now, by_notice)
    ]
    for webinar in webinars:
        history = (histories or {}).get(webinar.id)
        due_now = None if history is None else tidings(webinar, history, now)
        if due_now is not None:
            dues.append(due_now)
    return tuple(sorted(dues, key=lambda due: (due.due_at, due.webinar_id, due.notice_id)))


def is_late(subscribed_at: datetime, released_at: datetime) -> bool:
    """Whether somebody came after the notice was let go and so is not owed it."""
    return subscribed_at > released_at


def _of_webinar(
    webinar: Webinar,
    notices: Sequence[Notice],
    now: datetime,
    released: Mapping[tuple[int, str], Sequence[Release]],
) -> Iterable[Due]:
    for notice in notices:
        if not _is_wanted(webinar, notice):
            continue
        due_at = _due_at(webinar, notice)
        if due_at is None:
            continue
        expires_at = _expires_at(webinar, notice, notices)
        if expires_at <= due_at or expires_at <= now:
            continue
        earlier = released.get((webinar.id, notice.id), ())
        yield Due(
            webinar_id=webinar.id,
            notice_id=notice.id,
            kind=notice.kind,
            audience=notice.audience,
            sequence=webinar.sequence,
            due_at=due_at,
            released_at=_released_at(webinar, earlier) or due_at,
            expires_at=expires_at,
        )


def _is_wanted(webinar: Webinar, notice: Notice) -> bool:
    """Whether this kind of mail makes sense in the webinar's present state."""
    match notice.kind:
        case Kind.ANNOUNCEMENT | Kind.REMINDER:
            return webinar.status is Status.SCHEDULED
        case Kind.FOLLOW_UP:
            return webinar.status in (Status.SCHEDULED, Status.OVER)
        case Kind.UPDATE | Kind.CANCELLATION | Kind.MESSAGE:
            return False  # these answer an edit, or an organiser wrote them; no rule makes them


def _due_at(webinar: Webinar, notice: Notice) -> datetime | None:
    """The rule's instant, but not before people may know of the webinar, nor before materials."""
    if webinar.published_at is None:
        return None
    due_at = max(_rule_at(webinar, notice), webinar.published_at)
    if notice.kind is not Kind.FOLLOW_UP:
        return due_at
    return None if webinar.materials_at is None else max(due_at, webinar.materials_at)


def _rule_at(webinar: Webinar, notice: Notice) -> datetime:
    """The instant that the offset alone gives."""
    offset = notice.offset
    direction = offset.days or offset.seconds
    from_end = direction > 0 or (direction == 0 and notice.kind is Kind.FOLLOW_UP)
    if offset.seconds:
        anchor = webinar.ends_at if from_end else webinar.starts_at
        return anchor + timedelta(seconds=offset.seconds)
    wall = to_wall(webinar.ends_at, webinar.zone) if from_end else webinar.wall_start
    return to_utc(shift_days(wall, offset.days, offset.at), webinar.zone)


def _expires_at(webinar: Webinar, notice: Notice, notices: Sequence[Notice]) -> datetime:
    match notice.kind:
        case Kind.ANNOUNCEMENT:
            announced_at = _rule_at(webinar, notice)
            reminders = (
                _rule_at(webinar, other) for other in notices if other.kind is Kind.REMINDER
            )
            first = min((at for at in reminders if at > announced_at), default=webinar.starts_at)
            return min(first, webinar.starts_at)
        case Kind.FOLLOW_UP:
            return webinar.ends_at + FOLLOW_UP_LIVES_FOR
        case _:
            return webinar.starts_at


def _released_at(webinar: Webinar, releases: Sequence[Release]) -> datetime | None:
    """When this notice was let go: for these facts, else first of all for earlier ones."""
    same = [each.released_at for each in releases if each.sequence == webinar.sequence]
    earlier = [each.released_at for each in releases if each.sequence < webinar.sequence]
    return min(same or earlier, default=None)
