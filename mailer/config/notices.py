"""The notices of a series: which mails go out how long before or after each webinar.

A notice keeps its id for ever; without one it is its kind and its place among those of that kind.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import time

from mailer.config import duration
from mailer.config.section import Section, describe
from scheduler.model import Audience, Kind, Notice, Offset

DEFAULT_NOTICES = (
    Notice(id="announcement-1", kind=Kind.ANNOUNCEMENT, offset=Offset(days=-14, at=time(9))),
    Notice(id="reminder-1", kind=Kind.REMINDER, offset=Offset(days=-1)),
    Notice(
        id="reminder-2",
        kind=Kind.REMINDER,
        offset=Offset(seconds=-3600),
        audience=Audience.REGISTERED,
    ),
    Notice(id="follow-up-1", kind=Kind.FOLLOW_UP, offset=Offset(days=1, at=time(10))),
)
KINDS = {kind.value: kind for kind in (Kind.ANNOUNCEMENT, Kind.REMINDER, Kind.FOLLOW_UP)}
OWN_IDS = frozenset({Kind.UPDATE.value, Kind.CANCELLATION.value})  # of what answers a change

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def read_notices(series: Section) -> tuple[Notice, ...]:
    """The series' notices; the default four when the key is absent, none for an empty list."""
    listed = series.take("notices", list, "a list of tables")
    if listed is None:
        return DEFAULT_NOTICES
    seen: Counter[Kind] = Counter()
    notices: dict[str, Notice] = {}
    for number, value in enumerate(listed, 1):
        section = _entry(series, f"notices[{number}]", value)
        notice = _read_notice(section, seen) if section is not None else None
        if section is None or notice is None:
            continue
        if notice.id in notices or notice.id in OWN_IDS:
            section.fault("id", describe(notice.id), "an id that no other notice has")
        notices[notice.id] = notice
    return tuple(notices.values())


def _entry(series: Section, place: str, value: object) -> Section | None:
    if not isinstance(value, dict):
        series.fault(place, describe(value), 'a table like { kind = "reminder", before = "1d" }')
        return None
    section = Section(
        values=value,
        path=series.place(place),
        table="series.*.notices",
        folder=series.folder,
        faults=series.faults,
    )
    section.check_keys()
    return section


def _read_notice(section: Section, seen: Counter[Kind]) -> Notice | None:
    if "kind" not in section.values:
        section.fault("kind", "nothing", f"one of {', '.join(KINDS)}")
    word = section.parsed("kind", _kind, f"one of {', '.join(KINDS)}")
    audience = section.choice("audience", Audience.SUBSCRIBED)
    notice_id = section.text("id")
    if notice_id and _ID.fullmatch(notice_id) is None:
        section.fault("id", describe(notice_id), "a-z, 0-9 and hyphens, at most 40 long")
    offset = _read_offset(section, word)
    if word is None:
        return None
    seen[word] += 1
    notice_id = notice_id or f"{word}-{seen[word]}"
    # With a fault in its offset the notice still counts, so that a doubled id is found as well.
    return Notice(id=notice_id, kind=word, offset=offset or Offset(days=-1), audience=audience)


def _kind(text: str) -> Kind:
    if text not in KINDS:
        raise ValueError(text)
    return KINDS[text]


def _read_offset(section: Section, kind: Kind | None) -> Offset | None:
    at = _read_at(section)
    given = [key for key in ("before", "after") if key in section.values]
    wanted = "after" if kind is Kind.FOLLOW_UP else "before"
    if len(given) != 1:
        found = "before and after" if given else "neither before nor after"
        section.fault(wanted, found, "exactly one of them")
        return None
    key = given[0]
    if kind is not None and key != wanted:
        section.fault(key, key, f"{wanted}, as for every {kind}")
    distance = section.parsed(key, duration.parse_offset, duration.EXPECTED)
    if distance is None:
        return None
    if not distance.days and not distance.seconds:
        section.fault(key, describe(section.values[key]), "a span longer than nothing")
    if at is not None and distance.seconds:
        found = describe(section.values["at"])
        section.fault("at", found, "no time of day, unless the span is in d or w")
        return None
    sign = -1 if key == "before" else 1
    return Offset(days=sign * distance.days, seconds=sign * distance.seconds, at=at)


def _read_at(section: Section) -> time | None:
    value = section.values.get("at")
    at = value if isinstance(value, time) else _time_of_day(value)
    if value is not None and at is None:
        section.fault("at", describe(value), 'a time of day like "09:00"')
    return at


def _time_of_day(value: object) -> time | None:
    found = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
    return time(int(found[1]), int(found[2])) if found else None
