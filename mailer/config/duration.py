"""Spans of time as people write them: `90s 15m 1h 14d 2w`.

As a plain span a day has 24 hours. As an offset of a notice `d` and `w` are wall-clock days (the
same time, that many days away) and `s`, `m`, `h` absolute. One number and one unit; no signs, no
sums.
"""

from __future__ import annotations

import re
from datetime import timedelta

from scheduler.model import Offset

UNIT_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST_SECONDS = 100 * 366 * 86_400  # a century: far beyond any use, far below an overflow
EXPECTED = "a number and a unit, like 90s, 15m, 1h, 14d or 2w"

_SPAN = re.compile(r"([0-9]{1,10})([smhdw])")


def parse_span(text: str) -> timedelta:
    """The span that ``text`` means; ValueError if it means none or more than a century."""
    number, unit = _parts(text)
    return timedelta(seconds=number * UNIT_SECONDS[unit])


def format_span(span: timedelta) -> str:
    """The shortest text that `parse_span` reads as ``span``; whole seconds, not negative."""
    seconds = round(span.total_seconds())
    if seconds < 0:
        raise ValueError("a span is not negative")
    for unit, size in UNIT_SECONDS.items():
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return "0s"


def parse_offset(text: str) -> Offset:
    """The distance that ``text`` means, without direction; ValueError if it means none."""
    number, unit = _parts(text)
    match unit:
        case "w":
            return Offset(days=7 * number)
        case "d":
            return Offset(days=number)
        case _:
            return Offset(seconds=number * UNIT_SECONDS[unit])


def _parts(text: str) -> tuple[int, str]:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is not {EXPECTED}")
    number, unit = int(found[1]), found[2]
    if number * UNIT_SECONDS[unit] > LONGEST_SECONDS:
        raise ValueError(f"{text[:40]!r} is more than a century")
    return number, unit
