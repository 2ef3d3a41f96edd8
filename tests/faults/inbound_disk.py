"""A small disk of our own: a tmpfs, which needs root to mount."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import registry

_PIECE = 4096


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of that size, mounted at the folder while the block runs."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        registry.missing("tmpfs", mounted.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, *, leave: int) -> None:
    """Write so much that this many bytes are left."""
    with (disk / "filler").open("ab", buffering=0) as file:
        while (left := free(disk) - leave) >= _PIECE:
            file.write(b"x" * min(left, 1_048_576))


def make_room(disk: Path) -> None:
    """Take away what `fill` wrote."""
    (disk / "filler").unlink()


def free(disk: Path) -> int:
    """Bytes left."""
    seen = os.statvfs(disk)
    return seen.f_bavail * seen.f_frsize
