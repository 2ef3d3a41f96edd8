"""What stands behind a command's word: a number, a date, a zone, a language, a token.

Reads it as people write it in six languages; says None where it is something else. Knows no clock,
so a date without a year is none, and does not check whether a zone or a webinar exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from mailer.message.phrase import key
from mailer.message.vocabulary import vocabulary

_TOKEN = re.compile(r"[a-z2-7]{26}")
_TAG = re.compile(r"[a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{2,8}){0,3}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{1,31}(?:/[A-Za-z][A-Za-z0-9_+-]{0,31}){0,2}")
_NUMBER = re.compile(r"(?:no|nr|n|№)? ?(\d{1,9})")
_EDGES = " \t\"'“”«»‘’<>()[]*_.,;:!?。，；：！？、،؛؟="
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th|er|re|го|е|ое)\b")
_DAY_SIGNS = str.maketrans("年月日号號", " " * 5)


def read_token(words: Sequence[str]) -> str | None:
    """A token as lower-case letters."""
    token = "".join(words).strip(_EDGES).lower()
    return token if len(words) == 1 and _TOKEN.fullmatch(token) else None


def read_number(words: Sequence[str]) -> int | None:
    """A webinar's number, with or without such words as "webinar no."."""
    found = _NUMBER.fullmatch(" ".join(_without_filler(words)))
    return int(found[1]) if found else None


def read_language(words: Sequence[str]) -> str | None:
    """A language tag as written, or the tag for a language's name in one of the six languages."""
    names = vocabulary().languages
    for rest in (list(words), _without_leading_filler(words)):
        name = names.get(key(" ".join(rest)))
        if name:
            return name
        if len(rest) == 1 and _TAG.fullmatch(rest[0].strip(_EDGES)):
            return rest[0].strip(_EDGES).replace("_", "-")
    return None


def read_zone(words: Sequence[str]) -> str | None:
    """An IANA zone as written; "America/New York" gets its underscore."""
    area = any("/" in word for word in words)
    zone = "_".join(_without_leading_filler(words) if area else words[:2]).strip(_EDGES)
    return zone if _ZONE.fullmatch(zone) and (area or len(words) == 1) else None


def read_date(words: Sequence[str]) -> date | None:
    """A day: 2026-10-28, 28.10.2026, 28/10/2026, or with the month's name in six languages.

    Of two numbers that could both be the month the second one is, unless it cannot be.
    """
    text = _ORDINAL.sub(r"\1", key(" ".join(words)).translate(_DAY_SIGNS))
    months = vocabulary().months
    numbers: list[int] = []
    month: int | None = None
    pieces = _without_filler(_joined_months(text.split()))
    if len(pieces) != 3:
        return None
    for piece in pieces:
        if piece in months and month is None:
            month = months[piece]
        elif piece.isdecimal() and len(piece) <= 4:
            numbers.append(int(piece))
        else:
            return None
    return _day(numbers, month)


def _day(numbers: list[int], month: int | None) -> date | None:
    match numbers, month:
        case [year, day], int(named) if year > 31:
            return _checked(year, named, day)
        case [day, year], int(named):
            return _checked(year, named, day)
        case [year, middle, day], None if year > 31:
            return _checked(year, middle, day)
        case [day, middle, year], None if middle <= 12:
            return _checked(year, middle, day)
        case [middle, day, year], None:
            return _checked(year, middle, day)
        case _:
            return None


def _checked(year: int, month: int, day: int) -> date | None:
    year += 2000 if year < 100 else 0
    try:
        return date(year, month, day) if 2000 <= year <= 2199 else None
    except ValueError:
        return None


def _joined_months(words: list[str]) -> list[str]:
    """The words, with names of months that are two words put together."""
    joined: list[str] = []
    for word in words:
        if joined and f"{joined[-1]} {word}" in vocabulary().months:
            joined[-1] = f"{joined[-1]} {word}"
        else:
            joined.append(word)
    return joined


def _without_filler(words: Sequence[str]) -> list[str]:
    keys = (piece for word in words for piece in (_key(word),) if piece)
    return [word for word in keys if word not in vocabulary().filler]


def _key(word: str) -> str:
    return word if word in vocabulary().months else key(word)


def _without_leading_filler(words: Sequence[str]) -> list[str]:
    rest = list(words)
    while len(rest) > 1 and (not key(rest[0]) or key(rest[0]) in vocabulary().filler):
        rest.pop(0)
    return rest
