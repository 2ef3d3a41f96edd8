"""Ids made from titles: short, ASCII, fit for an address, and the same for the same title.

Never random: reading the same file twice gives the same ids.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from mailer.files.fields import PAGE_NAMES

LONGEST_SLUG = 48
NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")
# Letters that do not fall apart into an ASCII letter and a mark.
SPELLED = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d"})


def slug(title: str, *, otherwise: str) -> str:
    """An id of at most 48 characters from ``title``, or ``otherwise`` if no letter of it is left.

    A title that would give the name of a page gets ``webinar-`` in front.
    """
    spelled = unicodedata.normalize("NFKD", title.casefold().translate(SPELLED))
    ascii_only = spelled.encode("ascii", "ignore").decode("ascii").replace("'", "")
    made = _cut(NOT_IN_SLUG.sub("-", ascii_only).strip("-"), LONGEST_SLUG) or otherwise
    return f"webinar-{made}" if made in PAGE_NAMES else made


def unique(wanted: str, taken: Collection[str]) -> str:
    """``wanted``, or the first of ``wanted-2``, ``wanted-3``, … that is not taken."""
    made, number = wanted, 2
    while made in taken:
        suffix = f"-{number}"
        made = wanted[: LONGEST_SLUG - len(suffix)].rstrip("-") + suffix
        number += 1
    return made


def _cut(text: str, length: int) -> str:
    """At most ``length`` characters, ending with a whole word where that keeps at least half."""
    if len(text) <= length:
        return text
    words = text[: length + 1].rpartition("-")[0]
    return words if len(words) >= length // 2 else text[:length].rstrip("-")
