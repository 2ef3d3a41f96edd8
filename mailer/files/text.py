"""Bytes of a file become text: UTF-8, with or without a byte order mark.

Never guesses another charset: a wrong guess would put wrong letters into names for ever.
"""

from __future__ import annotations

import codecs

from mailer.errors import Fault

LONGEST_FILE = 5_000_000  # bytes of a programme; the largest real one is a thousandth of it
SAVE_AS = "save it again as UTF-8; Excel calls it CSV UTF-8"


def decode(content: bytes) -> str | Fault:
    """The text of a programme file, or why it is none."""
    if fault := _not_a_file_of_ours(content):
        return fault
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = cause.object.count(b"\n", 0, cause.start) + 1
        return not_utf8(line, f"the byte 0x{cause.object[cause.start]:02X}")


def decode_folded(content: bytes) -> str | Fault:
    """The same for a format whose lines may be folded inside of a letter: a byte that is no UTF-8
    becomes a surrogate, and each unfolded line goes through `mended`."""
    if fault := _not_a_file_of_ours(content):
        return fault
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def mended(line: str, number: int) -> str | Fault:
    """A line of `decode_folded` with its split letters whole again."""
    try:
        return line.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError as cause:
        return not_utf8(number, f"the byte 0x{cause.object[cause.start]:02X}")


def not_utf8(line: int, found: str) -> Fault:
    """The fault of a line that is not UTF-8."""
    return Fault(where=f"line {line}", found=found, expected="text in UTF-8", hint=SAVE_AS)


def _not_a_file_of_ours(content: bytes) -> Fault | None:
    if len(content) > LONGEST_FILE:
        found = f"{len(content):,} bytes"
        return Fault(where="file", found=found, expected=f"at most {LONGEST_FILE:,} bytes")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return not_utf8(1, "UTF-16")
    return None
