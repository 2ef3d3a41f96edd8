"""A mail cut at its personal marks: bytes that all recipients share, and places between them.

Filling checks and encodes each value for the place it goes to and joins; it never wraps, counts or
parses. A value that could change more than its place is refused, which fails that one mail.
RFC 5322 §3.2.3 (atoms), RFC 6532 (UTF-8 addresses), RFC 6068 §2 (addresses in a mailto URI).
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, assert_never
from urllib.parse import quote

from mailer.message.mark import Personal
from mailer.message.quoted import quoted_printable

VALUE_OCTETS = 320  # the longest address: 64 + 1 + 255 (RFC 5321 §4.5.3.1)
# Most values: the same octets in every place, and within a line of quoted-printable.
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,74}")
_PLAIN_MAILBOX = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,38}@[A-Za-z0-9][A-Za-z0-9.-]{0,34}")
_ATOM = r"[^\s\"(),:;<>@\[\]\\]+"
_MAILBOX = re.compile(rf'(?:{_ATOM}|"(?:[^"\\]|\\.)*")@(?:{_ATOM}|\[[^\s"(),;<>@\[\]\\]+\])')
_HEADER_TOKEN = re.compile(r"[!#-'*+\--9A-Z^-~]+")  # what ends no URI, list or comment

# Values that stand in a header field alone, with what they must look like.
_OF_HEADERS = {
    Personal.ANSWERED: re.compile(r"<[!-;=?-~]{1,248}>"),
    Personal.DATE: re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000"),
}
_PLAIN = {Personal.ADDRESS: _PLAIN_MAILBOX, **_OF_HEADERS}


class Where(StrEnum):
    """What surrounds a place, and so how its value has to be written."""

    HEADER = "header"
    TEXT = "text"
    HTML = "html"
    CALENDAR = "calendar"  # inside a URI: `mailto:…` or a link


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one personal value goes."""

    personal: Personal
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """``pieces`` is one longer than ``places``; a place stands between two pieces.

    ``is_straight``: whatever stands in its places, every line ends in CRLF and none begins with a
    dot, and there is no NUL. A mail made of it needs not be looked through for these.
    """

    pieces: tuple[bytes, ...]
    places: tuple[Place, ...]
    names: frozenset[Personal] = field(init=False, repr=False, compare=False)
    is_straight: bool = field(init=False, repr=False, compare=False)
    _slots: tuple[tuple[Personal, tuple[tuple[int, Place], ...]], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if len(self.pieces) != len(self.places) + 1:
            raise ValueError(f"{len(self.pieces)} pieces cannot hold {len(self.places)} places")
        slots: dict[Personal, list[tuple[int, Place]]] = {}
        for at, place in enumerate(self.places):
            slots.setdefault(place.personal, []).append((at, place))
        # What `octets` needs, worked out once for all who get this mail.
        object.__setattr__(self, "names", frozenset(slots))
        object.__setattr__(self, "is_straight", _is_straight(self.pieces))
        object.__setattr__(
            self, "_slots", tuple((personal, tuple(at)) for personal, at in slots.items())
        )

    @property
    def digest(self) -> str:
        """SHA-256 of what `to_json` returns, in hexadecimal."""
        return hashlib.sha256(self.to_json().encode("ascii")).hexdigest()

    def fill(self, values: Mapping[Personal, str]) -> bytes:
        """The whole mail for one person; ValueError if a value is missing or cannot be used."""
        return self.joined(self.octets(values))

    def octets(self, values: Mapping[Personal, str]) -> list[bytes]:
        """What goes into each place: never empty, and no white space at its ends; ValueError."""
        written = [b""] * len(self.places)
        for personal, slots in self._slots:
            value = values.get(personal, "")
            if _PLAIN.get(personal, _PLAIN_TOKEN).fullmatch(value):
                octets = value.encode("ascii")
                for at, _ in slots:
                    written[at] = octets
            else:
                for at, place in slots:
                    written[at] = _written(place, value)
        return written

    def joined(self, octets: Sequence[bytes]) -> bytes:
        """The whole mail with these octets in its places."""
        parts = [b""] * (2 * len(self.places) + 1)
        parts[::2] = self.pieces
        parts[1::2] = octets
        return b"".join(parts)

    def to_json(self) -> str:
        """One line of ASCII JSON, the same for the same skeleton."""
        places = [[place.personal.value, place.where.value] for place in self.places]
        pieces = [piece.decode("ascii") for piece in self.pieces]
        return json.dumps({"pieces": pieces, "places": places}, separators=(",", ":"))

    @classmethod
    def from_json(cls, stored: str) -> Self:
        """The skeleton that `to_json` wrote; ValueError if it did not write this."""
        try:
            found = json.loads(stored)
            places = tuple(
                Place(personal=Personal(personal), where=Where(where))
                for personal, where in found["places"]
            )
            pieces = tuple(piece.encode("ascii") for piece in found["pieces"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("this is no stored skeleton") from error
        return cls(pieces=pieces, places=places)


def _is_straight(pieces: Sequence[bytes]) -> bool:
    """No value has an end of line in it or begins with a dot, so any value may stand for all."""
    whole = b"x".join(pieces)
    ends = whole.count(b"\r\n") == whole.count(b"\r") == whole.count(b"\n")
    dotted = whole.startswith(b".") or b"\n." in whole
    return ends and not dotted and b"\0" not in whole


def _written(place: Place, value: str) -> bytes:
    """The octets of a value in its place."""
    _check(place, value)
    match place.where:
        case Where.HEADER:
            return value.encode("utf-8")
        case Where.TEXT:
            return quoted_printable(value)
        case Where.HTML:
            return quoted_printable(html.escape(value))
        case Where.CALENDAR:
            return quoted_printable(quote(value, safe="!$'*+@-._~"))
        case _:
            assert_never(place.where)


def _check(place: Place, value: str) -> None:
    """Raise ValueError unless the value is one printable line that cannot leave its place.

    The message names the place and never the value: it may be logged.
    """
    if not value:
        raise ValueError(f"the value of {place.personal} is missing")
    if not value.isprintable() or value != value.strip():
        raise ValueError(f"the value of {place.personal} is not one printable line")
    if value.startswith("."):  # no line of a mail begins with one for a value's sake
        raise ValueError(f"the value of {place.personal} begins with a dot")
    if len(value.encode("utf-8")) > VALUE_OCTETS:
        raise ValueError(f"the value of {place.personal} is longer than {VALUE_OCTETS} octets")
    own = _OF_HEADERS.get(place.personal)
    if own is not None:
        if place.where is not Where.HEADER or not own.fullmatch(value):
            raise ValueError(f"the value of {place.personal} is malformed")
    elif place.personal is Personal.ADDRESS:
        if not _MAILBOX.fullmatch(value):
            raise ValueError("the value of address is not one mailbox")
    elif place.where is Where.HEADER and not _HEADER_TOKEN.fullmatch(value):
        raise ValueError(f"the value of {place.personal} cannot stand in a header field")
