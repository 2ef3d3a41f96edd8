"""Compares bytes with a file in tests/golden, byte for byte.

`UPDATE_GOLDEN=1` writes the files instead; the difference is then read before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, content: bytes) -> None:
    """Fail unless the file ``name`` holds exactly this."""
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(content)
    assert content == path.read_bytes()
