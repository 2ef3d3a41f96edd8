"""The file with the keys that sign tokens: made, read, added to."""

from __future__ import annotations

import stat
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from mailer.files.key_file import add, load_or_make


def numbered() -> Callable[[int], bytes]:
    """Makes one key after the other, each another one."""
    numbers = count()
    return lambda size: bytes([next(numbers)]) * size


def test_a_missing_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "token.key"
    (key,) = load_or_make(file, numbered())
    assert file.read_bytes() == key + b"\n"
    assert (len(key), stat.S_IMODE(file.stat().st_mode)) == (52, 0o600)
    assert [path.name for path in file.parent.iterdir()] == ["token.key"]


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "token.key"
    file.write_bytes(b"a" * 32 + b"\r\n\n" + b"b" * 40)
    assert load_or_make(file, numbered()) == (b"a" * 32, b"b" * 40)
    assert file.read_bytes() == b"a" * 32 + b"\r\n\n" + b"b" * 40


def test_a_new_key_stands_on_top_and_the_others_stay(tmp_path: Path) -> None:
    file, random = tmp_path / "token.key", numbered()
    (first,) = load_or_make(file, random)
    add(file, random)
    newest, second = load_or_make(file, random)
    assert (second, newest != first) == (first, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no key"),
        (b"\n \n", "no key"),
        (b"a" * 32 + b"\n" + b"b" * 31, "a line that is too short"),
        (bytes(range(128, 192)), "something else than text in ASCII"),
    ],
)
def test_what_is_no_key_is_refused_and_stays(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "token.key"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{told}$"):
        load_or_make(file, numbered())
    assert file.read_bytes() == content
