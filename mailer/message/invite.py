"""Writes calendar entries: one webinar for a mail, and the series' live calendar.

A webinar keeps its UID for life and its DTSTAMP for a revision, so the same facts give the same
bytes. The join address stands in a registered person's REQUEST alone. Text from organisers is data:
it can neither add a property nor end one. RFC 5545, RFC 5546 §3.2, RFC 6047 §2.4, RFC 7986.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import icalendar
from icalendar import prop

from mailer.message.facts import SeriesFacts, WebinarFacts
from mailer.message.mark import PATTERN, without_marks
from mailer.message.quoted import body_text, one_line
from mailer.message.zone_rule import Onset, zone_rule

Method = Literal["PUBLISH", "REQUEST", "CANCEL"]

PRODUCT = "-//Webinar Mailer//EN"
_FOLD_AT = 75  # octets, RFC 5545 §3.1
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-;=?-Z_a-z~\[\]]+")
_URI_CHARS = "!#$%&'()*+,/:;=?@[]~-._"
_SOON = timedelta(days=2)


def calendar(
    webinar: WebinarFacts,
    series: SeriesFacts,
    *,
    method: Method,
    attendee: str | None,
    registered: bool,
) -> bytes:
    """The iCalendar object about one webinar, lines folded at 75 octets, a mark never split.

    ``attendee`` is the recipient's address (a mark), for REQUEST and CANCEL and for them alone;
    ValueError otherwise. CANCEL says that the webinar is off for this person, whatever its status.
    """
    if (attendee is None) != (method == "PUBLISH"):
        raise ValueError("REQUEST and CANCEL have one attendee, PUBLISH has none")
    top = _top(method)
    _add_zones(top, [webinar])
    event = _event(webinar, series, join=registered and method == "REQUEST")
    if method == "CANCEL":
        event["STATUS"] = prop.vText("CANCELLED")
    if attendee is not None:
        event.add("ATTENDEE", _attendee(attendee, method))
    top.add_component(event)
    return _written(top)


def feed(series: SeriesFacts, webinars: Sequence[WebinarFacts], now: datetime) -> bytes:
    """The series' public calendar: every webinar that is no draft, cancelled ones marked so.

    Readers are asked to come back each hour while a webinar is near, else twice a day.
    """
    shown = [webinar for webinar in webinars if webinar.status != "draft"]
    near = any(now - _SOON < webinar.starts_at < now + _SOON for webinar in shown)
    pause = prop.vDuration(timedelta(hours=1 if near else 12))
    top = _top("PUBLISH")
    for name in ("NAME", "X-WR-CALNAME"):
        top.add(name, prop.vText(_line(series.title)))
    top.add("REFRESH-INTERVAL", pause, parameters={"VALUE": "DURATION"})
    top.add("X-PUBLISHED-TTL", pause)
    if series.base_url:
        page = _uri(f"{series.base_url.rstrip('/')}/{series.id}")
        top.add("URL", prop.vUri(page))
        top.add("SOURCE", prop.vUri(f"{page}/calendar.ics"), parameters={"VALUE": "URI"})
    _add_zones(top, shown)
    for webinar in shown:
        top.add_component(_event(webinar, series, join=False))
    return _written(top)


def feed_changes_at(webinars: Sequence[WebinarFacts], now: datetime) -> list[datetime]:
    """The instants to come at which `feed` may say another pause, though no webinar changed."""
    far = [one.starts_at - _SOON + datetime.resolution for one in webinars]
    near = [one.starts_at + _SOON for one in webinars]
    return [at for at in (*far, *near) if at > now]


# Components


def _top(method: Method) -> icalendar.Calendar:
    top = icalendar.Calendar()
    top.add("PRODID", PRODUCT)
    top.add("VERSION", "2.0")
    top.add("METHOD", method)
    return top


def _event(webinar: WebinarFacts, series: SeriesFacts, *, join: bool) -> icalendar.Event:
    event = icalendar.Event()
    event.add("UID", prop.vText(_line(webinar.uid)))
    event.add("SEQUENCE", webinar.sequence)
    event.add("DTSTAMP", webinar.stamp.astimezone(UTC))
    event.add("LAST-MODIFIED", webinar.stamp.astimezone(UTC))
    zone = _zone(webinar)
    event.add("DTSTART", webinar.starts_at.astimezone(zone))
    event.add("DTEND", webinar.ends_at.astimezone(zone))
    event.add("SUMMARY", prop.vText(_line(webinar.title)))
    event.add("ORGANIZER", _organizer(series))
    event.add("STATUS", "CANCELLED" if webinar.status == "cancelled" else "CONFIRMED")
    joining = webinar.join_url if join else ""
    if joining:
        event.add("LOCATION", prop.vText(one_line(joining)))
    if description := _description(webinar, joining):
        event.add("DESCRIPTION", prop.vText(description))
    if page := _uri(webinar.page_url or webinar.registration_url or series.base_url):
        event.add("URL", prop.vUri(page))
    return event


def _description(webinar: WebinarFacts, joining: str) -> str:
    """The abstract as written, who speaks and where to go; no words of ours, so no language."""
    speakers = [
        f"{speaker.name} ({speaker.affiliation})" if speaker.affiliation else speaker.name
        for speaker in webinar.speakers
    ]
    blocks = (
        without_marks(body_text(webinar.abstract)).strip(),
        "\n".join(_line(speaker) for speaker in speakers),
        "\n".join(_line(link.url) for link in webinar.links),
        one_line(joining) or _line(webinar.registration_url),
    )
    return "\n\n".join(block for block in blocks if block)


def _organizer(series: SeriesFacts) -> prop.vCalAddress:
    """The series; a quotation mark in its title would be written as RFC 6868 has it, which old
    readers show as it is."""
    address = prop.vCalAddress(f"mailto:{quote(series.address, safe='!$*+@-._~')}")
    address.params["CN"] = _line(series.title).replace('"', "'")
    return address


def _attendee(mailbox: str, method: Method) -> prop.vCalAddress:
    """The recipient; a registration here is an answer already, so none is asked for."""
    if not PATTERN.fullmatch(mailbox):
        mailbox = quote(mailbox, safe="!$'*+@-._~")
    address = prop.vCalAddress(f"mailto:{mailbox}")
    if method == "REQUEST":
        address.params["PARTSTAT"] = "NEEDS-ACTION"
        address.params["RSVP"] = "FALSE"
    return address


# Zones


def _zone(webinar: WebinarFacts) -> tzinfo:
    """The webinar's zone if a VTIMEZONE can say its rule, else UTC; so too in the hour that comes
    twice, of which readers of calendars each take another one."""
    if webinar.zone in {"UTC", "Etc/UTC"} or not _onsets(webinar):
        return UTC
    zone = ZoneInfo(webinar.zone)
    clocks = (webinar.starts_at.astimezone(zone), webinar.ends_at.astimezone(zone))
    return UTC if any(map(_comes_twice, clocks)) else zone


def _comes_twice(clock: datetime) -> bool:
    return clock.replace(fold=0).utcoffset() != clock.replace(fold=1).utcoffset()


def _onsets(webinar: WebinarFacts) -> tuple[Onset, ...]:
    return zone_rule(webinar.zone, webinar.starts_at.year, webinar.ends_at.year)


def _add_zones(top: icalendar.Calendar, webinars: Sequence[WebinarFacts]) -> None:
    for zone in sorted({webinar.zone for webinar in webinars}):
        held = [w for w in webinars if w.zone == zone and _zone(w) is not UTC]
        if held:
            first = min(held, key=lambda webinar: webinar.starts_at)
            top.add_component(_timezone(zone, _onsets(first)))


def _timezone(zone: str, onsets: Iterable[Onset]) -> icalendar.Timezone:
    component = icalendar.Timezone()
    component.add("TZID", zone)
    for onset in onsets:
        kind = icalendar.TimezoneDaylight if onset.daylight else icalendar.TimezoneStandard
        observance = kind()
        observance.add("DTSTART", onset.first)
        observance.add("TZOFFSETFROM", onset.offset_from)
        observance.add("TZOFFSETTO", onset.offset_to)
        observance.add("TZNAME", onset.name)
        if onset.ordinal:
            day = f"{onset.ordinal}{_WEEKDAYS[onset.weekday]}"
            rule = {"FREQ": "YEARLY", "BYMONTH": onset.first.month, "BYDAY": day}
            observance.add("RRULE", prop.vRecur(rule))
        component.add_component(observance)
    return component


# Lines


def _line(text: str) -> str:
    return one_line(without_marks(text))


def _uri(uri: str) -> str:
    """The URI in ASCII, empty if it is none: it is written unescaped, so nothing else may pass."""
    found = quote(_line(uri), safe=_URI_CHARS)
    return found if _URI.fullmatch(found) else ""


def _written(top: icalendar.Calendar) -> bytes:
    lines = top.content_lines(sorted=False)
    return "".join(f"{_folded(line)}\r\n" for line in lines if line).encode("utf-8")


def _folded(line: str) -> str:
    """The content line in lines of at most 75 octets; a mark gets one of its own."""
    if len(line) <= _FOLD_AT and line.isascii() and not PATTERN.search(line):
        return line
    done: list[str] = []
    current, octets = "", 0
    for atom, width in _atoms(line):
        if octets + width > _FOLD_AT:
            done.append(current)
            current, octets = " ", 1
        current += atom
        octets += width
    return "\r\n".join([*done, current])


def _atoms(line: str) -> Iterator[tuple[str, int]]:
    """What folding must not split, with its width: characters, and marks, which fill a line."""
    at = 0
    for found in PATTERN.finditer(line):
        yield from ((char, len(char.encode("utf-8"))) for char in line[at : found.start()])
        yield found.group(), _FOLD_AT - 1
        at = found.end()
    yield from ((char, len(char.encode("utf-8"))) for char in line[at:])
