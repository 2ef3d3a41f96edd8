"""The whole text that an organiser wrote in a mail, line by line, for an announcement.

Where a command is read from a few lines, this keeps all of them with the blank ones between. A new
text keeps its quotes, they are the author's; of a reply only what stands outside of them is. What
stands below ``-- `` is a signature. Never raises (RFC 3676 §4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from mailer.message.parse import content_type, leaves, parse, text_lines
from mailer.message.quotation import own_lines

_SIGNATURE = "--"


def authored(content: bytes, *, answers: bool) -> str:
    """The text of this mail, without the quotes of what it ``answers``."""
    message = parse(content)
    lines = text_lines(message)
    if all(content_type(part) != "text/plain" for part in leaves(message)):
        lines = _spaced(lines)
    own = own_lines(lines) if answers else takewhile(_is_text, lines)
    return "\n".join(own).strip("\n")


def _is_text(line: str) -> bool:
    return line.rstrip() != _SIGNATURE


def _spaced(lines: Sequence[str]) -> tuple[str, ...]:
    """Each line of an HTML text was a block of its own: a paragraph, as Markdown has it."""
    return tuple(line for block in lines for line in (block, ""))
