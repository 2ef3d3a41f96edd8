"""Relaxed canonical forms of a mail, for DKIM, and texts with numbered gaps.

What stands in a gap does not count here: it is never empty and neither begins nor ends with white
space, so the form of the whole is the form of what is around with the value's own form in the gap.
RFC 6376 §3.4.2 and §3.4.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_GAP = re.compile(rb"\0(\d+)\0")


def relaxed_fields(head: bytes) -> list[bytes]:
    """The header fields in relaxed form, without their CRLF, in the order of the mail."""
    unfolded = single_spaced(head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" "))
    return [_relaxed_field(line) for line in unfolded.split(b"\r\n") if line]


def _relaxed_field(line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return name.rstrip(b" ").lower() + b":" + value.strip(b" ")


def relaxed_body(body: bytes) -> bytes:
    """The body in relaxed form; empty if it has nothing but white space."""
    # A last CRLF for a last line without one: then its trailing space is found as well.
    body = single_spaced(body + b"\r\n").replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def single_spaced(octets: bytes) -> bytes:
    """Each run of spaces and tabs as one space."""
    octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets


def gap(number: int) -> bytes:
    """What stands for a value until it is known. NUL has no place in a mail (RFC 5322 §4)."""
    return b"\0%d\0" % number


@dataclass(frozen=True, slots=True, kw_only=True)
class Gapped:
    """``parts`` are the pieces around the gaps with the gaps between them; ``numbers`` says which
    value goes into each."""

    parts: tuple[bytes, ...]
    numbers: tuple[int, ...]

    @classmethod
    def cut(cls, text: bytes) -> Gapped:
        """The text, cut where `gap` stands."""
        pieces = _GAP.split(text)
        parts = (piece if at % 2 == 0 else b"" for at, piece in enumerate(pieces))
        return cls(parts=tuple(parts), numbers=tuple(map(int, pieces[1::2])))

    def filled(self, values: Sequence[bytes]) -> bytes:
        """The whole, with a value in each gap."""
        parts = list(self.parts)
        parts[1::2] = [values[number] for number in self.numbers]
        return b"".join(parts)


def with_gaps(pieces: Iterable[bytes]) -> bytes:
    """The pieces with gaps 0, 1, 2 … between them."""
    first, *rest = pieces
    return first + b"".join(gap(number) + piece for number, piece in enumerate(rest))
