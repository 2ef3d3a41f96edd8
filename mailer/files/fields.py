"""What each field of a programme or a list of people may hold.

Each function takes a raw value and returns the clean one or raises `Unfit`, which says what is
expected; who calls knows the place. Never guesses: a value is right, or it is named.
Language tags: RFC 5646 §2.1 (shape only). Web addresses: RFC 3986, http and https.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from mailer.config.duration import parse_span
from mailer.config.keys import nearest
from scheduler.recurrence import zone_names

ID = re.compile(r"[a-z0-9-]{1,64}")
PAGE_NAMES = frozenset({"w", "calendar", "feed", "subscribe"})  # /SERIES/… that are not webinars
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
NOT_IN_URL = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")
LONGEST_LINE = 300  # characters of a title, a name, an affiliation
LONGEST_TEXT = 20_000  # characters of an abstract
LONGEST_URL = 2_000
LONGEST_WEBINAR = timedelta(hours=24)
LARGEST_CAPACITY = 1_000_000


class Unfit(ValueError):
    """A value that cannot be taken: what is expected instead, and perhaps what to do."""

    def __init__(self, expected: str, hint: str = "") -> None:
        super().__init__(expected, hint)
        self.expected = expected
        self.hint = hint


def hint_for(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word most like this one; empty if none is."""
    found = nearest(word[:64], known)
    return f"did you mean {found}?" if found else ""


def has_control(text: str, allowed: str = "") -> bool:
    """Whether a control character or line separator (U+0085, U+2028, U+2029) is in ``text``."""
    return any(
        unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} for c in text if c not in allowed
    )


def line_of_text(value: object) -> str:
    """One line without control characters, trimmed; it may be empty."""
    if not isinstance(value, str):
        raise Unfit("text")
    text = value.strip()
    if has_control(text):
        raise Unfit("one line without control characters")
    if len(text) > LONGEST_LINE:
        raise Unfit(f"at most {LONGEST_LINE} characters")
    return text


def named_line(value: object) -> str:
    """One line that says something."""
    text = line_of_text(value)
    if not text:
        raise Unfit("one line of text that is not empty")
    return text


def markdown(value: object) -> str:
    """Text of several lines, with LF between them."""
    if not isinstance(value, str):
        raise Unfit("text (Markdown)")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if has_control(text, allowed="\n\t"):
        raise Unfit("text without control characters")
    if len(text) > LONGEST_TEXT:
        raise Unfit(f"at most {LONGEST_TEXT} characters")
    return text


def identifier(value: object) -> str:
    """An id: it becomes part of page addresses and of commands."""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise Unfit("an id of 1 to 64 lower-case letters a-z, digits and hyphens")
    if value in PAGE_NAMES:
        raise Unfit("an id that is not the name of a page", f"pages are {_listed(PAGE_NAMES)}")
    return value


def web_url(value: object) -> str:
    """An http or https address, or nothing."""
    if not isinstance(value, str):
        raise Unfit("a web address in quotes")
    url = value.strip()
    if url and not _is_web_url(url):
        raise Unfit("an address that begins with https:// or http://")
    return url


def language_tag(value: object) -> str:
    """A language tag such as ``en`` or ``pt-BR``, in the usual upper and lower case."""
    if not isinstance(value, str) or not LANGUAGE.fullmatch(value):
        hint = "with a hyphen" if isinstance(value, str) and "_" in value else ""
        raise Unfit("a language tag such as en, fr or zh-Hans", hint)
    primary, *rest = value.split("-")
    return "-".join([primary.lower(), *map(_subtag, rest)])


def zone_name(value: object) -> str:
    """An IANA zone name of the pinned database."""
    if not isinstance(value, str) or value not in zone_names():
        hint = hint_for(value, sorted(zone_names())) if isinstance(value, str) else ""
        raise Unfit("a zone name such as Europe/Zurich", hint)
    return value


def webinar_span(value: object) -> timedelta:
    """How long a webinar lasts: more than nothing, at most a day; a span, or text like ``1h``."""
    try:
        span = parse_span(value) if isinstance(value, str) else value
    except ValueError:
        span = None
    if not isinstance(span, timedelta):
        raise Unfit("a duration such as 45m, 1h or 90m")
    if not timedelta() < span <= LONGEST_WEBINAR:
        raise Unfit("a duration of more than nothing and at most 24h")
    return span


def capacity(value: object) -> int:
    """How many may register; 0 is no limit."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit("a whole number, 0 for no limit")
    if not 0 <= value <= LARGEST_CAPACITY:
        raise Unfit(f"a number from 0 (no limit) to {LARGEST_CAPACITY}")
    return value


def flag(value: object) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise Unfit("true or false")
    return value


def _is_web_url(url: str) -> bool:
    if len(url) > LONGEST_URL or NOT_IN_URL.search(url) or has_control(url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number raises here
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def _subtag(part: str) -> str:
    return part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
