"""The file with the keys that sign tokens, for who does not want them in the database (`key_file`).

One key a line, the newest on top: that one signs, all are read, so that links in mails that went
out before keep working. Made when it is missing, for its owner alone. Never shows a key.
"""

from __future__ import annotations

import os
from base64 import b32encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

KEY_BYTES = 32
LEAST_CHARS = 32  # of a line: what somebody made by hand, such as `openssl rand -hex 16`
EXPECTED = f"a line of text for each key, the newest first, of {LEAST_CHARS} characters or more"
_PRIVATE = 0o600


def load_or_make(path: Path, random: Callable[[int], bytes]) -> tuple[bytes, ...]:
    """Every key, newest first; the file is made with one if there is none.

    Raises ValueError if it does not hold keys, OSError if it cannot be read or made.
    """
    try:
        return _keys(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _written(path, [_new(random)])
    try:
        with suppress(FileExistsError):  # another process was faster: its key counts
            os.link(fresh, path)
    finally:
        fresh.unlink()
    return _keys(path)


def add(path: Path, random: Callable[[int], bytes]) -> None:
    """Put a new key on top of those that are there. Raises as `load_or_make` does."""
    _written(path, [_new(random), *load_or_make(path, random)]).replace(path)


def _keys(path: Path) -> tuple[bytes, ...]:
    try:
        lines = path.read_text("ascii").split()
    except UnicodeDecodeError:
        raise ValueError("something else than text in ASCII") from None
    if not lines:
        raise ValueError("no key")
    if any(len(line) < LEAST_CHARS for line in lines):
        raise ValueError("a line that is too short")
    return tuple(line.encode("ascii") for line in lines)


def _new(random: Callable[[int], bytes]) -> bytes:
    return b32encode(random(KEY_BYTES)).rstrip(b"=").lower()


def _written(path: Path, keys: list[bytes]) -> Path:
    """A complete file of these keys beside the one that it is to be."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with open(descriptor, "wb") as file:
        file.write(b"".join(key + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return beside
