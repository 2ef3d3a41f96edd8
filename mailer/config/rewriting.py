"""Changes a table of the configuration file and leaves every comment and every other key as it is.

What is written must say what was wanted: the new text is read again and compared before it takes
the place of the old, of which a copy stays beside it. Never writes a password into the file.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Item, Key, Table

from mailer.config.reading import read_config

Setting = str | int | tuple[str, ...]

PRIVATE = 0o600


class Unwritable(ValueError):
    """The file is written in a way that a change cannot be put into; a person can."""


def changed(
    text: str,
    table: Sequence[str],
    values: Mapping[str, Setting],
    *,
    without: Collection[str] = (),
) -> str:
    """The text with these keys of a table set, and others taken out. Raises `Unwritable`."""
    bare = text.removeprefix("\ufeff")
    crlf = "\r\n" in bare
    try:
        document = tomlkit.parse(bare)
        _change(_found(document, table), values, without)
        new = tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError, AttributeError) as error:
        raise Unwritable(str(error)) from error
    new = new.replace("\r\n", "\n")
    _check(bare, new, table, values, without)
    return text[: len(text) - len(bare)] + (new.replace("\n", "\r\n") if crlf else new)


def lines(table: Sequence[str], values: Mapping[str, Setting]) -> str:
    """The same as lines that a person can paste."""
    made = tomlkit.document()
    for key, value in values.items():
        made.add(key, _item(value))
    return f"[{'.'.join(table)}]\n{tomlkit.dumps(made)}"


def put_in_place(path: Path, text: str, *, stamp: str, environ: Mapping[str, str]) -> Path:
    """Write the file anew, if it holds as a configuration; where the old one is kept. Raises
    ConfigError, OSError."""
    path = path.resolve()
    new, kept = path.with_name(f".{path.name}.new"), path.with_name(f"{path.name}.{stamp}")
    try:
        _write(new, text, mode=path.stat().st_mode & 0o777)
        read_config(new, environ)
        shutil.copy2(path, kept)
        os.replace(new, path)
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
    _settle(path.parent)
    return kept


def put_secret(path: Path, secret: str) -> None:
    """Write a file of one line that nobody else can read. OSError, as when it is there already."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
        file.write(f"{secret}\n")
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, text: str, *, mode: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Make sure that the new name outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _found(document: tomlkit.TOMLDocument, names: Sequence[str]) -> Table:
    """The table of this name, made at the end of the file if there is none."""
    if len(names) == 1 and names[0] not in document:
        document.add(names[0], tomlkit.table())
    found: object = document
    for name in names:
        found = found[name] if isinstance(found, Mapping) and name in found else None
    if not isinstance(found, Table):
        raise Unwritable(f"{'.'.join(names)} is no table of its own")
    return found


def _change(table: Table, values: Mapping[str, Setting], without: Collection[str]) -> None:
    fresh = [key for key in values if key not in table]
    for key, value in values.items():
        table[key] = _item(value)
    for key in without:
        if key in table:
            table.remove(key)
    _together(table.value.body, fresh)


def _together(body: list[tuple[Key | None, Item]], fresh: Sequence[str]) -> None:
    """Put new keys behind the others: tomlkit has them after the comments that follow those."""
    new = [pair for pair in body if pair[0] is not None and pair[0].key in fresh]
    old = [pair for pair in body if pair[0] is None or pair[0].key not in fresh]
    keys = [
        place
        for place, (key, item) in enumerate(old)
        if key is not None and not isinstance(item, Table)
    ]
    place = keys[-1] + 1 if keys else 0
    body[:] = [*old[:place], *new, *old[place:]]


def _item(value: Setting) -> Item:
    return tomlkit.item(list(value) if isinstance(value, tuple) else value)


def _check(
    old: str,
    new: str,
    table: Sequence[str],
    values: Mapping[str, Setting],
    without: Collection[str],
) -> None:
    """Nothing but what was wanted has changed."""
    wanted = tomllib.loads(old)
    place = wanted
    for name in table:
        place = place.setdefault(name, {})
    place.update({key: list(one) if isinstance(one, tuple) else one for key, one in values.items()})
    for key in without:
        place.pop(key, None)
    try:
        found = tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise Unwritable(str(error)) from error
    if found != wanted:
        raise Unwritable("the change cannot be put in without changing something else")
