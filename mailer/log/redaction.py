"""What must not stand in a log: tokens and passwords never, addresses at DEBUG alone (S22).

Works on the values of a record before they become a line. Bounded: a text is cut before it is
searched, and every pattern looks at a bounded stretch, so that no input makes it slow (S20).
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping

LONGEST_TEXT = 8_000  # characters of one field
DEEPEST = 4  # tables within tables of one field
SHORTEST_SECRET = 4  # a shorter password would blot out half of every line

_ALPHANUMERIC = string.ascii_letters + string.digits

_TOKEN = re.compile(r"(?<![A-Za-z0-9])(?:[a-z2-7]{26,}|[A-Z2-7]{26,})(?![A-Za-z0-9])")
_LOCAL = r"(?:\"[^\"\n]{0,64}\"|(?:[^\s<>()\[\],;:\"@]|<token>){1,64})"
_ADDRESS = re.compile(_LOCAL + r"@[^\s<>()\[\],;:\"'/@]{1,255}")
_URL_PASSWORD = re.compile(r"(://[^\s:/@]{0,64}:)[^\s@/]{1,256}(?=@)")
_SIGN_IN = re.compile(r"(\bAUTH\s{1,3}[A-Z0-9-]{1,20}\s{1,3})[A-Z0-9+/=]+", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"((?:password|passwd|secret|authorization)[\"']?\s{0,3}[=:]\s{0,3}[\"']?)[^\s\"',;&]{1,256}",
    re.IGNORECASE,
)
# Too short for a token, and without what the others need.
_HARMLESS = re.compile(r"(?!.*auth\s)[\w .-]{0,25}", re.ASCII | re.IGNORECASE)
_SECRET_FIELD = re.compile(
    r"(?:.*_)?(?:password|passwd|secret|token|authorization|cookie|join_url)s?", re.IGNORECASE
)


def redacted(key: str, value: object, *, addresses: bool) -> object:
    """A copy of a field that JSON can hold, without tokens and passwords, and mostly addresses."""
    if _SECRET_FIELD.fullmatch(key) and isinstance(value, str | bytes):
        return "<redacted>"
    # A Message-ID looks like an address and is how a mail is found again.
    shown = addresses or key == "message_id"
    cut = _last if key == "exception" else _first
    return each_text(value, lambda text: _clean(cut(text), addresses=shown))


# A cut goes between words: most of a token is as good as all of it.
def _first(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rstrip(_ALPHANUMERIC) + "…"


def _last(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else "…" + text[-LONGEST_TEXT:].lstrip(_ALPHANUMERIC)


def _clean(text: str, *, addresses: bool) -> str:
    if _HARMLESS.fullmatch(text):  # most are, and there is a line for each mail
        return text
    text = _TOKEN.sub("<token>", text)
    text = _URL_PASSWORD.sub(r"\1<redacted>", text)
    text = _ASSIGNED.sub(r"\1<redacted>", text)
    text = _SIGN_IN.sub(r"\1<redacted>", text)
    return text if addresses or "@" not in text else _ADDRESS.sub("<address>", text)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with none of these secrets in it; those too short to search for are left."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "<redacted>")
    return text


def each_text(value: object, change: Callable[[str], str], depth: int = 0) -> object:
    """A copy of ``value`` that JSON can hold, with every text in it changed."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {
            str(key): "<redacted>"
            if _SECRET_FIELD.fullmatch(str(key))
            else each_text(inner, change, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        return [each_text(inner, change, depth + 1) for inner in value]
    return change(as_text(value))


def as_text(value: object) -> str:
    """Some text for any value; never raises."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    try:
        return str(value)
    except Exception:  # whatever a foreign __str__ does, the caller only wanted a line
        return f"<unprintable {type(value).__name__}>"
