"""Text as a mail can hold it: one line for a subject, wrapped lines for a body, data without traps.

Removes what could add a header line, a second paragraph or a turned reading direction to text that
came from outside (S6), and the marks that only templates may print. Never breaks a word, a link or
a mark: a long one stands on a line of its own (RFC 5322 §2.1.1: lines SHOULD have at most 78).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from mailer.message.mark import PATTERN, without_marks

WIDTH = 76
SUBJECT_LIMIT = 200  # characters

# Controls but TAB and LF, lone surrogates, and the bidirectional embeddings and isolates that can
# run on past the end of their text.
_TRAPS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile(r"[ \t\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_SIGNATURE = "-- "  # RFC 3676 §4.3; its blank belongs to it
_CODE = "    "
_HANGING = re.compile(r"(?P<prefix>[ ]*(?:> ?)*)(?P<bullet>(?:[-*•] |\d{1,9}\. )?)")
# Chinese is written without spaces: a line may end between its characters, but not before what
# closes, not behind what opens, and not between a figure and what it counts.
_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff"
_OPENS, _CLOSES = "（《「【", "，。、；：！？）》」】"
_BREAKABLE = re.compile(
    f"(?<=[{_HAN}{_CLOSES}])(?=[^ \\d{_CLOSES}”’.,;:!?)])"
    f"|(?<=[^ \\d{_OPENS}“‘(<])(?=[{_HAN}{_OPENS}])"
)


def safe_text(text: str) -> str:
    """Text of several lines from outside, without controls, marks and foreign line ends."""
    return without_marks(_TRAPS.sub("", _BREAKS.sub("\n", text)))


def safe_line(text: str) -> str:
    """Text of one line from outside: as `safe_text`, with all white space made one space."""
    return without_marks(_SPACES.sub(" ", safe_text(text)).strip(" "))


def subject_line(text: str) -> str:
    """What a template made, as one line of at most `SUBJECT_LIMIT` characters."""
    line = _SPACES.sub(" ", _TRAPS.sub("", _BREAKS.sub("\n", text))).strip(" ")
    if len(line) <= SUBJECT_LIMIT:
        return line
    end = SUBJECT_LIMIT - 1
    for found in PATTERN.finditer(line):
        if found.start() < end < found.end():
            end = found.start()
    return line[:end].rstrip() + "…"


def wrapped(text: str) -> str:
    """A body: lines of at most `WIDTH` where words allow it, going on under their bullet or behind
    their quote; no two blank lines together; code as it is; one line end at the end."""
    lines = (out for line in text.split("\n") for out in _wrapped_line(line))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def _wrapped_line(line: str) -> list[str]:
    if line == _SIGNATURE:
        return [line]
    line = line.rstrip(" \t")
    if _columns(line) <= WIDTH or line.startswith(_CODE):
        return [line]
    found = _HANGING.match(line)
    prefix, bullet = (found["prefix"], found["bullet"]) if found else ("", "")
    if len(prefix) > WIDTH // 2:
        return [line]
    rest = line[len(prefix) + len(bullet) :]
    return _filled_lines(rest, first=prefix + bullet, further=prefix + " " * len(bullet))


def _filled_lines(text: str, *, first: str, further: str) -> list[str]:
    """The text in lines as full as they may be; ``first`` and ``further`` stand before them."""
    lines: list[str] = []
    line, begun = first, False
    for space, piece in _pieces(text):
        more = f"{space}{piece}" if begun else piece
        if begun and _columns(line + more) > WIDTH:
            lines.append(line)
            line, more = further, piece
        line, begun = line + more, True
    return [*lines, line]


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """What no line may end within, each with the spaces before it."""
    for found in re.finditer(r"( *)([^ ]+)", text):
        space = found[1]
        for piece in _BREAKABLE.split(found[2]):
            yield space, piece
            space = ""


def _columns(text: str) -> int:
    """How wide text stands where all letters are equally wide, Chinese ones twice as wide."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def _columns_of(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
