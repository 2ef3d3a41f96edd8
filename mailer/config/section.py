"""One table of the file: typed access to its keys, all faults collected.

A wrong value becomes a fault and the default is used instead, so that reading goes on and the
operator sees everything at once. Never shows the value of an unknown or secret key.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from mailer.config import duration
from mailer.config.keys import TABLES, hint_for, nearest
from mailer.config.mailbox import normal_mailbox
from mailer.config.model import Endpoint
from mailer.errors import Fault

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)

SHOWN_CHARACTERS = 60
HIGHEST_PORT = 65_535

# Whatever could start a new line or end a text: none of it belongs into a header.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_ENDPOINT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]/@]+):([0-9]{1,5})")


def describe(value: object) -> str:
    """What was found, in a few words."""
    match value:
        case bool():
            found = "true" if value else "false"
        case str():
            short = value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + "…"
            found = json.dumps(short, ensure_ascii=False)
        case int() | float():
            found = f"the number {value!s:.40}"
        case dict():
            found = "a table"
        case list():
            found = "a list"
        case datetime() | date() | time():
            found = f"the time {value.isoformat()}"
        case _:
            found = "nothing"
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table, its place in the file (``path``), its name in `TABLES`, and where faults go."""

    values: Mapping[str, object]
    path: str
    table: str
    folder: Path  # of the configuration file
    faults: list[Fault]

    def check_keys(self) -> None:
        """Report every key that this table does not have."""
        for key in self.values:
            if key in TABLES[self.table] or key == "password":
                continue
            expected = f"one of {', '.join(TABLES[self.table])}"
            self.fault(key, "an unknown key", expected, hint_for(key, self.table))

    def fault(self, key: str, found: str, expected: str, hint: str = "") -> None:
        """Add one fault about ``key``."""
        place = self.place(key)
        self.faults.append(Fault(where=place, found=found, expected=expected, hint=hint))

    def place(self, key: str) -> str:
        """The key's path from the top of the file."""
        if not key:
            return self.path
        shown = key if re.fullmatch(r"[A-Za-z0-9_.\[\]-]+", key) else describe(key)
        return f"{self.path}.{shown}" if self.path else shown

    def child(self, key: str, table: str) -> Section | None:
        """The table under ``key``; None if there is none, and a fault if it is something else."""
        value = self.take(key, dict, "a table")
        if value is None:
            return None
        section = Section(
            values=value, path=self.place(key), table=table, folder=self.folder, faults=self.faults
        )
        section.check_keys()
        return section

    def take(self, key: str, kind: type[T], expected: str) -> T | None:
        """The value if it is of this type; None if absent, and a fault if it is another."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(key, describe(value), expected)
            return None
        return value

    def parsed(self, key: str, parse: Callable[[str], T], expected: str) -> T | None:
        """What ``parse`` makes of a text; a ValueError of it becomes a fault."""
        value = self.take(key, str, expected)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError:
            self.fault(key, describe(value), expected)
            return None

    def text(self, key: str, default: str = "", *, lines: bool = False) -> str:
        """A text of one line, or of several."""
        value = self.take(key, str, "text in quotes")
        if value is None:
            return default
        found = (_CONTROL_IN_LINES if lines else _CONTROL).search(value)
        if found is None:
            return value.strip()
        what = "text without control characters" if lines else "text of one line"
        self.fault(key, f"the character U+{ord(found[0]):04X}", what)
        return default

    def required_text(self, key: str) -> str | None:
        """A text that must be there and say something."""
        if key not in self.values:
            self.fault(key, "nothing", "text in quotes")
            return None
        before = len(self.faults)
        value = self.text(key)
        if not value and len(self.faults) == before:
            self.fault(key, describe(""), "text that says something")
        return value or None

    def whole(self, key: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """A whole number within bounds."""
        expected = f"a whole number from {least}" + ("" if most is None else f" to {most}")
        value = self.take(key, int, expected)
        if value is None:
            return default
        if value < least or (most is not None and value > most):
            self.fault(key, describe(value), expected)
            return default
        return value

    def flag(self, key: str) -> bool:
        """Yes or no; no if it is not there."""
        return self.take(key, bool, "true or false") or False

    def number(self, key: str, default: float) -> float:
        """A number, not negative, whole or not."""
        expected = "a number from 0"
        value = self.values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            pass
        elif 0 <= value < math.inf:
            return float(value)
        self.fault(key, describe(value), expected)
        return default

    def span(self, key: str, default: timedelta) -> timedelta:
        """A span of time longer than nothing."""
        value = self.parsed(key, duration.parse_span, duration.EXPECTED)
        if value is None:
            return default
        if not value:
            self.fault(key, describe(self.values[key]), "a span longer than nothing")
            return default
        return value

    def choice(self, key: str, default: Choice) -> Choice:
        """One of the words of an enumeration."""
        kind = type(default)
        expected = f"one of {', '.join(kind)}"
        value = self.take(key, str, expected)
        if value is None:
            return default
        if value not in list(kind):
            close = nearest(value, kind)
            self.fault(key, describe(value), expected, f'did you mean "{close}"?' if close else "")
            return default
        return kind(value)

    def endpoint(self, key: str, default: Endpoint | None) -> Endpoint | None:
        """Where to listen; an empty text means nowhere."""
        expected = '"host:port", like "127.0.0.1:2525" or "[::1]:2525"'
        if self.values.get(key) == "":
            return None
        value = self.parsed(key, parse_endpoint, expected)
        return default if value is None else value

    def texts(self, key: str) -> tuple[tuple[str, str], ...]:
        """A list of texts, each with the name of its place (`organisers[2]`, from 1)."""
        found: list[tuple[str, str]] = []
        for number, value in enumerate(self.take(key, list, "a list of texts") or (), 1):
            place = f"{key}[{number}]"
            if isinstance(value, str):
                found.append((place, value))
            else:
                self.fault(place, describe(value), "text in quotes")
        return tuple(found)

    def mailbox(self, key: str, value: str) -> str | None:
        """An e-mail address in its normal spelling; a fault if it is none."""
        try:
            return normal_mailbox(value)
        except ValueError:
            self.fault(key, describe(value), "an e-mail address like organiser@example.org")
            return None

    def path_to(self, key: str, default: str = "") -> Path | None:
        """An absolute path, relative ones from the file's folder; None for an empty text."""
        value = self.text(key, default)
        return absolute(self.folder, value) if value else None

    def readable_file(self, key: str) -> Path | None:
        """As `path_to`; the file must be there and readable."""
        path = self.path_to(key)
        if path is None:
            return None
        try:
            with path.open("rb"):
                return path
        except OSError as error:
            cause = error.strerror or type(error).__name__
            self.fault(key, f"{path}: {cause}", "a file that can be read")
            return None


def absolute(folder: Path, path: str) -> Path:
    """``path`` as seen from ``folder``, without `..` in it; symbolic links are kept."""
    return Path(os.path.abspath(folder / path))


def parse_endpoint(text: str) -> Endpoint:
    """`host:port`, the host in brackets if it is IPv6; ValueError otherwise."""
    found = _ENDPOINT.fullmatch(text.strip())
    if found is None or int(found[2]) > HIGHEST_PORT:
        raise ValueError(f"{text[:40]!r} is not host:port")
    return Endpoint(host=found[1].strip("[]"), port=int(found[2]))
