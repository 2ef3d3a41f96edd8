"""Writes text as 7-bit bytes: quoted-printable bodies and encoded words in header fields.

Whole texts and single values are encoded the same way, line by line, and never split a character.
A run always begins on a line of its own, so that a value can be put between two runs later without
wrapping anything again. Never decodes. RFC 2045 §6.7, RFC 2047 §2 and §5, RFC 5322 §3.2.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import TypeVar

SOFT_BREAK = b"=\r\n"
_LINE = 75  # octets before the `=` of a soft break; RFC 2045 §6.7 (5) allows 76 with it
_WORD = 64  # RFC 2047 allows 75; with `Subject: ` before it the line must stay within 76
_Q_ROOM = _WORD - len("=?utf-8?Q??=")
_B_ROOM = _Q_ROOM // 4 * 3
_LITERAL = frozenset(map(chr, range(0x20, 0x7F))) - {"="} | {"\t"}
_NEEDS_NOTHING = re.compile(r"(?!\.|From )[ -<>-~]{0,74}[!-<>-~]")
_Q_LITERAL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_HEADER_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_BODY_BREAKS = re.compile(r"\r\n|\r|\x0b|\x0c|\x85|\u2028|\u2029")
_BODY_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")

_Atom = TypeVar("_Atom", str, bytes)


def body_text(text: str) -> str:
    """The text as a body may hold it: each line ends in ``\\n``, and no control is left but TAB."""
    text = _BODY_CONTROLS.sub("", _BODY_BREAKS.sub("\n", _SURROGATES.sub("\ufffd", text)))
    return text if text.endswith("\n") else text + "\n"


def one_line(text: str) -> str:
    """The text as a header field may hold it: one line, controls and runs of space become a space.

    NO-BREAK SPACE stays: typography of French titles.
    """
    return _HEADER_BREAKS.sub(" ", _SURROGATES.sub("\ufffd", text)).strip(" ")


def quoted_printable(text: str) -> bytes:
    """The text in quoted-printable UTF-8: ``\\n`` becomes CRLF, no line is longer than 75 octets.

    The first line is encoded as one that begins there, the last one as one that ends there.
    """
    return b"\r\n".join(_quoted_line(line) for line in text.split("\n"))


def _quoted_line(line: str) -> bytes:
    if not line or _NEEDS_NOTHING.fullmatch(line):
        return line.encode("ascii")
    done: list[str] = []
    current = ""
    last = len(line) - 1
    for at, char in enumerate(line):
        octets = char if char in _LITERAL and not (at == last and char in " \t") else _hex(char)
        if len(current) + len(octets) > _LINE:
            done.append(current)
            current = ""
        if not current and (char == "." or line.startswith("From ", at)):
            octets = _hex(char)  # careless relays eat a leading dot or write `>From`; RFC 2049 §3
        current += octets
    done.append(current)
    return "=\r\n".join(done).encode("ascii")


def _hex(char: str) -> str:
    return "".join(f"={octet:02X}" for octet in char.encode("utf-8"))


def unstructured(text: str) -> str:
    """A header text (Subject) in ASCII: words from the first to the last that needs it encoded."""
    words = one_line(text).split(" ")
    needy = [at for at, word in enumerate(words) if _needs_encoding(word)]
    if not needy:
        return " ".join(words)
    first, end = needy[0], needy[-1] + 1
    encoded = encoded_words(" ".join(words[first:end]))
    return " ".join([*words[:first], encoded, *words[end:]])


def phrase(text: str) -> str:
    """A display name in ASCII, as atoms, a quoted string or encoded words (RFC 5322 §3.2.5)."""
    name = one_line(text)
    if any(_needs_encoding(word) for word in name.split(" ")):
        return encoded_words(name)
    if not name or _ATOMS.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _needs_encoding(word: str) -> bool:
    """Also what looks like an encoded word, and what is too long to be folded."""
    return not word.isascii() or "=?" in word or len(word) > _WORD


def encoded_words(text: str) -> str:
    """The text as encoded words of at most 64 characters, in Q or B, whichever is shorter."""
    q = ["".join(chunk) for chunk in _chunks([_q(char) for char in text], _Q_ROOM)]
    b = [
        base64.b64encode(b"".join(chunk)).decode("ascii")
        for chunk in _chunks([char.encode() for char in text], _B_ROOM)
    ]
    kind, chunks = ("Q", q) if sum(map(len, q)) <= sum(map(len, b)) else ("B", b)
    return " ".join(f"=?utf-8?{kind}?{chunk}?=" for chunk in chunks)


def _q(char: str) -> str:
    """The character as it may stand in a Q word anywhere, display names too (RFC 2047 §5 (3))."""
    return "_" if char == " " else char if char in _Q_LITERAL else _hex(char)


def _chunks(atoms: list[_Atom], limit: int) -> Iterator[list[_Atom]]:
    """The atoms in groups that are as long as the limit lets them be."""
    group: list[_Atom] = []
    size = 0
    for atom in atoms:
        if size + len(atom) > limit:
            yield group
            group, size = [], 0
        group.append(atom)
        size += len(atom)
    yield group
