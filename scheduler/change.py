"""What a change of a webinar owes to those who were told of it before, and when it is told.

A webinar's history holds what was true from one change to the next. Who was told something that is
wrong now is owed one mail that says what is right; who was told what is true again is owed nothing.
Edits that follow each other are waited for: the *settle window*. A cancellation goes at once.

Pure: it never looks at people. RFC 5546 §2.1.4 for what a sequence number is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from scheduler.model import Audience, Due, Kind, Status, Webinar, require_aware

LONGEST_WAIT = 4  # windows, counted from the first of several edits
NEARNESS = 10  # a window is at most this part of the time that is left until the webinar
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What was true of a webinar from ``at`` on, under one sequence number.

    ``entrance`` is where people register if that is elsewhere, ``place`` what registered people
    alone are told; ``text`` is everything else, and is only compared. ``asked`` says that the
    organiser wants a change of the text to be told. ``told`` is whether anybody may know this
    version.
    """

    sequence: int
    at: datetime
    status: Status
    starts_at: datetime
    ends_at: datetime
    entrance: str = ""
    place: str = ""
    text: str = ""
    asked: bool = False
    told: bool = True

    def __post_init__(self) -> None:
        for name in ("at", "starts_at", "ends_at"):
            require_aware(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A webinar's versions, the present one last, and the settle window of its series.

    ``own_links`` says that registered people are told a link of their own, which leads to wherever
    the place is at that moment: then a new place is no news to them.
    """

    versions: tuple[Version, ...]
    window: timedelta
    own_links: bool = False

    @property
    def present(self) -> Version:
        """What is true now."""
        return self.versions[-1]


def outdated(history: History, *, registered: bool) -> frozenset[int]:
    """The sequences whose readers are owed what is true now."""
    misleads = partial(_misleads, registered=registered, own_links=history.own_links)
    return frozenset(
        version.sequence
        for place, version in enumerate(history.versions[:-1])
        if misleads(version, history.present)
        or (_is_asked(history.versions[place + 1 :]) and _reads_otherwise(version, history.present))
    )


def tidings(webinar: Webinar, history: History, now: datetime) -> Due | None:
    """The mail that a webinar's changes call for: an update, a cancellation, or None.

    It makes sense until nobody can wait for the webinar any more, neither at a time they were told
    nor at the one that is right.
    """
    require_aware("now", now)
    present = history.present
    # Who speaks is told the place itself, and is not asked about here.
    by_place = replace(history, own_links=False)
    owed = outdated(by_place, registered=True) | outdated(history, registered=False)
    wrong = [version for version in history.versions if version.sequence in owed and version.told]
    if not wrong or webinar.published_at is None:
        return None
    due_at = settled_at(history)
    expires_at = max(
        version.ends_at for version in (*wrong, present) if version.status is not Status.CANCELLED
    )
    if expires_at <= max(due_at, now):
        return None
    kind = Kind.CANCELLATION if present.status is Status.CANCELLED else Kind.UPDATE
    return Due(
        webinar_id=webinar.id,
        notice_id=kind,
        kind=kind,
        audience=Audience.SUBSCRIBED,
        sequence=present.sequence,
        due_at=due_at,
        released_at=due_at,
        expires_at=expires_at,
    )


def settled_at(history: History) -> datetime:
    """When what is true now may be told: no further edit came for a window.

    The window is never longer than a tenth of the time to the nearest start that anybody may have
    in mind. An edit within it begins it anew, but all of them together wait no longer than four
    windows of the first. A cancellation waits for nothing.
    """
    due_at = history.versions[0].at
    latest = due_at
    starts: list[datetime] = []
    for before, after in pairwise(history.versions):
        if after.at >= due_at or not starts:
            starts = [before.starts_at]
            latest = datetime.max.replace(tzinfo=after.at.tzinfo)
        starts.append(after.starts_at)
        window = _window(history.window, starts, after.at)
        latest = min(latest, after.at + LONGEST_WAIT * window)
        due_at = min(after.at + window, latest)
        if after.status is Status.CANCELLED:
            due_at, starts = after.at, []
    return due_at


def _window(longest: timedelta, starts: Sequence[datetime], at: datetime) -> timedelta:
    nearest = min(starts) - at
    return max(_NOTHING, min(longest, nearest / NEARNESS))


def _misleads(told: Version, present: Version, *, registered: bool, own_links: bool) -> bool:
    """Whether somebody who was told this would come in vain, or stay away for nothing."""
    if Status.CANCELLED in (told.status, present.status):
        return told.status is not present.status
    return (
        (told.starts_at, told.ends_at) != (present.starts_at, present.ends_at)
        or (registered and not _leads_there(told, present, own_links=own_links))
        or told.entrance not in ("", present.entrance)
    )


def _leads_there(told: Version, present: Version, *, own_links: bool) -> bool:
    if own_links and told.place and present.place:
        return True
    return told.place == present.place


def _reads_otherwise(told: Version, present: Version) -> bool:
    return told.text != present.text and present.status is not Status.CANCELLED


def _is_asked(since: Sequence[Version]) -> bool:
    return any(version.asked for version in since)
