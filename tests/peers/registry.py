"""Who needs a peer asks here: one that is not there is always told, and fails in CI.

No test skips by itself for want of a peer.
"""

from __future__ import annotations

from typing import NoReturn

import pytest

from tools import peer


def require(program: str) -> str:
    """The path of a program that the test talks to; without it the test skips, in CI it fails."""
    found = peer.find(program)
    if found is None:
        missing(program, "not installed")
    return found


def missing(name: str, reason: str) -> NoReturn:
    """End the test because a peer cannot be had, and note that for the closing summary."""
    peer.note(name, reason)
    if peer.in_ci():
        pytest.fail(f"{name} is not there: {reason}", pytrace=False)
    pytest.skip(f"{name} is not there: {reason}")
