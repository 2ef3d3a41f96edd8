"""Says when something is, so that nobody has to reckon: pure text from instants and zones.

Every language gets the 24-hour clock and Western digits; the words come from Unicode's CLDR by
Babel. A webinar is told in its own zone and in UTC, and to a reader elsewhere in theirs as well.
A zone that nobody knows is taken as UTC: a wrong setting of one person must not stop a mailing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_timedelta, get_timezone_location

from mailer.message.bidi import digits_in_order

DEFAULT_LANGUAGE = "en"
_EXACTLY = 3.0  # of the next larger unit it takes so many before that is used: 'in 26 hours'
_WITHIN_A_DAY = timedelta(days=1)  # what lasts longer names the day it ends on

# Where CLDR's pattern is not the one wanted: day before month in English.
_FULL = {"en": "EEEE, d MMMM y"}
_LONG = {"en": "d MMMM y"}
_SHORT = {"en": "EEE d MMM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wording:
    """How a language joins a date, a clock, a place and UTC, and the parts of a list."""

    dated: str = "{date}, {clock}"
    placed: str = "{clock} ({city})"
    with_utc: str = "{text} ({utc})"
    comma: str = ", "


_WORDINGS = {
    "en": _Wording(placed="{clock} {city} time"),
    "fr": _Wording(placed="{clock}, heure {de_city}"),
    "es": _Wording(placed="{clock}, hora de {city}"),
    "ru": _Wording(placed="{clock}, {city}"),
    "ar": _Wording(dated="{date}، {clock}", placed="{clock} بتوقيت {city}", comma="، "),
    "zh": _Wording(
        dated="{date} {clock}",
        placed="{city}时间 {clock}",
        with_utc="{text}（{utc}）",
        comma="、",
    ),
}
_PLAIN = _Wording()


class Spanning(Protocol):
    """Anything with a start, an end and the zone it was meant in."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def zone(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A start and an end, in the zone they were meant in."""

    starts_at: datetime
    ends_at: datetime
    zone: str


def when(span: Spanning, language: str) -> str:
    """The whole: 'Wednesday, 25 November 2026, 13:00–14:00 Zurich time (12:00–13:00 UTC)'."""
    wording = _wording(language)
    zone = zone_of(span.zone)
    start = span.starts_at.astimezone(zone)
    told = wording.dated.format(
        date=full_date(start.date(), language), clock=_placed(span, zone, language)
    )
    if _is_utc(span.zone):
        return told
    utc = ZoneInfo("UTC")
    in_utc = _dated_elsewhere(span, utc, start.date(), _placed(span, utc, language), language)
    return wording.with_utc.format(text=told, utc=in_utc)


def for_reader(span: Spanning, reader_zone: str, language: str) -> str:
    """The same in the reader's zone, '07:00–08:00 New York time', with the date when it is another
    one; empty when their clock shows the same, or is UTC, which `when` tells anyway."""
    zone = zone_of(reader_zone)
    here = span.starts_at.astimezone(zone_of(span.zone))
    there = span.starts_at.astimezone(zone)
    ends_alike = span.ends_at.astimezone(zone).utcoffset() == (
        span.ends_at.astimezone(here.tzinfo).utcoffset()
    )
    if _is_utc(reader_zone) or (here.utcoffset() == there.utcoffset() and ends_alike):
        return ""
    clock = _placed(span, zone, language)
    return _dated_elsewhere(span, zone, here.date(), clock, language)


def day_of(span: Spanning, language: str) -> str:
    """The day it begins on, in its own zone: '25 November 2026'."""
    return long_date(span.starts_at.astimezone(zone_of(span.zone)).date(), language)


def leaf(span: Spanning, language: str) -> tuple[str, str]:
    """Day and month it begins on, in its own zone, as on a calendar's leaf: '25', 'Nov'."""
    day = span.starts_at.astimezone(zone_of(span.zone)).date()
    return str(day.day), format_date(day, "LLL", locale_of(language))


def briefly(span: Spanning, language: str) -> str:
    """For a subject: 'Wed 25 Nov, 13:00 Zurich time'."""
    zone = zone_of(span.zone)
    start = span.starts_at.astimezone(zone)
    clock = _in_place(f"{start:%H:%M}", start, span.zone, language)
    return _wording(language).dated.format(date=short_date(start.date(), language), clock=clock)


def instant(at: datetime, zone: str, language: str) -> str:
    """One point in time: 'Wednesday, 25 November 2026, 09:00 Zurich time'."""
    local = at.astimezone(zone_of(zone))
    clock = _in_place(f"{local:%H:%M}", local, zone, language)
    return _wording(language).dated.format(date=full_date(local.date(), language), clock=clock)


def ahead(span: timedelta, language: str) -> str:
    """How long until something, roughly: 'in 3 days'."""
    return format_timedelta(
        span, threshold=_EXACTLY, add_direction=True, locale=locale_of(language)
    )


def full_date(day: date, language: str) -> str:
    """'Wednesday, 25 November 2026'."""
    return _first_of_month(day, language, _date(day, "full", _FULL, language))


def long_date(day: date, language: str) -> str:
    """'25 November 2026'."""
    return _first_of_month(day, language, _date(day, "long", _LONG, language))


def short_date(day: date, language: str) -> str:
    """'Wed 25 Nov'."""
    locale = locale_of(language)
    if locale.language in _SHORT:
        return format_date(day, _SHORT[locale.language], locale)
    at_noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    text = format_skeleton("MMMEd", at_noon, locale=locale)
    return _first_of_month(day, language, text)


def day_and_month(day: date, language: str) -> str:
    """A day as it stands below a plot: ``25 Nov``."""
    at_noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return format_skeleton("MMMd", at_noon, locale=locale_of(language))


def language_name(tag: str, language: str) -> str:
    """What a language is called in another, 'French'; its tag when nobody knows it."""
    try:
        return Locale.parse(tag, sep="-").get_display_name(locale_of(language)) or tag
    except (UnknownLocaleError, ValueError, TypeError):
        return tag


def listed(parts: Iterable[str], language: str) -> str:
    """Several things in a row: 'English, French'."""
    return _wording(language).comma.join(parts)


def direction(language: str) -> str:
    """``ltr`` or ``rtl``, for the dir attribute."""
    return locale_of(language).text_direction


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """The language's locale, by its first subtag if need be; English if nobody knows it."""
    for tag in (language, language.split("-", maxsplit=1)[0]):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale.parse(DEFAULT_LANGUAGE)


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of that name; UTC if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _date(day: date, width: str, own: dict[str, str], language: str) -> str:
    locale = locale_of(language)
    return format_date(day, own.get(locale.language, width), locale)


def _first_of_month(day: date, language: str, text: str) -> str:
    """French says 1er for the first and plain numbers after it; CLDR has no word for that."""
    if day.day == 1 and locale_of(language).language == "fr":
        return text.replace("1 ", "1er ", 1)
    return text


def _dated_elsewhere(span: Spanning, zone: ZoneInfo, told: date, clock: str, language: str) -> str:
    """The clock text, with its own date before it if that is not the one already told."""
    day = span.starts_at.astimezone(zone).date()
    if day == told:
        return clock
    return _wording(language).dated.format(date=full_date(day, language), clock=clock)


def _clocks(span: Spanning, zone: ZoneInfo) -> str:
    start, end = span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
    if end - start >= _WITHIN_A_DAY:
        return f"{start:%H:%M} – {end:%Y-%m-%d %H:%M}"
    return f"{start:%H:%M}–{end:%H:%M}"


def _placed(span: Spanning, zone: ZoneInfo, language: str) -> str:
    local = span.starts_at.astimezone(zone)
    return _in_place(_clocks(span, zone), local, zone.key, language)


def _in_place(clock: str, local: datetime, zone: str, language: str) -> str:
    """A clock with the city whose clock it is, or with its offset where the zone has no city."""
    reading = direction(language)
    if _is_utc(zone):
        return digits_in_order(f"{clock} UTC", reading)
    if "/" not in zone or zone.startswith("Etc/"):
        offset = f"{local:%z}"
        return digits_in_order(f"{clock} UTC{offset[:3]}:{offset[3:5]}", reading)
    city = get_timezone_location(zone_of(zone), locale=locale_of(language), return_city=True)
    city = city.rpartition("/")[2]
    return _wording(language).placed.format(
        clock=digits_in_order(clock, reading), city=city, de_city=_de(city)
    )


def _de(city: str) -> str:
    """French 'de' before a name, elided before a vowel: de Zurich, d’Athènes."""
    return f"d’{city}" if city[:1].casefold() in "aeiouyàâéèêëîïôöû" else f"de {city}"


def _is_utc(zone: str) -> bool:
    return zone_of(zone).key in _UTC


def _wording(language: str) -> _Wording:
    return _WORDINGS.get(locale_of(language).language, _PLAIN)


_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "Universal", "Zulu"})
