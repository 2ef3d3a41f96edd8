"""One series: its table and its rhythm.

Checks what can be checked within one series; whether series get into each other's way is in
`clash`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from babel.core import Locale, UnknownLocaleError

from mailer.config.keys import nearest
from mailer.config.model import Approval, Report, Series, Slots
from mailer.config.notices import read_notices
from mailer.config.section import Section, describe
from scheduler.recurrence import check_rrule, zone_names

# First parts of paths that pages have, or may have some day.
PAGE_NAMES = frozenset(
    {"admin", "api", "c", "calendar", "feed", "healthz", "j", "metrics"}
    | {"p", "r", "readyz", "s", "static", "subscribe", "u", "w"}
    | {"first", "language", "sign-in", "sign-out"}  # below /admin
)
LONGEST_LOCAL = 24  # octets; leaves 40 of RFC 5321's 64 for the longest word and a token

SETTLE = timedelta(minutes=15)
SLOT_LENGTH = timedelta(hours=1)
LANGUAGE = "en"

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_SHORT = re.compile(r"[a-z0-9]([a-z0-9._-]{0,22}[a-z0-9])?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def read_series(section: Section, series_id: str) -> Series | None:
    """The series; None if what it cannot do without is missing or wrong."""
    _check_id(section, series_id)
    title, timezone = section.required_text("title"), _timezone(section)
    address = _address(section)
    short, organisers = _short(section, address), _organisers(section)
    language, slots = _language(section), _slots(section)
    settle = section.span("settle", SETTLE)
    approval = _approval(section, organisers)
    reports, yearly_question = _reports(section), section.flag("yearly_question")
    imprint, notices = section.text("imprint", lines=True), read_notices(section)
    if title is None or address is None or timezone is None:
        return None
    return Series(
        id=series_id,
        title=title,
        address=address,
        timezone=timezone,
        short=short,
        organisers=organisers,
        language=language,
        slots=slots,
        settle=settle,
        approval=approval,
        reports=reports,
        yearly_question=yearly_question,
        imprint=imprint,
        notices=notices,
    )


def _check_id(section: Section, series_id: str) -> None:
    expected = "an id of a-z, 0-9 and hyphens, at most 40 long, that is not the name of a page"
    if series_id in PAGE_NAMES:
        section.fault("", "the name of a page as id", expected)
    elif _ID.fullmatch(series_id) is None:
        section.fault("", f"the id {describe(series_id)}", expected)


def _address(section: Section) -> str | None:
    given = section.required_text("address")
    address = section.mailbox("address", given) if given is not None else None
    if address is None:
        return None
    local = address.partition("@")[0]
    if not local.isascii() or local.lower() == "postmaster":
        found = describe(given) if not local.isascii() else "postmaster, which is the operator's"
        section.fault("address", found, "an address of the series' own, in ASCII before the @")
        return None
    return address


def _short(section: Section, address: str | None) -> str:
    short = section.text("short").lower()
    expected = f"a local part of at most {LONGEST_LOCAL} letters, digits, dots and hyphens"
    if short and _SHORT.fullmatch(short) is None:
        section.fault("short", describe(short), expected)
        return ""
    local = (address or "").partition("@")[0]
    if not short and len(local) > LONGEST_LOCAL and "short" not in section.values:
        reason = f"{local}@ is longer than {LONGEST_LOCAL}, too long to carry tokens"
        section.fault("short", "nothing", expected, reason)
    return short


def _timezone(section: Section) -> str | None:
    given = section.required_text("timezone")
    if given is None:
        return None
    known = zone_names()
    if given in known:
        return given
    hint = _nearest_zone(given, known)
    expected = "an IANA time zone like Europe/Zurich"
    section.fault("timezone", describe(given), expected, f'did you mean "{hint}"?' if hint else "")
    return None


def _nearest_zone(given: str, known: frozenset[str]) -> str | None:
    wanted = given.strip().replace(" ", "_").casefold()
    cities = {name.rpartition("/")[2].casefold(): name for name in sorted(known)}
    if wanted.rpartition("/")[2] in cities:
        return cities[wanted.rpartition("/")[2]]
    return nearest(wanted, sorted(known))


def _organisers(section: Section) -> tuple[str, ...]:
    found = [section.mailbox(place, text) for place, text in section.texts("organisers")]
    return tuple(dict.fromkeys(address for address in found if address is not None))


def _approval(section: Section, organisers: tuple[str, ...]) -> Approval:
    approval = section.choice("approval", Approval.ORGANISER)
    if approval is Approval.OTHER and len({address.casefold() for address in organisers}) < 2:
        section.fault("approval", '"other"', "at least two organisers, so that one can approve")
    return approval


def _reports(section: Section) -> tuple[Report, ...]:
    if "reports" not in section.values:
        return tuple(Report)
    found = []
    for place, text in section.texts("reports"):
        if text in list(Report):
            found.append(Report(text))
            continue
        close = nearest(text, Report)
        hint = f'did you mean "{close}"?' if close else ""
        section.fault(place, describe(text), f"one of {', '.join(Report)}", hint)
    return tuple(dict.fromkeys(found))


def _language(section: Section) -> str:
    given = section.text("language", LANGUAGE)
    tag = _known_tag(given)
    if tag is None:
        section.fault("language", describe(given), 'a language tag like "en" or "fr"')
    return tag or LANGUAGE


def _known_tag(given: str) -> str | None:
    if _LANGUAGE.fullmatch(given) is None:
        return None
    language, *rest = given.split("-")
    tag = "-".join([language.lower(), *(_subtag(part) for part in rest)])
    try:
        Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None
    return tag


def _subtag(part: str) -> str:
    return part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part


def _slots(section: Section) -> Slots | None:
    table = section.child("slots", "series.*.slots")
    if table is None:
        return None
    rule, length = table.required_text("rrule"), table.span("duration", SLOT_LENGTH)
    start = table.take("start", datetime, "a date and time without zone, like 2026-01-14T13:00:00")
    if "start" not in table.values:
        table.fault("start", "nothing", "the first date and time, like 2026-01-14T13:00:00")
    if start is not None and start.tzinfo is not None:
        table.fault("start", describe(start), "no zone: it is wall clock in the series' zone")
        return None
    if rule is None or start is None:
        return None
    cause = check_rrule(rule)
    if cause:
        table.fault("rrule", f"{describe(rule)}: {cause}", "an RFC 5545 rule of days or longer")
        return None
    return Slots(rrule=rule, start=start, duration=length)
