"""How a phrase is written in the tables of words, and when two spellings of it are the same.

Decides nothing about meaning. Case, accents, punctuation, width of letters, vowel signs and the
many forms of alef do not count (Unicode NFKC and NFD); digits of any script are digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What can be asked for by text."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    CONFIRM = "confirm"
    HELP = "help"
    STATUS = "status"
    PROGRAMME = "programme"
    REGISTER = "register"
    SKIP = "skip"
    LANGUAGE = "language"
    TIMEZONE = "timezone"
    PAUSE = "pause"
    RESUME = "resume"


LIST = "ꙮ"  # a letter that no language of today uses
NAME = "ꙭ"  # another one
Patterns = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one language, as patterns (see `spellings`).

    ``bare`` are whole commands, ``opening`` stand before a number, date, zone, language or token.
    ``before`` and ``after`` are the politeness around a command; ``filler`` words inside an
    argument; ``replies`` what mail programs put before a subject; ``lists`` what people call the
    list, written ``{list}`` in the other patterns; ``{name}`` is what this very one is called.
    """

    code: str
    bare: Mapping[Verb, Patterns]
    opening: Mapping[Verb, Patterns]
    before: Patterns
    after: Patterns
    filler: Patterns
    replies: Patterns
    months: Mapping[str, int]
    languages: Mapping[str, str]
    lists: str
    wrote: Patterns  # what the line above a quote ends in: "… wrote:"


_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(f"[{_HAN}]|[^\\s{_HAN}]+")
_BESIDE_HAN = re.compile(f"(?<=[{_HAN}]) | (?=[{_HAN}])")
_NO_LETTER = re.compile(r"[\W_]+")
_SAME_LETTER = str.maketrans({"ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ـ": None, "ı": "i"})
_PATTERN = re.compile(r"[][()|]|[^][()|]+")


def plain(text: str) -> str:
    """The text in compatibility form (full width becomes normal), its digits the Western ones."""
    text = unicodedata.normalize("NFKC", text)
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.digit(letter)) if letter.isdigit() else letter
        for letter in text
        if unicodedata.category(letter) != "Cf"
    )


def words_of(text: str) -> list[str]:
    """The words of a plain text as written; each Chinese character counts as one."""
    return _WORD.findall(text)


def key(text: str) -> str:
    """What all spellings of the same phrase have in common."""
    if text.isascii():
        return _NO_LETTER.sub(" ", text.lower()).strip()
    letters = unicodedata.normalize("NFD", plain(text).casefold())
    letters = "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
    letters = _NO_LETTER.sub(" ", letters.translate(_SAME_LETTER)).strip()
    return _BESIDE_HAN.sub("", letters)


def join_keys(keys: Iterable[str]) -> str:
    """The key of words whose keys these are."""
    return _BESIDE_HAN.sub("", " ".join(keys))


def spellings(pattern: str) -> frozenset[str]:
    """Keys of all phrases a pattern stands for: ``(a|b)`` is one of them, ``[a|b]`` one or none.
    ``{list}`` stays one word, `LIST`, so that the names of the list are not multiplied in; so does
    ``{name}``, `NAME`."""
    tokens = _PATTERN.findall(pattern.replace("{list}", LIST).replace("{name}", NAME))
    made, rest = _alternatives(tokens)
    if rest:
        raise ValueError(f"unbalanced pattern: {pattern}")
    return frozenset(spelling for spelling in map(key, made) if spelling)


def _alternatives(tokens: list[str]) -> tuple[list[str], list[str]]:
    made: list[str] = []
    current = [""]
    while tokens:
        token, tokens = tokens[0], tokens[1:]
        match token:
            case "(" | "[":
                inner, tokens = _alternatives(tokens)
                if not tokens:
                    raise ValueError("an alternative is not closed")
                tokens = tokens[1:]
                inner = inner if token == "(" else [*inner, ""]  # noqa: S105 - a parenthesis
                current = [f"{left} {right}" for left in current for right in inner]
            case "|":
                made += current
                current = [""]
            case ")" | "]":
                return made + current, [token, *tokens]
            case _:
                current = [f"{left} {token}" for left in current]
    return made + current, []
