"""Keeps words of one reading direction whole within text of the other (UAX #9 §2.4, §3.3.2).

A value that begins the other way than the mail is isolated: in HTML by an element with its own
direction, in plain text by characters that nobody sees. What is there to be copied or clicked, an
address or a link, gets no such character beside it, for mail programs would take it along; nor does
a command, which begins in the mail's own language.
"""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

from mailer.message.mark import PATTERN

_LEFT_TO_RIGHT, _FIRST_STRONG, _END = "\u2066", "\u2068", "\u2069"
_ISOLATED = re.compile("[\u2066-\u2068][^\u2066-\u2069]*\u2069")
_STRONG = {"L": "ltr", "R": "rtl", "AL": "rtl"}
_COPIED = re.compile(rf"@|://|{PATTERN.pattern}")


def isolated_text(text: str, direction: str) -> str:
    """The value as it may stand in plain text of that direction."""
    if _direction(text, direction) == direction or _ends_in_copied(text):
        return text
    return f"{_FIRST_STRONG}{text}{_END}"


def isolated_html(text: str, direction: str) -> Markup:
    """The value, escaped unless it is `Markup`, as it may stand in HTML of that direction."""
    html = escape(text)
    own = _direction(html.striptags(), direction)
    return html if own == direction else Markup('<span dir="{}">{}</span>').format(own, html)


def digits_in_order(text: str, direction: str) -> str:
    """Figures such as 13:00–14:00 in text of that direction: the first one stands left always."""
    return text if direction == "ltr" else f"{_LEFT_TO_RIGHT}{text}{_END}"


def _direction(text: str, otherwise: str) -> str:
    """The direction of the first letter that has one and is not isolated (UAX #9 P2, P3)."""
    kinds = map(unicodedata.bidirectional, _ISOLATED.sub("", text))
    return next((_STRONG[kind] for kind in kinds if kind in _STRONG), otherwise)


def _ends_in_copied(text: str) -> bool:
    """Whether an address, a link or what stands for one touches either end."""
    words = text.split()
    first, last = (words[0], words[-1]) if words else ("", "")
    return bool(
        (_COPIED.search(first) and not first.startswith("<"))
        or (_COPIED.search(last) and not last.endswith(">"))
    )
