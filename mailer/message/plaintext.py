"""Text as a mail can hold it: one line for a subject, wrapped lines for a body, data without traps.

Removes what could add a header line, a second paragraph or a turned reading direction to text that
came from outside (S6), and the marks that only templates may print. Never breaks a word, a link or
a mark: a long one stands on a line of its own (RFC 5322 §2.1.1: lines SHOULD have at most 78).
"""

from __future__ import annotations

import re
import textwrap

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
    if len(line) <= WIDTH or line.startswith(_CODE):
        return [line]
    found = _HANGING.match(line)
    prefix, bullet = (found["prefix"], found["bullet"]) if found else ("", "")
    if len(prefix) > WIDTH // 2:
        return [line]
    return textwrap.wrap(
        line[len(prefix) + len(bullet) :],
        width=WIDTH,
        initial_indent=prefix + bullet,
        subsequent_indent=prefix + " " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
